"""A plan: which books (a symbol on a frame) by which arm, under which settings; from it the world begins."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct, structs

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.errors import ConfigRefused, DataRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import row, rows
from metastackerbandit.domain.label import label_spec
from metastackerbandit.domain.money import money_of
from metastackerbandit.domain.recording import Recording, spread
from metastackerbandit.domain.rows import DEPOSIT, LedgerRow
from metastackerbandit.domain.timeframe import frame_name, frame_ns
from metastackerbandit.engine.book_limits import limits_of, pieces_a_day
from metastackerbandit.engine.gates import GATE_NAMES
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.engine.world import World, empty_world
from metastackerbandit.stacking.arm import Prepared, prepared
from metastackerbandit.stacking.catalog import ARMS
from metastackerbandit.stacking.frame_words import alignment_terms
from metastackerbandit.stacking.names import RULE_ARMS, arm_place
from metastackerbandit.stacking.posterior import posterior_terms
from metastackerbandit.stacking.settings import POSTERIOR, AlignmentSettings

SHARE_SLACK = 1e-9  # shares written in decimals may add up to a little more than 1


class Book(Struct, frozen=True):
    """One symbol on one frame: a position, settings and a trace of its own, on the one account.

    `place` is the symbol's place in the recording; `higher` are the frames above whose predictions are aligned with this one's;
    `has_funding`, `has_volume`, `has_mood`, `has_book` (seconds of the order book) say which inputs this wiring has.
    """

    instrument: Instrument
    frame: str
    settings: EngineSettings
    place: int
    has_funding: bool
    has_volume: bool
    has_mood: bool = False
    has_book: bool = False
    higher: tuple[str, ...] = ()


class Plan(Struct, frozen=True):
    """What one engine trades: books, in the order in which rows count instruments.

    `arm` is a rule arm, `model`, `aligned` or `posterior`; `arms` are those that a posterior chooses among. `settings` are the account's;
    what a book may have of its own stands in the book.
    """

    books: tuple[Book, ...]
    base_ns: int
    arm: str
    settings: EngineSettings
    arms: tuple[str, ...] = ()

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """One a book; a symbol on two frames is there twice."""
        return tuple(book.instrument for book in self.books)

    @property
    def costs(self) -> tuple[CostSettings, ...]:
        """What each book is charged."""
        return tuple(book.settings.costs for book in self.books)

    @property
    def frames(self) -> tuple[str, ...]:
        """Every frame that is traded, the fastest first."""
        return tuple(sorted({book.frame for book in self.books}, key=frame_ns))

    @property
    def frame(self) -> str:
        """The fastest frame: the grid on which the account is looked at."""
        return self.frames[0]

    def fastest_frame(self, symbol: str) -> str:
        """The fastest frame on which a symbol is traded; the closes of that book are the symbol's."""
        return min((book.frame for book in self.books if book.instrument.symbol == symbol), key=frame_ns)

    def grid_ns(self) -> int:
        """The fastest bars that every symbol has: the common grid of the correlations."""
        return max(frame_ns(self.fastest_frame(symbol)) for symbol in self.symbols)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol once, as first listed."""
        return tuple(dict.fromkeys(book.instrument.symbol for book in self.books))

    def spoken(self) -> tuple[int, ...]:
        """Places of the arms that speak, in stacking.names.ARM_NAMES."""
        if self.arm == POSTERIOR:
            return tuple(arm_place(name, "run.arms") for name in self.arms)
        return (arm_place(self.arm),)

    def waits(self) -> bool:
        """Whether decisions wait for predictions."""
        return any(place >= RULE_ARMS for place in self.spoken())

    def tuned(self, change: Callable[[EngineSettings], EngineSettings]) -> Plan:
        """The plan with every book's settings changed alike."""
        books = tuple(structs.replace(book, settings=change(book.settings)) for book in self.books)
        return structs.replace(self, books=books, settings=change(self.settings))


