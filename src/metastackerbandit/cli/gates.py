"""`msb gates`: what each gate prevented, what that came to, and whether the gate is worth having."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, answering, tell
from metastackerbandit.cli.looking import DaysFlag, FrameFlag, RunFlag, SymbolFlag, journal_of, lenient_gates, with_notices

if TYPE_CHECKING:
    from metastackerbandit.backtest.gate_ledger import GateLedger
    from metastackerbandit.evaluation.attribution import Waterfall

GROUPS = ("side", "frame", "symbol")

ByFlag = Annotated[str, typer.Option("--by", metavar="frame,side", help="Tell gates apart by some of side, frame, symbol.", show_default=False)]


def gates(
    run: RunFlag = "last",
    by: ByFlag = "",
    days: DaysFlag = None,
    symbol: SymbolFlag = None,
    frame: FrameFlag = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """What each gate alone prevented, what those trades came to after costs, and the verdict: HARMFUL, USEFUL or UNPROVEN."""
    with answering(json):
        import numpy as np

        from metastackerbandit.backtest.gate_ledger import as_json, gate_ledger, profit_of
        from metastackerbandit.decision.attrition_groups import Words
        from metastackerbandit.storage.lookup import EVERY, among_of

        wanted = _groups(by)
        view = journal_of(home).run(run)
        among = among_of(view, symbol, frame, None, days)
        rows, verdict = view.verdicts()
        kept = among.mask(rows)
        every, said = rows, verdict
        rows, verdict, outcomes = rows[kept], verdict[kept], view.outcomes()
        mine = outcomes[np.isin(outcomes["decision"], rows["decision"])]
        names = [gate.name for gate in view.row.gates]
        words = Words(names, [instrument.symbol for instrument in view.row.instruments], view.row.arms)
        found = gate_ledger(rows, verdict, mine, words, wanted)
        payload: dict[str, Any] = {"run": view.row.run, "by": wanted, "decisions": len(rows), "gates": [as_json(line) for line in found]}
        text = [_table(found, wanted)]
        if among == EVERY:
            quote = view.row.instruments[0].quote
            falls = profit_of(every, said, outcomes, view.trips(), view.ledger(), names, lenient_gates(view.row.config))
            payload["profit"] = _profit_json(falls, quote)
            text += ["", _profit_text(falls, quote)]
        tell(payload, with_notices("\n".join(text), view), json)


def _groups(by: str) -> tuple[str, ...]:
    from metastackerbandit.domain.errors import UsageError

    wanted = tuple(dict.fromkeys(word.strip() for word in by.split(",") if word.strip()))
    strange = [word for word in wanted if word not in GROUPS]
    if strange:
        raise UsageError(f"{', '.join(strange)!r} is nothing to tell gates apart by", where="--by", mend=f"use some of {', '.join(GROUPS)}")
    return wanted


def _table(found: tuple[GateLedger, ...], by: tuple[str, ...]) -> str:
    if not found:
        return "no gate stopped anything"
    head = ("gate", *by, "asked", "blocked", "alone", "ended", "mean net bps", "95 %, at any time", "worth bps", "e harmful", "e useful", "verdict")
    lines = [
        (
            line.gate,
            *(line.of[name] for name in by),
            f"{line.answers.asked:,}",
            f"{line.answers.blocked + line.answers.unknown:,}",
            f"{line.answers.sole:,}",
            f"{line.value.matured:,}",
            _number(line.value.mean_bps),
            f"{_number(line.value.low_bps)} .. {_number(line.value.high_bps)}" if line.value.low_bps == line.value.low_bps else "-",
            _number(line.value.value_bps),
            _evidence(line.value.harmful_e),
            _evidence(line.value.useful_e),
            line.value.verdict if line.value.matured else "nothing ended",
        )
        for line in found
    ]
    left = 1 + len(by)
    widths = [max(len(cells[place]) for cells in (head, *lines)) for place in range(len(head))]
    told = [
        "  ".join(
            f"{cell:<{width}}" if place < left or place == len(head) - 1 else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in (head, *lines)
    ]
    harmful = [line for line in found if line.value.verdict == "HARMFUL"]
    told += [
        f"! {line.gate}{_of(line)} is HARMFUL: what it alone prevented earned {_number(line.value.mean_bps)} bps a trade; removing it is up to you"
        for line in harmful
    ]
    return "\n".join(told)


def _of(line: GateLedger) -> str:
    return f" ({', '.join(line.of.values())})" if line.of else ""


def _profit_text(falls: Waterfall, quote: str) -> str:
    money = _money(falls, quote)
    lines = [f"{quote}: every blocked trade taken as well {money['traded_all']:+,.2f}"]
    for gate, taken in sorted(money["taken"].items(), key=lambda item: -abs(item[1])):
        what = "took a profit of" if taken > 0 else "spared a loss of"
        lines.append(f"  {gate:<20} {what} {abs(taken):,.2f}")
    lines.append(
        f"  = realised {money['realised']:+,.2f}: closed trips {money['trips']:+,.2f}, costs and part of what is open {money['open_profit']:+,.2f}"
    )
    return "\n".join(lines)


def _profit_json(falls: Waterfall, quote: str) -> dict[str, Any]:
    return {**_money(falls, quote), "currency": quote}


def _money(falls: Waterfall, quote: str) -> dict[str, Any]:
    from metastackerbandit.domain.money import money_digits, money_float

    unit = 10 ** money_digits(quote)
    told: dict[str, Any] = {
        name: money_float(getattr(falls, name), quote) for name in ("traded_all", "prevented", "realised", "trips", "open_profit")
    }
    return told | {"taken": {gate: float(taken / unit) for gate, taken in falls.taken.items()}}


def _number(value: float) -> str:
    return "-" if value != value else f"{value:,.1f}"


def _evidence(value: float) -> str:
    return f"{value:,.1f}" if value < 1e6 else f"{value:.0e}"
