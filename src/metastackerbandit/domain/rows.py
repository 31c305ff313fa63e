"""What the journal keeps, one Struct a kind of row; both drivers fill the same rows.

Times are UTC ns; prices ticks; quantities lots, positive bought and negative sold; money in the account currency's unit.
`instrument` is the place in the run's list of symbols.
"""

from __future__ import annotations

from msgspec import Struct

# What a decision does. A veto never flattens: a blocked wish for new risk is a HOLD.
HOLD, ENTER, INCREASE, REDUCE, EXIT = 0, 1, 2, 3, 4
KINDS = ("HOLD", "ENTER", "INCREASE", "REDUCE", "EXIT")

KEEP = 2  # an arm's word for: no new target, stay as you are

# Why an order was sent.
ON_SIGNAL, ON_RESIZE, ON_FLAT, ON_OPPOSITE, ON_STOP, ON_TARGET, ON_TIME, ON_KILL, ON_FLATTEN = 0, 1, 2, 3, 4, 5, 6, 7, 8
REASONS = ("signal", "resize", "flat signal", "opposite signal", "stop", "target", "time", "kill switch", "flattening")

MARKET, STOP, TARGET = 0, 1, 2
ORDER_KINDS = ("market", "stop", "target")

# Life cycle of an order (execution/lifecycle.py has the legal steps).
NEW, SENT, WORKING, PARTLY_FILLED, FILLED, CANCELLED, REJECTED, EXPIRED = 0, 1, 2, 3, 4, 5, 6, 7
STATES = ("new", "sent", "working", "partly filled", "filled", "cancelled", "rejected", "expired")

DEPOSIT, TRADE, FUNDING = 0, 1, 2
POSTINGS = ("deposit", "trade", "funding")

PAUSE, RESUME, KILL, TRIP, RESET, FLATTEN = 0, 1, 2, 3, 4, 5
CONTROLS = ("pause", "resume", "kill", "breaker tripped", "breaker reset", "flatten")
BY_OPERATOR, BY_DAILY_LOSS, BY_DRAWDOWN, BY_WEEKLY_LOSS, BY_LOSS_STREAK, BY_VOLATILITY_SPIKE, BY_DATA_QUALITY, BY_DRIFT = 0, 1, 2, 3, 4, 5, 6, 7
CAUSES = ("operator", "daily loss", "drawdown", "weekly loss", "loss streak", "volatility spike", "data quality", "drift")
RESUMES = (  # what lifts each of them
    "an operator's resume; a kill is for good",
    "the next UTC day",
    "the next UTC day, with its equity as the new peak",
    "the next UTC week, which begins on Monday",
    "the end of the rest: the next UTC day, or risk.loss_streak_hours",
    "fast volatility back at risk.resume of the limit",
    "the number of bad bars back at risk.resume of the limit",
    "the excess loss back at risk.resume of the limit, or another version",
)

WARN, HALT = 1, 2  # how grave an alarm is


class DecisionRow(Struct, frozen=True):
    """One decision: every closed bar of the frame has one, HOLD included.

    `decision` counts from 1 in the run. `signal` is the arm's target (-1, 0, +1; KEEP stays), `side` the opinion after the market's
    limits (spot cannot be short). `wanted` is the position that the opinion asks for, `sent` the signed lots of the order
    that left. `asks_risk` is 1 where the wish would enlarge exposure; only then do gates bind. `binding`, `sole` are places
    in the gate catalog, -1 for none; `volatility` is a fraction a year, NaN while unknown; `equity` money at this close.
    """

    decision: int
    instrument: int
    at_ns: int
    closed_ns: int
    frame_ns: int
    close: int
    arm: int
    signal: int
    side: int
    kind: int
    alpha: float
    position: int
    pending: int
    wanted: int
    sent: int
    asks_risk: int
    reason: int
    binding: int
    sole: int
    blocked: int
    volatility: float
    equity: int


class OrderRow(Struct, frozen=True):
    """One state of one order; the last row of an `order` is its end. `trigger` is 0 for market orders."""

    order: int
    decision: int
    instrument: int
    kind: int
    reason: int
    lots: int
    trigger: int
    reduce_only: int
    sent_ns: int
    state: int
    filled: int
    at_ns: int


class FillRow(Struct, frozen=True):
    """One fill. `reference` is the price before costs; `slippage` (with the half spread) and `impact` are money lost to them, inside `ticks`."""

    fill_id: int
    order: int
    decision: int
    instrument: int
    at_ns: int
    reason: int
    lots: int
    ticks: int
    reference: int
    fee: int
    slippage: int
    impact: int


class LedgerRow(Struct, frozen=True):
    """One posting over the accounts; debits positive, credits negative, and the row sums to zero.

    `cash` and `position` (at cost) are assets; `realised`, `fees`, `funding` and `transfers` are income and capital, so a
    profit shows as a negative number in `realised` and a fee as a positive one in `fees`.
    """

    entry: int
    at_ns: int
    instrument: int
    kind: int
    reference: int
    cash: int
    position: int
    realised: int
    fees: int
    funding: int
    transfers: int


class TripRow(Struct, frozen=True):
    """One closed round trip, from flat to flat: `net = gross - fees - funding`; `entry_value`, `exit_value` are money at the fill prices."""

    trip: int
    instrument: int
    side: int
    opened_ns: int
    closed_ns: int
    bars: int
    lots: int
    entry_value: int
    exit_value: int
    gross: int
    fees: int
    funding: int
    net: int
    reason: int
    decision: int


class EquityRow(Struct, frozen=True):
    """The account at one instrument's closed frame bar: equity and gross exposure in money."""

    at_ns: int
    instrument: int
    equity: int
    gross: int


class ControlRow(Struct, frozen=True):
    """Something that changed what may be done: an operator's word or a breaker. `until_ns` is when it resets by itself (0: no time does; what
    else lifts it stands in RESUMES). `instrument` is the book that rests, -1 for the whole account."""

    at_ns: int
    kind: int
    cause: int
    observed: float
    limit: float
    until_ns: int
    instrument: int = -1


NO_GATE, ANY_GATE = -1, -2  # of an outcome: an arm's own portfolio; a trade that one gate or several prevented


class OutcomeRow(Struct, frozen=True):
    """One ended trade that needed no order: a piece of an arm's own portfolio (`gate` NO_GATE), or a trade that gates prevented.

    `gate` is the place of the gate that alone prevented it; every prevented trade is there once more under ANY_GATE, whoever prevented it.
    `outcome` is the net return in units of the volatility over the horizon (an arm's is cut at the posterior's bound; NaN where volatility was
    not known), `net_bps` the same in basis points of the entry, `cell` the context (-1: not known). `decision` is the one that it began with (0:
    before this run). Of prevented trades alone: `reason` of leaving, `opened_ns`, `lots` and `net` money at the size they would have had (an
    arm's portfolio has no size: -1 and zeros).
    """

    at_ns: int
    instrument: int
    arm: int
    cell: int
    side: int
    bars: int
    outcome: float
    gate: int
    decision: int
    reason: int
    opened_ns: int
    lots: int
    net: int
    net_bps: float


class AlarmRow(Struct, frozen=True):
    """A monitor began to warn (severity WARN) or to call for a halt (HALT) about a book, or a higher frame that the book hears.

    `monitor` is a place in the run's list of monitors; `counted` says at which executed trade, prediction or decision it was.
    """

    at_ns: int
    instrument: int
    monitor: int
    severity: int
    observed: float
    limit: float
    frame_ns: int
    counted: int