def plan_of(
    recording: Recording,
    frame: str | Sequence[str],
    arm: str,
    settings: EngineSettings,
    *,
    frames: tuple[str, ...] = (),
    arms: tuple[str, ...] = (),
    own: Callable[[str, str], EngineSettings] | None = None,
) -> Plan:
    """The plan for a recording, every symbol on every `frame`; which inputs a book has follows from what was recorded.

    `frames` are the frames above that every book aligns where they are above its own; `own(symbol, frame)` gives a book's settings where
    they are not the account's.
    """
    traded = (frame,) if isinstance(frame, str) else tuple(frame)
    books = tuple(
        Book(
            instrument=instrument,
            frame=name,
            settings=settings if own is None else own(instrument.symbol, name),
            place=place,
            has_funding=recording.funding[place] is not None,
            has_volume=recording.has_volume[place],
            has_mood=bool(recording.mood) and recording.mood[place] is not None,
            has_book=recording.seconds_at(place) is not None,
            higher=frames if len(traded) == 1 else tuple(other for other in frames if frame_ns(other) > frame_ns(name)),
        )
        for place, instrument in enumerate(recording.instruments)
        for name in traded
    )
    return Plan(books=books, base_ns=recording.base_ns, arm=arm, settings=settings, arms=arms)


def recording_of(plan: Plan, recording: Recording) -> Recording:
    """The recording as the plan's books read it: a symbol's columns once a book."""
    places = [book.place for book in plan.books]
    if places == list(range(len(recording.bars))):
        return recording
    return spread(recording, places)


def begin(plan: Plan) -> World:
    """The world before the first input: parameters set, the deposit in cash. Contradictions are refused here."""
    _check(plan)
    spoken = plan.spoken()
    starts = [[_start(book, place) for place in spoken] for book in plan.books]
    memory, reals = (max(len(getattr(start, name)) for own in starts for start in own) for name in ("memory", "reals"))
    frames = max(1 + len(book.higher) for book in plan.books)
    sets = max(label_spec(book.frame).horizon for book in plan.books)  # that can be open at once
    world = empty_world(len(starts), len(plan.symbols), len(spoken), frames, memory, reals, sets, len(GATE_NAMES))
    world.arms[:] = spoken
    shares = shares_of(plan.books)
    world.pairs["rho"] = math.nan
    for s, (book, own) in enumerate(zip(plan.books, starts, strict=True)):
        world.seats[s].exit_bar = -1
        world.seats[s].mood = math.nan
        world.seats[s].mood_mirror = math.nan
        world.seats[s].touch.quality = math.nan
        world.seats[s].coverage.level = book.settings.decision.conformal_alpha
        world.seats[s].correlation = 1.0
        for a, start in enumerate(own):
            world.memory[s, a, : len(start.memory)] = start.memory
            world.reals[s, a, : len(start.reals)] = start.reals
        world.limits[s] = row(limits_of(plan, book, own, shares[s]))[0]
        _prepare_choice(book, world, s)
    for name in plan.settings.decision.unknown_passes:
        world.lenient[GATE_NAMES.index(name)] = 1
    deposit = money_of(plan.settings.account.deposit, plan.settings.account.currency)
    account = world.account[0]
    account.cash = deposit
    account.entries = 1
    return world


def _prepare_choice(book: Book, world: World, s: int) -> None:
    """What alignment and posterior need: the book's frames, their weights, and the terms."""
    settings = book.settings
    names = (book.frame, *book.higher)
    aligning = alignment_of(settings.alignment, names)
    world.frames[s, : len(names)] = [frame_ns(name) for name in names]
    world.alignment[s] = row(alignment_terms(aligning))[0]
    world.words["weight"][s, : len(names)] = aligning.weights
    world.posterior[s] = row(posterior_terms(settings.posterior, pieces_a_day(book)))[0]
    world.context[s].step, world.context[s].memory = settings.context.step, settings.context.memory


def alignment_of(settings: AlignmentSettings, frames: tuple[str, ...]) -> AlignmentSettings:
    """The settings where they are about these frames; else the same in kind: the first two agree, the last is slow, weights fall alike."""
    if settings.frames == frames:
        return settings
    weights = settings.weights[: len(frames)] + settings.weights[-1:] * (len(frames) - len(settings.weights))
    return structs.replace(settings, frames=frames, weights=weights, agreement=frames[:2], slow=frames[-1])


