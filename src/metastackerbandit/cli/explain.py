"""`msb explain`: one decision from its record, or the nearest miss of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, answering, tell
from metastackerbandit.cli.looking import (
    DaysFlag,
    FrameFlag,
    RecordedSettings,
    RunFlag,
    SideFlag,
    SymbolFlag,
    journal_of,
    lenient_gates,
    with_notices,
)

if TYPE_CHECKING:
    from metastackerbandit.decision.explanation import Explanation
    from metastackerbandit.decision.prevented import PreventedTrade
    from metastackerbandit.storage.lookup import Among, Found
    from metastackerbandit.storage.run_view import RunView

_WHICH = (
    "`last`, `last-trade`, `last-blocked`, a decision's number, SYMBOL@TIME or SYMBOL/FRAME@TIME; "
    "with --nearest, where the look through the run ends (`last`: all of it)."
)


def explain(
    which: Annotated[str, typer.Argument(metavar="[WHICH]", help=_WHICH)] = "last",
    run: RunFlag = "last",
    nearest: Annotated[bool, typer.Option("--nearest", help="The wishes for new risk that lacked least; the best one in full.")] = False,
    top: Annotated[int, typer.Option("--top", min=1, help="How many near misses are listed.")] = 5,
    days: DaysFlag = None,
    symbol: SymbolFlag = None,
    frame: FrameFlag = None,
    side: SideFlag = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """One decision: what was wanted, what every gate saw, which one stood in the way, and what would have traded."""
    with answering(json):
        import msgspec

        from metastackerbandit.storage.lookup import among_of, find_decision

        view = journal_of(home).run(run)
        among = among_of(view, symbol, frame, side, days)
        if nearest:
            payload, text = _nearest(view, which, among, top)
            tell(payload, with_notices(text, view), json)
            return
        decision = find_decision(view, which, among)
        told, prevented = explained(view, decision), _prevented(view, decision)
        text = told.text if prevented is None else f"{told.text}\n   {prevented.text}"
        tell({**msgspec.structs.asdict(told), "prevented": prevented, "run": view.row.run}, with_notices(text, view), json)


def explained(view: RunView, found: Found) -> Explanation:
    """One decision of a run in words, from its record."""
    from metastackerbandit.decision.explain import explain as put_into_words
    from metastackerbandit.domain.kernel import struct_of
    from metastackerbandit.domain.prediction import Prediction
    from metastackerbandit.domain.timeframe import frame_name

    row = found.row
    instrument = view.row.instruments[row.instrument]
    heard = view.predictions_standing(row.instrument, row.at_ns) if view.row.models else ()
    return put_into_words(
        row,
        view.row.gates,
        found.observed.tolist(),
        found.limit.tolist(),
        found.verdict.tolist(),
        instrument,
        view.row.arms[row.arm],
        [struct_of(Prediction, said) for said in heard],
        view.row.models,
        lenient_gates(view.row.config),
        RecordedSettings(view.row.config, instrument.symbol, frame_name(row.frame_ns)),
    )


def _prevented(view: RunView, found: Found) -> PreventedTrade | None:
    """What the trade came to that gates prevented by a decision; None where there was none, or it has not ended."""
    from metastackerbandit.decision.prevented import prevented_trade
    from metastackerbandit.domain.kernel import struct_of
    from metastackerbandit.domain.rows import OutcomeRow

    row = found.row
    if not row.asks_risk or not row.blocked:
        return None
    outcomes = view.prevented(row)
    if not len(outcomes):
        return None
    gate = view.row.gates[row.sole].name if row.sole >= 0 else None
    return prevented_trade(row, struct_of(OutcomeRow, outcomes[0]), gate, view.row.instruments[row.instrument])


def _nearest(view: RunView, which: str, among: Among, top: int) -> tuple[dict[str, Any], str]:
    """-> (the answer, the text) of the misses that lacked least."""
    import msgspec
    import numpy as np

    from metastackerbandit.decision.nearest import misses_of
    from metastackerbandit.decision.nearest_text import near_misses, nearest_text
    from metastackerbandit.domain.errors import NotFound
    from metastackerbandit.domain.kernel import struct_of
    from metastackerbandit.domain.rows import DecisionRow
    from metastackerbandit.storage.lookup import Found, up_to, wishes

    among = up_to(view, which, among)
    rows, observed, limit, verdict = wishes(view, among.since_ns)
    looked = among.mask(rows)
    misses = misses_of(rows, observed, limit, verdict, view.row.gates, lenient_gates(view.row.config), looked)
    if not len(misses.places):
        raise NotFound(
            f"run {view.row.run} has no wish for new risk that a gate stopped, of {np.count_nonzero(looked)} looked at",
            where=str(view.home),
            mend="widen --days, --symbol, --frame or --side, look up to a later decision, or name another --run",
        )
    found = near_misses(rows, observed, limit, misses, view.row.gates, [instrument.symbol for instrument in view.row.instruments], top)
    best = int(misses.places[0])
    told = explained(view, Found(struct_of(DecisionRow, rows[best]), observed[best], limit[best], verdict[best]))
    count = int(np.count_nonzero(looked))
    answer = {"run": view.row.run, "until": among.until, "wishes": count, **msgspec.structs.asdict(found), "nearest": told}
    return answer, nearest_text(found, count, view.row.run, among.until) + "\n\n" + told.text
