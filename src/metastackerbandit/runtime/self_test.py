"""The self-test of market data: each defect planted in a sandbox feed and looked for, through the scanner, continuity, book and quality that serve.

A made venue (simulation.binance_frames) sends whole frames; one thing is done to them; the issue must be told within its time, end once the
venue is mended, and nothing may be told of a feed that is sound. Limits are the defaults, so that the answer is about the detectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.exchanges.decoded import FAULTS, OFF_GRID, SOUND, TRUNCATED
from metastackerbandit.market.feed_score import scored
from metastackerbandit.market.issues import issues_of, standing_of
from metastackerbandit.market.quality import begin_watch, limits_of, look, look_apart
from metastackerbandit.market.quality_rows import NOBODY
from metastackerbandit.market.settings import QualitySettings
from metastackerbandit.runtime.book_feed import feeds_of, take
from metastackerbandit.runtime.book_quality import book_quality, judge
from metastackerbandit.simulation.binance_frames import START_NS, STEP_NS, Told, Venue

LOOK_SECONDS = 5.0  # between two looks at what time alone brings, as a live feed is looked at
WARM_UP = 20  # sound changes before anything is planted
LEAST_SCORE = 0.98  # time-weighted, of a sound feed: the objective
SECOND_NS = 1_000_000_000
_INSTRUMENT = Instrument("BTCUSDT", "BTC", "USDT", "perp", "BINANCE", "0.1", "0.001", "0.001", "1000", "5")


class Detection(Struct, frozen=True):
    """What came of one defect: the issue that was expected, whether it was told within its time and ended once mended, and how, in words."""

    defect: str
    issue: str
    severity: str
    within_seconds: float
    detected: bool
    after_seconds: float | None  # from the plant until it was told; None where it never was
    how: str


class Sandbox:
    """A made venue, its feed, and the clock between them."""

    def __init__(self, *, is_synced: bool = True) -> None:
        self.venue = Venue(1, is_perp=True)
        self.now_ns = self.planted_ns = START_NS
        self.peers: tuple[float, ...] = ()  # other venues' prices; empty: they follow ours
        self.told: dict[tuple[str, int], int] = {}  # (issue, its beginning) -> when it was told
        self._market = feeds_of([_INSTRUMENT], 256)
        self._limits = limits_of(QualitySettings())
        self.quality = book_quality(1)
        self._looked_ns = START_NS
        begin_watch(self.quality, self._limits[0], START_NS)
        self._note()
        if is_synced:
            self.play([self.venue.snapshot()])
        self.flow(WARM_UP)

    def play(self, frames: Sequence[Told]) -> None:
        """Send frames, with a look wherever one is due."""
        for one in frames:
            self.pass_time_to(one.received_ns)
            text = np.frombuffer(one.text, np.uint8).copy()
            kind = take(text, len(text), one.received_ns, 0 if one.is_snapshot else -1, self._market)
            self.now_ns = int(judge(self._market, self.quality, self._limits[0], kind, one.received_ns, one.is_snapshot, False))
            self._note()

    def flow(self, count: int) -> None:
        """So many sound changes, a tenth of a second apart."""
        for _ in range(count):
            self.play(self.venue.changed())

    def pass_time_to(self, now_ns: int) -> None:
        """Let time pass, in which nothing comes."""
        while self._looked_ns + int(LOOK_SECONDS * SECOND_NS) <= now_ns:
            self._looked_ns += int(LOOK_SECONDS * SECOND_NS)
            self.now_ns = max(self.now_ns, self._looked_ns)
            look(self.quality, self._limits[0], self.now_ns)
            price = self.price
            others = np.array(self.peers or (price * 1.0005, price * 0.9995))
            look_apart(self.quality, 0, self._limits[0], price, others, self.now_ns)
            self._note()

    @property
    def price(self) -> float:
        """The middle of the book as it is followed; NaN where it has one side or none."""
        row = self._market.book.row[0]
        if not row.bids or not row.asks:
            return float("nan")
        return 0.05 * float(self._market.book.bids[0, row.bids - 1, 0] + self._market.book.asks[0, row.asks - 1, 0])

    def score(self) -> tuple[float, float]:
        """The score now, and its mean since the beginning."""
        found = scored(self.quality, 0, self._limits, self.now_ns)
        return found.score, found.time_weighted

    def standing(self) -> tuple[str, ...]:
        """Issues that stand, of the instrument and of the venue."""
        return (*standing_of(self.quality, 0), *standing_of(self.quality, 1))

    def _note(self) -> None:
        for issue in issues_of(self.quality):
            self.told.setdefault((issue.kind, issue.begun_ns), self.now_ns)


class Defect(NamedTuple):
    """What is done, what must be told of it, how bad and how soon (s), whose it is, how to do it and mend it; the `fault` of a frame."""

    name: str
    issue: str
    severity: str
    within: float
    instrument: int
    plant: Callable[[Sandbox], None]
    mend: Callable[[Sandbox], None]
    is_synced: bool = True
    fault: int = SOUND


def self_test() -> tuple[Detection, ...]:
    """Each defect in a sandbox of its own; the first row is a feed without one."""
    return (_sound(), *(_tried(defect) for defect in DEFECTS))


def _sound() -> Detection:
    box = Sandbox()
    box.flow(400)
    told = sorted({kind for kind, _ in box.told} - {"missing"})  # the book was missing until its snapshot came
    _, mean = box.score()
    is_right = not told and not box.standing() and mean >= LEAST_SCORE
    words = f"told {', '.join(told)}" if told else f"{', '.join(box.standing())} stands" if box.standing() else "nothing was told"
    return Detection(
        "none: a sound feed", "", "", 0.0, is_right, None, f"{words} in 42 s; time-weighted score {mean:.1%}, at least {LEAST_SCORE:.0%}"
    )


def _tried(defect: Defect) -> Detection:
    box = Sandbox(is_synced=defect.is_synced)
    if defect.is_synced:
        box.planted_ns = box.now_ns
    known = len(issues_of(box.quality)) if defect.is_synced else 0
    defect.plant(box)
    found = [issue for issue in issues_of(box.quality)[known:] if issue.kind == defect.issue]
    after = (box.told[found[0].kind, found[0].begun_ns] - box.planted_ns) / SECOND_NS if found else None
    stood = defect.issue in box.standing()
    is_zero = defect.severity != "critical" or box.score()[0] == 0.0
    defect.mend(box)
    if after is None:
        wrong = "it was never told"
    elif after > defect.within:
        wrong = f"it was told after {after:g} s"
    elif (found[0].severity, found[0].instrument) != (defect.severity, defect.instrument):
        wrong = f"it was told as {found[0].severity}, of {'the venue' if found[0].instrument == NOBODY else 'the instrument'}"
    elif defect.fault and found[0].first != defect.fault:
        wrong = f"it was told as {FAULTS[found[0].first][0]}"
    elif not stood:
        wrong = "it ended before the venue was mended"
    elif not is_zero:
        wrong = "the score was not 0 while it stood"
    elif defect.issue in box.standing():
        wrong = "it stands although the venue was mended"
    else:
        return Detection(defect.name, defect.issue, defect.severity, defect.within, True, after, f"told after {after:g} s, ended once mended")
    return Detection(defect.name, defect.issue, defect.severity, defect.within, False, after, wrong)


# -- the defects -------------------------------------------------------------------------------------------------------


def _edited(frames: list[Told], at: int, **changes: Any) -> list[Told]:
    """The frames with one of them changed."""
    one = frames[at]
    edited = Told(changes.get("received_ns", one.received_ns), changes.get("text", one.text), one.is_change, one.is_snapshot)
    return [*frames[:at], edited, *frames[at + 1 :]]


def _cross(box: Sandbox) -> None:
    ask = min(box.venue.levels[1])
    box.play(box.venue.told({ask: 500}, {}))


def _uncross(box: Sandbox) -> None:
    bids, asks = box.venue.levels
    box.play(box.venue.told({ticks: 0 for ticks in bids if ticks >= min(asks)}, {}))


def _widen(box: Sandbox) -> None:
    best = max(box.venue.levels[0])
    box.play(box.venue.told({}, dict.fromkeys(box.venue.levels[1], 0) | {best * 11 // 10 + n: 500 for n in range(9)}))


def _narrow(box: Sandbox) -> None:
    box.play(box.venue.told({}, {max(box.venue.levels[0]) + 1: 500}))


def _thin(box: Sandbox) -> None:
    box.play(box.venue.told(dict.fromkeys(sorted(box.venue.levels[0])[:-4], 0), {}))


def _thicken(box: Sandbox) -> None:
    best = max(box.venue.levels[0])
    box.play(box.venue.told({best - n: 500 for n in range(20)}, {}))


def _fall_silent(box: Sandbox) -> None:
    box.pass_time_to(box.now_ns + 40 * SECOND_NS)


def _speak(box: Sandbox) -> None:
    box.play(box.venue.told({}, {}, 41 * SECOND_NS))


def _lose(box: Sandbox) -> None:
    box.venue.changed()
    box.planted_ns += STEP_NS
    box.flow(3)


def _send_snapshot(box: Sandbox) -> None:
    box.play([box.venue.snapshot()])
    box.flow(3)


def _stamp_back(box: Sandbox) -> None:
    frames = box.venue.changed()
    stamp = b'"E":%d' % ((frames[0].received_ns - 3_000_000) // 1_000_000)
    box.play(_edited(frames, 0, text=frames[0].text.replace(stamp, b'"E":%d' % (START_NS // 1_000_000))))


def _clock_back(box: Sandbox) -> None:
    frames = box.venue.changed()
    box.play(_edited(frames, 1, received_ns=frames[1].received_ns - 2 * SECOND_NS))


def _cut(box: Sandbox) -> None:
    frames = box.venue.changed()
    box.play(_edited(frames, 1, text=frames[1].text[:-9]))


def _off_grid(box: Sandbox) -> None:
    frames = box.venue.changed()
    box.play(_edited(frames, 1, text=frames[1].text.replace(b'0","B":', b'5","B":')))


def _stay_calm(box: Sandbox) -> None:
    box.flow(160)


def _jump(box: Sandbox) -> None:
    box.peers = (box.price, box.price * 1.001)
    bids, asks = box.venue.levels
    up = max(bids) // 20
    bids, asks = (dict.fromkeys(side, 0) | {ticks + up: lots for ticks, lots in side.items()} for side in (bids, asks))
    box.play(box.venue.told(bids, asks))
    box.flow(60)


def _come_near(box: Sandbox) -> None:
    box.peers = ()
    box.flow(60)


def _nothing(box: Sandbox) -> None:
    """The defect is that there was no snapshot."""


DEFECTS = (
    Defect("a bid at the best ask's price", "crossed", "critical", 0.2, 0, _cross, _uncross),
    Defect("best prices a tenth apart", "wide", "medium", 0.2, 0, _widen, _narrow),
    Defect("four bids of a whole book", "shallow", "medium", 0.2, 0, _thin, _thicken),
    Defect("40 s of silence", "stale", "high", 30.0 + LOOK_SECONDS, 0, _fall_silent, _speak),
    Defect("a change is lost", "gap", "high", 0.2, 0, _lose, _send_snapshot),
    Defect("a stamp that is earlier than the one before", "time_back", "medium", 0.2, 0, _stamp_back, _stay_calm),
    Defect("our clock goes back by 2 s", "clock_back", "medium", 0.2, NOBODY, _clock_back, _stay_calm),
    Defect("a frame that is cut off", "broken", "high", 0.2, NOBODY, _cut, _stay_calm, fault=TRUNCATED),
    Defect("a price that is off the grid", "broken", "high", 0.2, NOBODY, _off_grid, _stay_calm, fault=OFF_GRID),
    Defect("the price is 5 % from two other venues'", "apart", "medium", 0.2 + LOOK_SECONDS, 0, _jump, _come_near),
    Defect("changes without a snapshot", "missing", "medium", 0.2, 0, _nothing, _send_snapshot, is_synced=False),
)
