"""A sample: the rows that a model is fitted on, with what became of each."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Sample(Struct, frozen=True, eq=False):
    """N rows in order of time.

    `rows` (N, F) features, NaN where invalid; `side` (N,) classes (domain.label: DOWN, FLAT, UP); `weight` (N,) of mean 1;
    `long`, `short` (N,) gross returns of a long and a short in horizon volatilities; `net_long`, `net_short` (N,) after costs,
    fractions of price; `volatility` (N,) over the horizon, a fraction; `start_ns`, `end_ns` (N,) the span of each label;
    `symbol` (N,) place in the data set's symbols; `names` (F,) of the features. `residual` (N,) is what is left of a long's return after that of the
    pooled symbols together, in horizon volatilities, NaN where too few of them share the moment; None where symbols are not pooled.
    """

    rows: Floats
    side: NDArray[np.int8]
    weight: Floats
    long: Floats
    short: Floats
    net_long: Floats
    net_short: Floats
    volatility: Floats
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    symbol: NDArray[np.int64]
    names: tuple[str, ...]
    residual: Floats | None = None

    def taken(self, places: NDArray[Any]) -> Sample:
        """The rows at `places` (n,), in that order."""
        columns = {name: column[places] for name, column in self.columns().items()}
        return Sample(**columns, names=self.names)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Every array that has a row's number in each place, by name."""
        found = {name: getattr(self, name) for name in self.__struct_fields__ if name != "names"}
        return {name: column for name, column in found.items() if column is not None}

    def __len__(self) -> int:
        return len(self.side)
