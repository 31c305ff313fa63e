"""`msb preflight`: replay recent days before a start, and say what every gate would have done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import JsonFlag, answering, tell
from metastackerbandit.cli.wanted import Wanted, on_market

if TYPE_CHECKING:
    from metastackerbandit.backtest.preflight import Preflight
    from metastackerbandit.cli.session import Session
    from metastackerbandit.config.schema import Config, ThresholdWaiver
    from metastackerbandit.evaluation.finding import Finding, Waiver, Written
    from metastackerbandit.evaluation.gate_record import GateRecord
    from metastackerbandit.storage.preflights import PreflightRecord

NOT_READY = 4  # the exit code while errors stand: what was given is refused


@on_market()
def preflight(
    wanted: Wanted,
    days: Annotated[float | None, typer.Option("--days", help="Days to replay. [default: preflight.days]", show_default=False)] = None,
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME", help="The profile to judge.", show_default=False)] = None,
    json: JsonFlag = False,
) -> None:
    """Replay recent days and judge every gate; exit code 0 when a start is allowed (warnings may stand), 4 while errors stand."""
    with answering(json):
        from metastackerbandit.cli.session import open_session

        sets = (*wanted.sets, *([f"preflight.days={days}"] if days is not None else []), *([f"run.profile={profile}"] if profile else []))
        wanted = wanted._replace(sets=sets)
        session = open_session(wanted)
        found = preflight_of(session, wanted)
        kept = keep(session, found)
        tell({**as_json(found), "setup": kept.setup, "code": kept.code}, preflight_text(found, session), json)
        if not found.is_ready:
            raise typer.Exit(NOT_READY)


def preflight_of(session: Session, wanted: Wanted) -> Preflight:
    """The preflight of a session, on the last days of its recording; nothing is traded or journaled."""
    import time

    from metastackerbandit.backtest.preflight import preflight as judged

    opinions = session.opinions
    return judged(
        session.plan,
        session.recording,
        lambda part: opinions.predictions(part, session.config) if opinions is not None else (),
        session.config.simulation,
        session.config.preflight,
        now_ns=time.time_ns(),
        waivers=waivers_of(session),
        written=written_of(session, wanted),
        domains=domains_of(session),
    )


def keep(session: Session, found: Preflight) -> PreflightRecord:
    """Write the result down in the home, in place of the last one."""
    import time

    from metastackerbandit.cli.session import record_of
    from metastackerbandit.evaluation.finding import WAIVED
    from metastackerbandit.storage.preflights import PreflightRecord, keep_preflight
    from metastackerbandit.storage.setups import setup_of

    record = record_of(session, "paper", "streaming")
    kept = PreflightRecord(
        code=record.code,
        setup=setup_of(record.config, record.arm, record.models, [f"{book.symbol} {book.frame}" for book in found.books]),
        at_ns=time.time_ns(),
        from_ns=found.from_ns,
        to_ns=found.to_ns,
        is_ready=found.is_ready,
        errors=tuple(one.id for one in found.findings if one.is_error),
        waived=tuple(one.id for one in found.findings if one.status == WAIVED),
        warnings=sum(one.status == "open" and not one.is_error for one in found.findings),
    )
    keep_preflight(session.home, kept)
    return kept


def waivers_of(session: Session) -> tuple[Waiver, ...]:
    """The waivers of the configuration; each holds to the end of its day, UTC."""
    from datetime import UTC, datetime, timedelta

    from metastackerbandit.evaluation.finding import Waiver

    def ends_ns(waiver: ThresholdWaiver) -> int:
        day = datetime(waiver.until.year, waiver.until.month, waiver.until.day, tzinfo=UTC) + timedelta(days=1)
        return int(day.timestamp()) * 1_000_000_000

    return tuple(Waiver(one.key, ends_ns(one), one.why) for one in session.config.waivers)


def written_of(session: Session, wanted: Wanted) -> tuple[dict[str, Written], ...]:
    """The setting behind each gate's limit, a book each: its value, and whether somebody wrote it, a profile included."""
    from metastackerbandit.cli.market_data import loaded_of
    from metastackerbandit.config.books import book_config, book_sources

    sources = loaded_of(wanted).sources
    return tuple(
        _written(book_config(session.config, *name), book_sources(session.config, sources, *name))
        for name in ((book.instrument.symbol, book.frame) for book in session.plan.books)
    )


def _written(config: Config, sources: dict[str, str]) -> dict[str, Written]:
    from metastackerbandit.config.outline import value_at
    from metastackerbandit.engine.gates import GATES
    from metastackerbandit.evaluation.finding import Written

    found: dict[str, Written] = {}
    for gate in GATES:
        if gate.setting:
            value = value_at(config, gate.setting)
            number = gate.lead + value if isinstance(value, (int, float)) and not isinstance(value, bool) else float("nan")
            names = (gate.setting, *(f"{gate.setting}_{side}" for side in ("buy", "sell") if gate.by_side))
            found[gate.name] = Written(gate.setting, number, by_hand=any(sources[name] != "default" for name in names))
        elif gate.switch:
            found[gate.name] = Written(gate.switch, float("nan"), by_hand=sources[gate.switch] != "default")
    return found


def domains_of(session: Session) -> dict[str, tuple[float, float]]:
    """What a gate's quantity can be, where a setting chooses the quantity."""
    from metastackerbandit.domain.quantities import DOMAINS

    return {"confidence": DOMAINS[session.config.decision.confidence]}


# -- as JSON ---------------------------------------------------------------------------------------------------------------


