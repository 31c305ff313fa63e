"""Parameters of the rule arms, one table an arm; lengths are bars of the decision's frame."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from metastackerbandit.stacking.opinion_settings import AlignmentSettings as AlignmentSettings
from metastackerbandit.stacking.opinion_settings import ContextSettings as ContextSettings
from metastackerbandit.stacking.opinion_settings import PosteriorSettings as PosteriorSettings

OPINION_ARMS = ("model", "aligned")  # arms that speak from predictions: the frame's own model; several frames' models, aligned
POSTERIOR = "posterior"  # no arm of its own: the best of several by their posterior
AUTO = "auto"  # the model where every symbol has one, else the first rule arm

Length = Annotated[int, Meta(ge=1, le=100_000)]


class SmaCross(Struct, frozen=True, forbid_unknown_fields=True):
    """Long while the fast simple average of closes is above the slow one, short while below."""

    fast: Length = 10  # bars
    slow: Length = 50  # bars, more than fast


class EmaCross(Struct, frozen=True, forbid_unknown_fields=True):
    """Long while the fast exponential average is above the slow one, short while below; decay 2 / (length + 1)."""

    fast: Length = 12  # bars
    slow: Length = 26  # bars, more than fast


class Breakout(Struct, frozen=True, forbid_unknown_fields=True):
    """Long at a close above the highest high of the `length` bars before, short below the lowest low; else as before."""

    length: Length = 48  # bars before the one that breaks out
    stop_bps: Annotated[float, Meta(ge=0, le=9_999)] = 200.0  # the arm's own stop, unless exits.stop_bps says otherwise
    target_bps: Annotated[float, Meta(ge=0, le=9_999)] = 400.0  # the arm's own target, unless exits.target_bps says otherwise


class Momentum(Struct, frozen=True, forbid_unknown_fields=True):
    """The sign of the return over `length` bars."""

    length: Length = 30  # bars


class Reversal(Struct, frozen=True, forbid_unknown_fields=True):
    """Against the last bar's return, when it is at least `min_return_bps`."""

    min_return_bps: Annotated[float, Meta(ge=0, le=10_000)] = 20.0  # smaller returns mean flat


class BuyAndHold(Struct, frozen=True, forbid_unknown_fields=True):
    """Long, always."""


class RandomEntries(Struct, frozen=True, forbid_unknown_fields=True):
    """Seeded coin flips: each bar keeps its side with chance 1 - 1 / `mean_bars`, else draws long or short anew."""

    seed: Annotated[int, Meta(ge=0, le=2**31)] = 7  # same seed, same entries
    mean_bars: Annotated[float, Meta(ge=1, le=100_000)] = 24.0  # mean bars between draws of a side


class ArmSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Every rule arm's table."""

    sma_cross: SmaCross = SmaCross()
    ema_cross: EmaCross = EmaCross()
    breakout: Breakout = Breakout()
    momentum: Momentum = Momentum()
    reversal: Reversal = Reversal()
    buy_and_hold: BuyAndHold = BuyAndHold()
    random_entries: RandomEntries = RandomEntries()
