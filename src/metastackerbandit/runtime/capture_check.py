"""A capture driven through scanner, continuity and book as it would be live: what was lost, what was wrong, and whether the book was right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct, field
from msgspec.structs import asdict

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.domain.market_rows import DEPTH, MARKET_KINDS, QUOTE, TRADES
from metastackerbandit.domain.recording import QualityIssue
from metastackerbandit.exchanges.continuity import APPLY, GAP, STATES
from metastackerbandit.exchanges.decoded import FAULTS
from metastackerbandit.market.book import is_crossed
from metastackerbandit.market.feed_score import scored
from metastackerbandit.market.issues import issues_of
from metastackerbandit.market.quality import begin_watch, limits_of, look
from metastackerbandit.market.quality_rows import Quality
from metastackerbandit.market.settings import QualitySettings
from metastackerbandit.runtime.book_feed import Feeds, feeds_of
from metastackerbandit.runtime.book_quality import book_quality, judge
from metastackerbandit.runtime.capture_chain import breaks_chain
from metastackerbandit.runtime.capture_rules import codec_in
from metastackerbandit.runtime.capture_stamps import place_of, stamp_issues
from metastackerbandit.runtime.frame_walk import frames_of, walking

MOST_ISSUES = 10_000  # kept; all are counted
QUOTES = 65_536  # best prices remembered by update id
SHOWN = 20  # issues of one kind told one by one
DEFAULTS = QualitySettings()  # limits where nobody gives others

# Kinds of findings in a capture.
FAULT, HOLE, CROSSED, DIFFERS, TRADE_HOLE, BACKWARDS, EARLIER, BROKEN_CHAIN = 0, 1, 2, 3, 4, 5, 6, 7


class FindingRow(Struct, frozen=True):
    """Something found at a frame: its kind and two numbers that say more (a fault's number; ids)."""

    what: int
    frame: int
    instrument: int
    before: int
    after: int


class TallyRow(Struct, frozen=True):
    """Counts of one instrument: books crossed after a change, best prices compared with the venue's own and equal, trades, ids and times.

    `gaps` are the places where changes are missing, `last_change` the frame of the newest change.
    """

    crossed: int
    compared: int
    equal: int
    trades: int
    last_trade: int
    trade_holes: int
    exchange_ns: int
    gaps: int
    last_change: int


class BestRow(Struct, frozen=True):
    """The venue's own best prices at an update id."""

    update_id: int
    bid: int
    bid_lots: int
    ask: int
    ask_lots: int


class Course(Struct, frozen=True):
    """Counts over the whole capture, and how many findings stand; `numbers_trades` is 1 where trades are numbered one after another."""

    findings: int
    backwards: int
    received_ns: int
    numbers_trades: int


class CheckedCapture(Struct, frozen=True, eq=False):
    """What a capture came to. `kinds` counts frames by kind and `faults` by what was wrong; `latency_ms` are 1, 50 and 99 percent quantiles of
    receive time less the venue's stamp (both clocks as they are), None where nothing was stamped; `ahead_ns` is by how much the venue's clock was
    ahead of the recorder's at the least: 0 where nothing was received before it was sent."""

    frames: int
    kinds: dict[str, int]
    faults: dict[str, int]
    gaps: int
    resyncs: int
    crossed: int
    compared: int
    equal: int
    latency_ms: tuple[float, float, float] | None
    ahead_ns: int
    books: tuple[dict[str, Any], ...]
    issues: tuple[QualityIssue, ...] = field(default_factory=tuple)


@kernel
def _find(course: Any, findings: Any, what: int, frame: int, instrument: int, before: int, after: int) -> None:
    if course.findings < len(findings):
        row = findings[course.findings]
        row.what = what
        row.frame = frame
        row.instrument = instrument
        row.before = before
        row.after = after
    course.findings += 1


@kernel
def _compare(market: Any, s: int, tally: Any, best: Any, course: Any, findings: Any, frame: int) -> None:
    """The book's best prices against the venue's own at the same update id."""
    row = market.book.row[s]
    tally.compared += 1
    if row.bids > 0 and row.asks > 0:
        bid, ask = market.book.bids[s, row.bids - 1], market.book.asks[s, row.asks - 1]
        if bid[0] == best.bid and bid[1] == best.bid_lots and ask[0] == best.ask and ask[1] == best.ask_lots:
            tally.equal += 1
            return
    _find(course, findings, 3, frame, s, best.update_id, 0)


@kernel
def _after(market: Any, s: int, tally: Any, bests: Any, course: Any, findings: Any, frame: int) -> None:
    """The book has changed: is it crossed, and is it the venue's?"""
    row = market.book.row[s]
    if is_crossed(row, market.book.bids[s], market.book.asks[s]):
        tally.crossed += 1
        _find(course, findings, 2, frame, s, market.book.bids[s, row.bids - 1, 0], market.book.asks[s, row.asks - 1, 0])
    best = bests[row.last_id % len(bests)]
    if best.update_id == row.last_id and row.last_id > 0:
        _compare(market, s, tally, best, course, findings, frame)


class Checking(NamedTuple):
    """What a check works on. `latency` (F,) receives ns behind the venue's stamp, or the least int64."""

    tallies: Any  # (S,) TallyRow
    chains: Any  # (S,) FeedRow of the changes alone
    bests: Any  # (S, Q) BestRow
    kinds: Any  # (K,) int64
    faults: Any  # (W,) int64
    latency: Any  # (F,) int64
    course: Any  # (1,) Course
    findings: Any  # (M,) FindingRow
    quality: Quality
    limits: Any  # (1,) Limits


@kernel
def note_arrival(mine: Any, market: Any, frame: int, received_ns: int) -> None:
    """A frame has come: our own clock must not have gone back."""
    course = mine.course[0]
    if frame == 0:
        begin_watch(mine.quality, mine.limits[0], received_ns)
    if received_ns < course.received_ns:
        course.backwards += 1
        _find(course, mine.findings, 5, frame, -1, course.received_ns, received_ns)
    course.received_ns = max(course.received_ns, received_ns)


@kernel
def check_frame(mine: Any, market: Any, frame: int, received_ns: int, kind: int, alone: int, is_again: bool) -> None:
    """What a frame came to is judged, counted and compared."""
    course, findings = mine.course[0], mine.findings
    judge(market, mine.quality, mine.limits[0], kind, received_ns, alone >= 0, is_again)
    stamp = 0
    if kind == DEPTH:
        s = market.decoded.depth[0].instrument
        tally = mine.tallies[s]
        verdict = market.feeds[s].verdict
        stamp = market.decoded.depth[0].exchange_ns
        is_told = is_again and _is_broken(course, findings, frame)
        is_broken = not is_again and breaks_chain(mine.chains[s], market.decoded.depth[0])
        if verdict == GAP and not is_told:
            tally.gaps += 1
            _find(course, findings, 1, frame, s, market.feeds[s].last_id, market.decoded.depth[0].first_id)
        elif is_broken:
            tally.gaps += 1
            _find(course, findings, 7, frame, s, tally.last_change, market.decoded.depth[0].first_id)
        if verdict == APPLY:
            _after(market, s, tally, mine.bests[s], course, findings, frame)
        if not is_again and market.decoded.depth[0].is_whole == 0:
            tally.last_change = frame
        if not is_again and alone < 0:
            if 0 < stamp < tally.exchange_ns:
                _find(course, findings, 6, frame, s, tally.exchange_ns, stamp)
            tally.exchange_ns = max(tally.exchange_ns, stamp)
    if is_again:
        return
    fault = market.decoded.found[0].fault
    mine.kinds[kind] += 1
    mine.faults[fault] += 1
    if fault != 0 and fault != 11:
        _find(course, findings, 0, frame, -1, fault, 0)
    if kind == TRADES:
        for n in range(market.decoded.found[0].rows):
            stamp = max(stamp, _traded(market.decoded.trades[n], mine.tallies, course, findings, frame))
    elif kind == QUOTE:
        stamp = _quoted(market, mine.tallies, mine.bests, course, findings, frame)
    mine.latency[frame] = received_ns - stamp if stamp > 0 and alone < 0 else -9223372036854775807


@kernel
def _is_broken(course: Any, findings: Any, frame: int) -> bool:
    """Whether it was told already, when this frame came, that changes are missing before it."""
    n = min(course.findings, len(findings)) - 1
    while n >= 0 and not (findings[n].frame == frame and findings[n].what == 7):
        n -= 1
    return n >= 0


@kernel
def _end(mine: Any) -> None:
    """Look once more at what time has brought since the last frame."""
    look(mine.quality, mine.limits[0], mine.course[0].received_ns)


@kernel
def _traded(trade: Any, tallies: Any, course: Any, findings: Any, frame: int) -> int:
    """Count a trade, and look whether its number follows; the venue's stamp."""
    tally = tallies[trade.instrument]
    if course.numbers_trades == 1 and tally.last_trade > 0 and trade.first_id != tally.last_trade + 1:
        tally.trade_holes += 1
        _find(course, findings, 4, frame, trade.instrument, tally.last_trade, trade.first_id)
    tally.trades += 1
    tally.last_trade = max(trade.last_id, tally.last_trade)
    return trade.exchange_ns


@kernel
def _quoted(market: Any, tallies: Any, bests: Any, course: Any, findings: Any, frame: int) -> int:
    """Remember the venue's own best prices, and compare them where the book stands at the same update; the venue's stamp."""
    quote = market.decoded.quotes[0]
    s = quote.instrument
    if quote.update_id < 0:  # not told: there is nothing to compare by
        return quote.exchange_ns
    best = bests[s, quote.update_id % bests.shape[1]]
    best.update_id = quote.update_id
    best.bid = quote.bid
    best.bid_lots = quote.bid_lots
    best.ask = quote.ask
    best.ask_lots = quote.ask_lots
    if market.feeds[s].state == 1 and market.book.row[s].last_id == quote.update_id:
        _compare(market, s, tallies[s], best, course, findings, frame)
    return quote.exchange_ns


def check_capture(capture: Capture, instruments: Sequence[Instrument], settings: QualitySettings = DEFAULTS) -> CheckedCapture:
    """Drive the capture's frames through the feeds of these instruments, which are of one venue.

    A score is of a reader who needs a book and nothing else.
    """
    codec = codec_in(capture, instruments)
    market = feeds_of(instruments, codec=codec)
    count, frames = len(instruments), len(capture.starts)
    mine = Checking(
        tallies=rows(TallyRow, count),
        chains=market.feeds.copy(),
        bests=np.stack([rows(BestRow, QUOTES) for _ in range(count)]),
        kinds=np.zeros(len(MARKET_KINDS), np.int64),
        faults=np.zeros(len(FAULTS), np.int64),
        latency=np.zeros(frames, np.int64),
        course=rows(Course, 1),
        findings=rows(FindingRow, MOST_ISSUES),
        quality=book_quality(count),
        limits=limits_of(settings),
    )
    mine.course[0]["numbers_trades"] = codec.numbers_trades
    walking(codec.venue, check_frame, note_arrival)(frames_of(capture, instruments), market, mine)
    _end(mine)
    tallies, course, quality = mine.tallies, mine.course, mine.quality
    ended_ns = int(course[0]["received_ns"])
    told = mine.findings[: min(int(course[0]["findings"]), MOST_ISSUES)]
    never = [one.symbol for one, feed in zip(instruments, market.feeds, strict=True) if feed["waited"] and not feed["snapshots"]]
    stamped = mine.latency[mine.latency > -(2**63) + 1]
    quantiles = tuple(float(value) for value in np.quantile(stamped / 1e6, (0.01, 0.5, 0.99))) if len(stamped) else None
    stamps = stamp_issues(capture, mine.latency, settings.stale_seconds, bool(mine.kinds[DEPTH]))
    return CheckedCapture(
        frames=frames,
        kinds={name: int(number) for name, number in zip(MARKET_KINDS, mine.kinds, strict=True) if number},
        faults={name: int(number) for (name, _), number in zip(FAULTS, mine.faults, strict=True) if number and name != "sound"},
        gaps=int(tallies["gaps"].sum()),
        resyncs=int(np.maximum(market.feeds["snapshots"] - 1, 0).sum()),
        crossed=int(tallies["crossed"].sum()),
        compared=int(tallies["compared"].sum()),
        equal=int(tallies["equal"].sum()),
        latency_ms=quantiles,  # type: ignore[arg-type]
        ahead_ns=max(0, -int(stamped.min())) if len(stamped) else 0,
        books=tuple(
            {**_book(one, market, tallies, place), "quality": _score(quality, place, mine.limits, ended_ns)} for place, one in enumerate(instruments)
        ),
        issues=(*capture.issues, *_issues(told, int(course[0]["findings"]), capture, instruments), *stamps, *_unsynced(never)),
    )


def _book(one: Instrument, market: Feeds, tallies: np.ndarray, place: int) -> dict[str, Any]:
    """One instrument's part of the answer."""
    feed, row, tally = market.feeds[place], market.book.row[place], tallies[place]
    best = [
        int(market.book.bids[place, row["bids"] - 1, 0]) if row["bids"] else 0,
        int(market.book.asks[place, row["asks"] - 1, 0]) if row["asks"] else 0,
    ]
    return {
        "symbol": one.symbol,
        "market": one.market,
        "state": STATES[int(feed["state"])],
        **{name: int(feed[name]) for name in ("snapshots", "applied", "old", "gaps")},
        **{name: int(tally[name]) for name in ("crossed", "compared", "equal", "trades", "trade_holes")},
        "levels": [int(row["bids"]), int(row["asks"])],
        "best": [one.price_text(ticks) if ticks else None for ticks in best],
        "tick_size": one.tick_size,
        "lot_size": one.lot_size,
    }


def _score(quality: Quality, place: int, limits: np.ndarray, now_ns: int) -> dict[str, Any]:
    """A book's score at the capture's end with its breakdown, its mean over the capture, and how many of the last 1,000 issues are of each kind."""
    issues = [issue.kind for issue in issues_of(quality) if issue.instrument == place]
    return {**asdict(scored(quality, place, limits, now_ns)), "issues": {kind: issues.count(kind) for kind in dict.fromkeys(issues)}}


def _unsynced(symbols: Sequence[str]) -> list[QualityIssue]:
    mend = "give the file with its depth snapshot first (the first day's, for a recording of several)"
    return [QualityIssue("no_snapshot", "critical", symbol, f"changes came and no snapshot: there is no book; {mend}") for symbol in symbols]


_WORDS = {
    HOLE: ("gap", "high", "changes are missing between update {before} and {after}: the book is worth nothing until a snapshot"),
    BROKEN_CHAIN: ("gap", "high", "the change from update {after} on does not follow the one before it, {other}: changes are missing between them"),
    CROSSED: ("crossed", "critical", "the best bid ({before} ticks) is not below the best ask ({after} ticks)"),
    DIFFERS: ("bookticker", "critical", "best prices differ from the venue's own at update {before}"),
    TRADE_HOLE: ("trade_gap", "high", "trade {after} follows trade {before}"),
    BACKWARDS: ("received_backwards", "medium", "received at {after}, after a frame received at {before}"),
    EARLIER: ("time_backwards", "medium", "the venue's stamp {after} is before {before}, that of a frame before it"),
}


def _shown(capture: Capture, frame: int) -> str:
    """A frame's beginning; of rows their first words."""
    content = capture.frame(frame)
    return (
        str(np.frombuffer(content[: len(content) // 8 * 8], "<i8")[:10].tolist()) if capture.is_rows else repr(content[:120].decode(errors="replace"))
    )


def _issues(findings: np.ndarray, count: int, capture: Capture, instruments: Sequence[Instrument]) -> list[QualityIssue]:
    """Findings in words, so many of a kind one by one and the rest in a line."""
    told: list[QualityIssue] = []
    seen: dict[str, int] = {}
    for row in findings:
        before, after = int(row["before"]), int(row["after"])
        if row["what"] == FAULT:
            name, means = FAULTS[before]
            kind, severity, text = (
                name,
                "high",
                f"{means}: {_shown(capture, int(row['frame']))}; the frame was set aside",
            )
        else:
            kind, severity, form = _WORDS[int(row["what"])]
            text = form.format(before=before, after=after, other=place_of(capture, before) if row["what"] == BROKEN_CHAIN else "")
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= SHOWN:
            symbol = f"{instruments[int(row['instrument'])].symbol} " if row["instrument"] >= 0 else ""
            told.append(QualityIssue(kind, severity, f"{symbol}{place_of(capture, int(row['frame']))}", text))
    told += [QualityIssue(kind, "high", f"and {more - SHOWN:,} more", "as above", more - SHOWN) for kind, more in seen.items() if more > SHOWN]
    if count > len(findings):
        told.append(QualityIssue("findings", "high", f"and {count - len(findings):,} more", f"only the first {len(findings):,} are told"))
    return told
