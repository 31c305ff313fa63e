"""What the engine remembers: arrays only, so that a snapshot is their bytes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.rows import ControlRow, DecisionRow, EquityRow, FillRow, LedgerRow, OrderRow, OutcomeRow, TripRow
from metastackerbandit.engine.ghosts import Ghost
from metastackerbandit.engine.limits import Limits
from metastackerbandit.engine.seen import Seen
from metastackerbandit.execution.ledger import Position, Posting
from metastackerbandit.market.activity import Activity
from metastackerbandit.market.resample import Forming
from metastackerbandit.risk.breakers import Breakers
from metastackerbandit.risk.correlation import Matrix, Pair, Trail
from metastackerbandit.risk.rests import Rests
from metastackerbandit.stacking.alignment import Aligned, Combined
from metastackerbandit.stacking.alignment_rules import Vote
from metastackerbandit.stacking.consensus import OUTPUTS, SOURCES, Output, Standing
from metastackerbandit.stacking.context import CELLS, Terciles
from metastackerbandit.stacking.coverage import Coverage, IssuedSet
from metastackerbandit.stacking.frame_words import AlignmentTerms, FrameWord
from metastackerbandit.stacking.posterior import Belief, Evidence, PosteriorTerms
from metastackerbandit.stacking.shadow import MOST_OUTCOMES, Outcome, Shadow

WORKING_SLOTS = 8  # an exit, an entry, a stop and a target, twice while they are replaced


class Touch(Struct, frozen=True):
    """The order book as it was last seen: best prices (ticks; 0: not known), lots on the ten best levels of each side, when it last changed, and
    the feed's quality."""

    bid: int
    ask: int
    bid_depth: float
    ask_depth: float
    changed_ns: int
    quality: float


class Seat(Struct, frozen=True):
    """One book: one symbol on one frame.

    `arm` is the place (in the world's arms) that spoke last, `holder` the one that the position is of. `awaits` is the close of the
    bar whose prediction is due by `due_ns` (0: none is). `barrier`, `stop` (1e-8 of price) and `horizon` (bars) are those of the
    prediction that the last entry was taken on, 0 for none. `level` is an average of closes, which says where the trend is.
    `exit_bar` is `bars_seen` at the last exit (-1 before the first), `last_side` the side it left, `spent_side` the side
    whose signal a protective exit has used up; `working` orders are out, `market_out` of them market orders;
    `entries_today`, `lots_today` count entries of the UTC day until `next_day_ns`; `mood` and its `mood_mirror` are the last seen (NaN: none yet), at
    `mood_ns`; `mood_standing` and `model_standing` are what these sources have shown; `coverage` how often prediction sets held the truth.
    `impact` is the modelled cost (1e-8) of the last entry's size, which a stop or a kill pays again on the way out;
    `ghosts` prevented trades live on. `correlation` is the correlation scale that the position was last sized with, `rests` the book's own breakers.
    """

    arm: int
    awaits: int
    due_ns: int
    holder: int
    barrier: int
    stop: int
    horizon: int
    level: float
    bars_seen: int
    exit_bar: int
    last_side: int
    spent_side: int
    entries_today: int
    lots_today: int
    next_day_ns: int
    funding_bps: float
    mood: float
    mood_mirror: float
    mood_ns: int
    working: int
    market_out: int
    last_decision: int
    impact: int
    ghosts: int
    forming: Forming
    done: Bar
    activity: Activity
    position: Position
    mood_standing: Standing
    model_standing: Standing
    coverage: Coverage
    correlation: float
    rests: Rests
    touch: Touch


class Account(Struct, frozen=True):
    """The one account: `marked` is the sum of position values, `gross` of their sizes; counters number the rows."""

    cash: int
    marked: int
    gross: int
    decisions: int
    orders: int
    fills: int
    entries: int
    trips: int
    paused: int
    killed: int
    breakers: Breakers
    matrix: Matrix


