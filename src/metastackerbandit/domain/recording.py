"""A recording: what a market did, as columns ready for either driver."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct, structs

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.instrument import Instrument


class FundingRow(Struct, frozen=True):
    """One settlement: longs pay `rate` (1e-8) of notional at `mark` ticks (0: the last close)."""

    at_ns: int
    rate: int
    mark: int


class MoodRow(Struct, frozen=True):
    """Signed flow as its source saw it at `at_ns`: z-scored `mood`, positive where buyers press; `mirror` is what the same source says of
    the mirrored market (buyers and sellers exchanged), and NaN stands for not known."""

    at_ns: int
    mood: float
    mirror: float


class QualityIssue(Struct, frozen=True):
    """Something found in data: what kind, how bad, where (a time or a row), and in words."""

    kind: str  # gap, duplicate, unsorted, outlier, misaligned, zero_volume, ...
    severity: str  # low, medium, high, critical
    where: str
    what: str
    count: int = 1


_OPTIONAL = ("has_flow", "mood", "seconds")  # columns that a recording may lack altogether


class Recording(Struct, frozen=True, eq=False):
    """Candles of several instruments over one span.

    `bars[s]` (N_s,) in the layout of Bar, in time order; `funding[s]` (K_s,) in the layout of FundingRow, None where no series was given;
    `base_ns` is the candles' length; `has_volume[s]` says whether volumes are real, `has_flow[s]` whether the taker's side of them is known
    (empty: nowhere); `mood[s]` (M_s,) in the layout of MoodRow and `seconds[s]` (Q_s,) of the order book in that of SecondRow, None where there
    is no series (empty: nowhere). `digest` is a hash of everything above, and part of a run's identity. `notices` are shown on every report.
    """

    instruments: tuple[Instrument, ...]
    base_ns: int
    bars: tuple[np.ndarray, ...]
    funding: tuple[np.ndarray | None, ...]
    has_volume: tuple[bool, ...]
    source: str
    digest: str
    notices: tuple[str, ...] = ()
    issues: tuple[QualityIssue, ...] = ()
    has_flow: tuple[bool, ...] = ()
    mood: tuple[np.ndarray | None, ...] = ()
    seconds: tuple[np.ndarray | None, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a recording whose parts are not of the same instruments: kernels find them by place, and look no further."""
        count = len(self.instruments)
        for name in ("bars", "funding", "has_volume", *_OPTIONAL):
            given = len(getattr(self, name))
            if given != count and (given or name not in _OPTIONAL):
                raise DataRefused(
                    f"{given} {name} for {count} instruments", where=f"recording from {self.source}", mend="give one of each, in the same order"
                )

    def seconds_at(self, place: int) -> np.ndarray | None:
        """Seconds of the order book of the instrument at a place, None where none were recorded."""
        return self.seconds[place] if self.seconds else None


def spread(recording: Recording, places: Sequence[int]) -> Recording:
    """The recording with the symbols at `places`, in that order; one that is named twice shares its columns."""
    each = {
        name: tuple(column[place] for place in places) if (column := getattr(recording, name)) else ()
        for name in ("instruments", "bars", "funding", "has_volume", *_OPTIONAL)
    }
    return structs.replace(recording, **each)
