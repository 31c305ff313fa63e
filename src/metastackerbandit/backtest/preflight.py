"""The replay before a start: recent days through the same engine, nothing traded and nothing journaled, and what its traces show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from msgspec import Struct, structs

from metastackerbandit.backtest.run import block_of, run
from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.sink import Kept, MemorySink
from metastackerbandit.domain.timeframe import DAY_NS, frame_ns
from metastackerbandit.engine.gates import GATES
from metastackerbandit.engine.plan import Plan, recording_of
from metastackerbandit.evaluation.finding import Book, Finding, Waiver, Written
from metastackerbandit.evaluation.gate_record import GateRecord, Replayed
from metastackerbandit.evaluation.preflight import BookView, Scene, all_gates, book_views, findings
from metastackerbandit.evaluation.risks import Risk, risk_register
from metastackerbandit.evaluation.settings import PreflightSettings
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.stacking.settings import POSTERIOR

Predict = Callable[[Recording], Sequence[np.ndarray]]


class Preflight(Struct, frozen=True):
    """What the replay came to; `is_ready` is False while an error stands. Times are UTC ns of the days that were counted."""

    is_ready: bool
    from_ns: int
    to_ns: int
    days: float
    arm: str
    books: tuple[BookView, ...]
    gates: tuple[GateRecord, ...]
    findings: tuple[Finding, ...]
    risks: tuple[Risk, ...]
    notices: tuple[str, ...]


def preflight(
    plan: Plan,
    recording: Recording,
    predict: Predict,
    simulation: SimulationSettings,
    settings: PreflightSettings,
    *,
    now_ns: int,
    waivers: Sequence[Waiver] = (),
    written: Sequence[Mapping[str, Written]] | None = None,
    domains: Mapping[str, tuple[float, float]] | None = None,
    gates: tuple[GateSpec, ...] = GATES,
) -> Preflight:
    """Replay the last days of a recording and judge every gate.

    `predict` answers a recording with every prediction that the plan hears, one array a book (nothing for rules), out of sample. `waivers` are
    those that were given; only those in force count. `written` holds, a book each, the setting behind each gate's limit.
    """
    last_ns = max(int(bars["closed_ns"][-1]) for bars in recording.bars if len(bars))
    first_ns = min(int(bars["opened_ns"][0]) for bars in recording.bars if len(bars))
    from_ns = max(last_ns - round(settings.days * DAY_NS), first_ns)
    warm_days = max(settings.warm_days, settings.record_days) if plan.arm == POSTERIOR else settings.warm_days  # arms have to have learned

    def replayed(plan: Plan, since_ns: int, until_ns: int, *, opinions_only: bool = False) -> tuple[Kept, Sequence[np.ndarray]]:
        part = between(recording, since_ns - round(warm_days * DAY_NS), until_ns)
        answers = predict(part)
        sink = _Since(since_ns, opinions_only=opinions_only)
        run(plan, block_of(recording_of(plan, part), (), answers), simulation, sink)
        return sink.kept(), answers

    kept, answers = replayed(plan, from_ns, last_ns)
    recent = _traces(kept, len(gates))
    books = books_of(plan)
    is_spot = any(book.is_spot for book in books)
    scene = Scene(
        books=books,
        gates=gates,
        recent=recent,
        spell_bars=settings.spell_bars,
        mirror=_traces(replayed(shortable(plan), from_ns, last_ns, opinions_only=True)[0], len(gates)) if is_spot else None,
        record=_record(replayed, plan, first_ns, from_ns, settings, len(gates)),
        written=written,
        domains=domains or {},
    )
    views = book_views(scene)
    found = findings(scene, views, settings, waivers, now_ns)
    said = [rows[rows["closed_ns"] > from_ns] for rows in answers]
    days = (last_ns - from_ns) / DAY_NS
    return Preflight(
        is_ready=not any(one.is_error for one in found),
        from_ns=from_ns,
        to_ns=last_ns,
        days=days,
        arm=plan.arm,
        books=views,
        gates=all_gates(scene),
        findings=found,
        risks=risk_register(
            views,
            found,
            recent.rows,
            kept.controls[kept.controls["at_ns"] > from_ns],
            days=days,
            due=sum(_bars_due(from_ns, last_ns, frame_ns(book.frame)) for book in books),
            answers=sum(len(rows) for rows in said),
            silent=sum(int(np.count_nonzero(rows["silence"])) for rows in said),
        ),
        notices=_notices(waivers, now_ns, days, settings, is_spot),
    )


def between(recording: Recording, since_ns: int, until_ns: int) -> Recording:
    """The recording's candles that open at or after a time and close by another, with what settled or was seen between."""

    def cut(series: np.ndarray | None, when: str = "at_ns") -> np.ndarray | None:
        return None if series is None else series[(series[when] >= since_ns) & (series[when] <= until_ns)]

    return structs.replace(
        recording,
        bars=tuple(bars[(bars["opened_ns"] >= since_ns) & (bars["closed_ns"] <= until_ns)] for bars in recording.bars),
        funding=tuple(cut(series) for series in recording.funding),
        mood=tuple(cut(series) for series in recording.mood),
        seconds=tuple(cut(series, "known_ns") for series in recording.seconds),
    )