def as_json(found: Preflight) -> dict[str, Any]:
    """The stable shape of `msb preflight --json`, with more beside it."""
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(found)
    findings = plain.pop("findings")
    return {
        "ok": plain.pop("is_ready"),
        **plain,
        "gates": [_gate_json(gate, findings) for gate in found.gates],
        "books": [{**book, "gates": [_gate_json(gate, _at(findings, view)) for gate in view.gates]} for book, view in _books(found, plain)],
        "problems": [one for one in findings if one["status"] == "open" and one["severity"] in ("critical", "high")],
        "issues": findings,
    }


def _books(found: Preflight, plain: dict[str, Any]) -> list[tuple[dict[str, Any], Any]]:
    return list(zip(plain["books"], found.books, strict=True))


def _at(findings: list[dict[str, Any]], view: Any) -> list[dict[str, Any]]:
    return [one for one in findings if one["frame"] == view.frame and view.symbol in one["symbol"].split(",")]


def _gate_json(gate: GateRecord, findings: list[dict[str, Any]]) -> dict[str, Any]:
    import msgspec

    kinds = {one["kind"] for one in findings if one["gate"] == gate.gate}
    plain: dict[str, Any] = msgspec.to_builtins(gate)
    observed = plain.pop("observed")
    return {
        **plain,
        "passes": plain["passes"],
        "reachable": not kinds & {"unreachable"} and not ("out_of_domain" in kinds and gate.passes.both == 0),
        "vacuous": "vacuous" in kinds or ("out_of_domain" in kinds and gate.passes.both == gate.asked.both),
        "observed": observed,
    }


# -- as text ---------------------------------------------------------------------------------------------------------------

_COLUMNS = f"{'p5':>9} {'p50':>9} {'p95':>9} {'max':>9}  {'BUY':>13} {'SELL':>13}  {'alone':>11} {'no data':>7} {'fired':>7}"
_HEAD = f"{'gate':<18} {'asks':>17} {'at':>4}  {_COLUMNS}"


def preflight_text(found: Preflight, session: Session) -> str:
    """The table of gates, what would have traded, the issues, the risks, and the word."""
    books = ", ".join(f"{book.symbol} {book.frame}" for book in found.books)
    lines = [
        f"preflight of {books}: {found.arm}, {found.days:.1f} days from {_day(found.from_ns)} to {_day(found.to_ns)}, nothing was traded",
        "",
        _HEAD,
    ]
    for kind in ("opinion", "safety"):
        lines += [_gate_line(gate) for gate in found.gates if gate.kind == kind and _was_asked(gate)]
    quiet = [gate.gate for gate in found.gates if not _was_asked(gate)]
    if quiet:
        lines.append(f"  never asked, their inputs cannot be here or nothing came so far: {', '.join(quiet)}")
    lines += ["", "would have traded"]
    for book in found.books:
        lines.append(
            f"  {book.symbol} {book.frame}: BUY {book.opinions.buy:,} opinions -> {book.entries.buy:,} entries, "
            f"SELL {book.opinions.sell:,} -> {book.entries.sell:,}, over {book.decisions:,} bars"
        )
    shown = [one for one in found.findings if one.severity != "low"]
    noted = len(found.findings) - len(shown)
    lines += ["", "issues" if shown else "issues: none"]
    for alike in _alike(shown):
        first, others = alike[0], [one.symbol for one in alike[1:]]
        more = f"  (and {', '.join(others)})" if others else ""
        lines.append(f"  {first.severity:<8} {first.status:<6} {first.frame:<4} {first.symbol:<12} {first.what}{more}")
        lines.append(f"  {'':<16}{first.id}: {first.waiver or first.mend}")
    if noted:
        lines.append(f"  and {noted} notes that need nothing (--json has them)")
    lines += ["", "risks"]
    lines += [f"  {risk.severity:<8} {risk.id:<17} {risk.what}" for risk in found.risks]
    lines += [f"  note: {notice}" for notice in (*found.notices, *session.notices)]
    errors = sum(one.is_error for one in found.findings)
    warnings = sum(one.status == "open" and not one.is_error for one in found.findings)
    word = f"READY, with {warnings} warnings" if found.is_ready else f"NOT READY: {errors} errors stand, {warnings} warnings"
    return "\n".join([*lines, "", word])


def _alike(found: list[Finding]) -> list[list[Finding]]:
    """Findings of one kind, gate, frame and standing together: a limit is the same mistake on every symbol."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for one in found:
        groups.setdefault((one.severity, one.status, one.kind, one.gate, one.frame, one.waiver), []).append(one)
    return list(groups.values())


def _was_asked(gate: GateRecord) -> bool:
    return gate.asked.both + gate.unknown + gate.fired > 0


def _gate_line(gate: GateRecord) -> str:
    sign = ">=" if gate.sense == "at least" else "<="
    limit = _number(gate.limit) if gate.limit_high - gate.limit_low < 1e-9 else f"{_number(gate.limit_low)}..{_number(gate.limit_high)}"
    asks = "off" if gate.off else f"{sign} {limit}"
    seen = gate.observed
    percentile = "-" if gate.percentile != gate.percentile else f"{100 * gate.percentile:.0f}%"
    numbers = " ".join(f"{_number(value):>9}" for value in (seen.p05, seen.p50, seen.p95, seen.max))
    sides = " ".join(f"{f'{passed:,}/{asked:,}':>13}" for passed, asked in ((gate.passes.buy, gate.asked.buy), (gate.passes.sell, gate.asked.sell)))
    alone = f"{gate.alone.buy:,}/{gate.alone.sell:,}"
    return f"{gate.gate:<18} {asks:>17} {percentile:>4}  {numbers}  {sides}  {alone:>11} {gate.unknown:>7,} {gate.fired:>7,}"


def _number(value: float) -> str:
    if value != value:
        return "-"
    return f"{value:.3g}" if abs(value) < 1e4 else f"{value:.2e}"


def _day(ns: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M")