def deposit_row(plan: Plan) -> np.ndarray:
    """The ledger's first entry (1,): the starting capital."""
    deposit = money_of(plan.settings.account.deposit, plan.settings.account.currency)
    entry = rows(LedgerRow, 1)
    entry[0].entry = 1
    entry[0].instrument = -1
    entry[0].kind = DEPOSIT
    entry[0].cash = deposit
    entry[0].transfers = -deposit
    return entry


def _start(book: Book, place: int) -> Prepared:
    """What an arm starts with; an arm that speaks from predictions keeps nothing here."""
    if place >= RULE_ARMS:
        return prepared([], 0, [], 0)
    spec = ARMS[place]
    return spec.prepare(getattr(book.settings.arms, spec.name), book.instrument.rules().max_ticks)


def _check(plan: Plan) -> None:
    for book in plan.books:
        _check_frames(book, plan.base_ns)
    doubled = [book for place, book in enumerate(plan.books) if (book.place, book.frame) in {(one.place, one.frame) for one in plan.books[:place]}]
    if doubled:
        raise ConfigRefused(f"{doubled[0].frame} is named twice", where="run.frames", mend="name each frame once")
    for name in plan.settings.decision.unknown_passes:
        if name not in GATE_NAMES:
            raise ConfigRefused(f"unknown gate {name!r}", where="decision.unknown_passes", mend=f"use names of {', '.join(GATE_NAMES)}")
    for place in plan.spoken():
        _refuse_bookless(plan, place)
    currency = plan.settings.account.currency
    for instrument in plan.instruments:
        if instrument.quote != currency:
            raise ConfigRefused(
                f"{instrument.symbol} is quoted in {instrument.quote}, the account is in {currency}",
                where="account.currency",
                mend=f'set account.currency = "{instrument.quote}" or choose symbols quoted in {currency}',
            )
    if money_of(plan.settings.account.deposit, currency) <= 0:
        raise ConfigRefused(f"the deposit is {plan.settings.account.deposit}", where="account.deposit", mend="give a positive amount")


def bookless(books: Sequence[Book], place: int) -> tuple[str, ...]:
    """Symbols without an order book, where the arm at `place` follows one; none where it does not."""
    if place >= RULE_ARMS or ARMS[place].hears is None:
        return ()
    return tuple(book.instrument.symbol for book in books if not book.has_book)


def _refuse_bookless(plan: Plan, place: int) -> None:
    lacking = bookless(plan.books, place)
    if lacking:
        raise ConfigRefused(
            f"{ARMS[place].name} follows the order book, and of {lacking[0]} none is recorded",
            where="run.arm",
            mend="replay a capture that has it (`msb replay FILE`), or choose another arm",
        )


def _check_frames(book: Book, base_ns: int) -> None:
    frame = frame_ns(book.frame)
    for name in book.higher:
        if frame_ns(name) <= frame:
            raise ConfigRefused(
                f"{name} is not a higher frame than {book.frame}", where="run.higher_frames", mend="align higher frames with the decision's"
            )
    if frame < base_ns or frame % base_ns:
        raise DataRefused(
            f"bars of {book.frame} cannot be made from candles of {frame_name(base_ns)}",
            where="run.frames",
            mend=f"ask for {frame_name(base_ns)} or a multiple of it, or give finer candles",
        )


def shares_of(books: Sequence[Book]) -> tuple[float, ...]:
    """The part of the account that each book may use: its own setting, or an equal part of what the named shares leave.

    Sized by volatility a book without a share may use all of it: what it has in common with the others decides (engine.portfolio.correlate).
    """
    named = [book.settings.sizing.share for book in books]
    given = sum(share for share in named if share is not None)
    open_ = named.count(None)
    left = 1.0 - given
    if left < -SHARE_SLACK or (open_ and left <= SHARE_SLACK):
        rest = f", which leaves nothing for the other {open_}" if open_ else ""
        raise ConfigRefused(f"the shares of the books add up to {given:.6g}{rest}", where="sizing.share", mend="name shares that add up to at most 1")
    unnamed = [1.0 if book.settings.sizing.mode == "volatility" else left / max(open_, 1) for book in books]
    return tuple(own if share is None else share for share, own in zip(named, unnamed, strict=True))