def books_of(plan: Plan) -> tuple[Book, ...]:
    """The plan's books, in the order in which rows count them."""
    return tuple(Book(book.instrument.symbol, book.frame, book.instrument.market == "spot") for book in plan.books)


def shortable(plan: Plan) -> Plan:
    """The same plan where a symbol could be sold short, so that selling intents can be judged."""
    books = tuple(structs.replace(book, instrument=structs.replace(book.instrument, market="perp")) for book in plan.books)
    return structs.replace(plan, books=books)


def _record(
    replayed: Callable[..., tuple[Kept, Sequence[np.ndarray]]], plan: Plan, first_ns: int, from_ns: int, settings: PreflightSettings, gates: int
) -> Callable[[], Replayed] | None:
    """How the history before the days is replayed; None where there is none. It runs once, whoever asks."""
    since_ns = max(from_ns - round(settings.record_days * DAY_NS), first_ns)
    if since_ns >= from_ns:
        return None
    held: list[Replayed] = []

    def record() -> Replayed:
        if not held:
            held.append(_traces(replayed(shortable(plan), since_ns, from_ns, opinions_only=True)[0], gates))
        return held[0]

    return record


class _Since(MemorySink):
    """Keeps the decisions on bars that closed after a time; `opinions_only` leaves out those without an opinion."""

    def __init__(self, since_ns: int, *, opinions_only: bool) -> None:
        super().__init__()
        self._since_ns = since_ns
        self._opinions_only = opinions_only

    def decisions(self, rows: np.ndarray, observed: np.ndarray, limit: np.ndarray, verdict: np.ndarray) -> None:
        """Copy what counts."""
        where = rows["closed_ns"] > self._since_ns
        if self._opinions_only:
            where &= rows["side"] != 0
        super().decisions(rows[where], observed[where], limit[where], verdict[where])


def _traces(kept: Kept, gates: int) -> Replayed:
    """A replay's traces; of no decisions they have as many columns all the same."""
    if len(kept.decisions):
        return Replayed(kept.decisions, kept.observed, kept.limit, kept.verdict)
    none = np.zeros((0, gates))
    return Replayed(kept.decisions, none, none, none.astype(np.int8))


def _bars_due(from_ns: int, to_ns: int, length_ns: int) -> int:
    return to_ns // length_ns - from_ns // length_ns


def _notices(waivers: Sequence[Waiver], now_ns: int, days: float, settings: PreflightSettings, is_spot: bool) -> tuple[str, ...]:
    told = [f"the waiver of {one.key} has ended: it lets nothing pass" for one in waivers if now_ns >= one.until_ns]
    told += [f"a waiver of {one.key} is in force: {one.why}" for one in waivers if now_ns < one.until_ns]
    if days < settings.days - 1e-6:
        told.append(f"only {days:.1f} days are recorded, of {settings.days:g} that were asked for")
    if is_spot:
        told.append("spot cannot be short: selling intents are judged in a replay as if it could, and would not be traded")
    return tuple(told)