class World(NamedTuple):
    """State (S books, Y symbols, A arms, K frames, J sources, W working orders, H open sets, M and R arm memory, G gates); `seen` is scratch too.

    `arms` are places in stacking.names.ARM_NAMES, `frames` bar lengths with the book's own first (0 beyond those it hears), `signals` the
    arms' last words, `predictions` the last one of each frame.
    """

    account: Any  # (1,) Account
    seats: Any  # (S,) Seat
    working: Any  # (S, W) OrderRow
    arms: Any  # (A,) int64
    frames: Any  # (S, K) int64
    signals: Any  # (S, A) int64
    predictions: Any  # (S, K) Prediction
    words: Any  # (S, K) FrameWord
    alignment: Any  # (S,) AlignmentTerms
    shadows: Any  # (S, A) Shadow
    evidence: Any  # (S, A, 6) Evidence
    terciles: Any  # (S,) Terciles
    posterior: Any  # (S,) PosteriorTerms
    context: Any  # (S,) ContextTerms
    outputs: Any  # (S, J, 200) Output
    sets: Any  # (S, H) IssuedSet
    spoken: Any  # (A,) Spoken, scratch
    awake: Any  # (A,) int64, scratch
    beliefs: Any  # (A,) Belief, scratch
    outcomes: Any  # (2,) Outcome, scratch
    memory: Any  # (S, A, M) int64
    reals: Any  # (S, A, R) float64
    limits: Any  # (S,) Limits
    lenient: Any  # (G,) int64
    seen: Any  # (1,) Seen
    draft: Any  # (1,) Draft, scratch
    scratch: Any  # (1,) Scratch
    ghosts: Any  # (S, G + 1) Ghost, those that live first
    trails: Any  # (Y,) Trail
    pairs: Any  # (Y, Y) Pair


class Draft(Struct, frozen=True):
    """A decision while it is made.

    The opinion: `signal`, `side`, `scale` (judged by the alpha gate), `alpha` (sizes), `kelly` (most of equity). The moment: `price` ticks,
    `lot_money` of a lot, `equity` money, `volatility` a year, `drawdown` from the breaker's peak and `fall` from the highest equity ever
    (shares), the `drawdown_scale`. The wish: `kind`, `wanted` lots, `asks` for new risk, `reason`, from the `target` (lots) of its side and
    `held` = position and `pending`. Its order: `change` lots, `legal` of them, `turns` (a flip), `moves` (any order), `volume` a day,
    `participation`, `impact` (1e-8). The verdict: places of gates. `sent` lots. Where `halts` is 1 (on a copy that a twin looks at,
    engine.mirror) a step ends before its decision.

    The rest of the portfolio, with every order out counted as filled (money; what other books hold): `gross`, `net`, `along` (the symbol's on
    the trade's side), `heat`, `shared` and `bets_square` (their bets: in common with the trade, and together), `heat_square` and `heat_along`
    under the correlations. Of the trade: `distance` to its stop (share of price), its `correlation` scale, and the lots that each cap leaves it.
    """

    halts: int
    at_ns: int
    signal: int
    side: int
    scale: float
    alpha: float
    kelly: float
    price: int
    lot_money: int
    equity: int
    volatility: float
    drawdown: float
    fall: float
    drawdown_scale: float
    pending: int
    held: int
    target: int
    kind: int
    wanted: int
    asks: int
    reason: int
    turns: int
    moves: int
    legal: int
    volume: float
    participation: float
    impact: int
    change: int
    binding: int
    sole: int
    blocked: int
    sent: int
    gross: int
    net: int
    along: int
    heat: float
    shared: float
    bets_square: float
    heat_square: float
    heat_along: float
    distance: float
    correlation: float
    gross_room: float
    symbol_room: float
    side_room: float
    net_room: float
    heat_room: float
    correlated_room: float


class Scratch(Struct, frozen=True):
    """Room for what is filled and read within one step; one array, since every call hands over each array of the world."""

    aligned: Aligned
    combined: Combined
    vote: Vote
    posting: Posting


class ContextTerms(Struct, frozen=True):
    """How the volatility terciles are followed, as kernels read it."""

    step: float
    memory: int


class Spoken(Struct, frozen=True):
    """An arm's word on the bar: the target for the position held, and what stands behind it (NaN and infinity for a rule).

    `scale` is judged by the alpha gate, `alpha` sizes a trade; `stop_scale` is of the barrier.
    """

    signal: int
    is_predicted: int
    silence: int
    credibility: float
    edge_bps: float
    error_bps: float
    scale: float
    alpha: float
    has_frames: int
    alignment: float
    stop_scale: float


