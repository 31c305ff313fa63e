"""Everything that can happen to the engine, as one closed union; at one instant they are taken in this order of kind.

Written down they are their values in order, without names: their log is most of what a live run keeps. A new field goes to the end, with a default.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.seconds import SecondRow


class Control(Struct, frozen=True, array_like=True, tag="control"):
    """An operator's word: pause (no new risk), resume, flatten (cancel entries, exit at the next price, pause), kill (the same, and stay out)."""

    at_ns: int
    word: Literal["pause", "resume", "kill", "flatten"]


class BarClosed(Struct, frozen=True, array_like=True, tag="bar_closed"):
    """A candle of the source is complete; `bar.known_ns` is now."""

    instrument: int
    bar: Bar


class FundingSettled(Struct, frozen=True, array_like=True, tag="funding"):
    """A perp's funding was settled on the position held: longs pay `rate` (1e-8) of notional at `mark` ticks (0: last close)."""

    instrument: int
    at_ns: int
    rate: int
    mark: int


class BarOpened(Struct, frozen=True, array_like=True, tag="bar_opened"):
    """The first price of a new candle: the next tradable price on candle data."""

    instrument: int
    at_ns: int
    price: int


class MoodSeen(Struct, frozen=True, array_like=True, tag="mood"):
    """Signed flow of the prints until `at_ns`, z-scored; `mirror` is what the same source says of the mirrored market."""

    instrument: int
    at_ns: int
    mood: float
    mirror: float


class SecondSeen(Struct, frozen=True, array_like=True, tag="second"):
    """A second of the order book and its trades has ended; `second.known_ns` is now."""

    instrument: int
    second: SecondRow


class OutcomeKnown(Struct, frozen=True, array_like=True, tag="outcome"):
    """What an arm's own portfolio earned before this run, out of sample: net, in units of volatility, decided in a context `cell`."""

    instrument: int
    at_ns: int
    arm: int
    cell: int
    outcome: float


class OrderReport(Struct, frozen=True, array_like=True, tag="report"):
    """A venue's word on one order: working, cancelled, rejected, expired, or a fill of `lots` at `ticks`.

    `trade` is the fill's number at the venue, so that who takes a run up knows which were told; 0: none.
    """

    instrument: int
    order: int
    state: int
    at_ns: int
    lots: int = 0
    ticks: int = 0
    reference: int = 0
    fee: int = 0
    slippage: int = 0
    impact: int = 0
    trade: int = 0


Input = Control | OutcomeKnown | MoodSeen | SecondSeen | BarClosed | Prediction | FundingSettled | BarOpened | OrderReport

# Order of kinds at one instant: mood and order book are known when a bar closes, what closes is predicted and decided on before funding
# settles, and all before the next price trades.
CONTROL_EVENT, MOOD_EVENT, SECOND_EVENT, CLOSE_EVENT, PREDICTION_EVENT, FUNDING_EVENT, OPEN_EVENT = range(7)
REPORT_EVENT = 7  # of an input log, which has its own order