class EffectRow(Struct, frozen=True):
    """An effect as a row: `what` 0 submit, 1 cancel, 2 amend; the rest as in domain.effects."""

    what: int
    instrument: int
    order: int
    decision: int
    kind: int
    lots: int
    trigger: int
    reduce_only: int
    impact: int
    at_ns: int


SUBMIT, CANCEL, AMEND = 0, 1, 2

HALTED = -1  # what a step returns instead of a fault where the draft asks it to end before the decision


class Cursor(Struct, frozen=True):
    """How many rows stand in each array of Out."""

    effects: int
    decisions: int
    orders: int
    fills: int
    ledger: int
    trips: int
    controls: int
    outcomes: int
    curve: int


class Out(NamedTuple):
    """What leaves the engine: effects to act on and rows to keep, taken by a driver after each input (streaming) or block."""

    cursor: Any  # (1,) Cursor
    effects: Any
    decisions: Any  # (N,) DecisionRow
    observed: Any  # (N, G) float64
    limit: Any  # (N, G) float64
    verdict: Any  # (N, G) int8
    orders: Any
    fills: Any
    ledger: Any
    trips: Any
    controls: Any
    outcomes: Any
    curve: Any


def empty_world(books: int, symbols: int, arms: int, frames: int, memory: int, reals: int, sets: int, gates: int) -> World:
    """All zeros; the plan fills in parameters."""
    return World(
        account=np.zeros(1, layout(Account)),
        seats=np.zeros(books, layout(Seat)),
        working=np.zeros((books, WORKING_SLOTS), layout(OrderRow)),
        arms=np.zeros(arms, np.int64),
        frames=np.zeros((books, frames), np.int64),
        signals=np.zeros((books, arms), np.int64),
        predictions=np.zeros((books, frames), layout(Prediction)),
        words=np.zeros((books, frames), layout(FrameWord)),
        alignment=np.zeros(books, layout(AlignmentTerms)),
        shadows=np.zeros((books, arms), layout(Shadow)),
        evidence=np.zeros((books, arms, CELLS), layout(Evidence)),
        terciles=np.zeros(books, layout(Terciles)),
        posterior=np.zeros(books, layout(PosteriorTerms)),
        context=np.zeros(books, layout(ContextTerms)),
        outputs=np.zeros((books, len(SOURCES), OUTPUTS), layout(Output)),
        sets=np.zeros((books, sets), layout(IssuedSet)),
        spoken=np.zeros(arms, layout(Spoken)),
        awake=np.zeros(arms, np.int64),
        beliefs=np.zeros(arms, layout(Belief)),
        outcomes=np.zeros(MOST_OUTCOMES, layout(Outcome)),
        memory=np.zeros((books, arms, memory), np.int64),
        reals=np.zeros((books, arms, reals), np.float64),
        limits=np.zeros(books, layout(Limits)),
        lenient=np.zeros(gates, np.int64),
        seen=np.zeros(1, layout(Seen)),
        draft=np.zeros(1, layout(Draft)),
        scratch=np.zeros(1, layout(Scratch)),
        ghosts=np.zeros((books, gates + 1), layout(Ghost)),
        trails=np.zeros(symbols, layout(Trail)),
        pairs=np.zeros((symbols, symbols), layout(Pair)),
    )


def empty_out(gates: int, decisions: int, events: int, curve: int) -> Out:
    """Room for `decisions` traces, `events` rows of every other kind, and `curve` equity rows."""
    return Out(
        cursor=np.zeros(1, layout(Cursor)),
        effects=np.zeros(events, layout(EffectRow)),
        decisions=np.zeros(decisions, layout(DecisionRow)),
        observed=np.zeros((decisions, gates), np.float64),
        limit=np.zeros((decisions, gates), np.float64),
        verdict=np.zeros((decisions, gates), np.int8),
        orders=np.zeros(events, layout(OrderRow)),
        fills=np.zeros(events, layout(FillRow)),
        ledger=np.zeros(events, layout(LedgerRow)),
        trips=np.zeros(events, layout(TripRow)),
        controls=np.zeros(events, layout(ControlRow)),
        outcomes=np.zeros(events, layout(OutcomeRow)),
        curve=np.zeros(curve, layout(EquityRow)),
    )
