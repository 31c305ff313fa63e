"""An account by closed bar, from the rows that a run left: its equity, what it held, what it traded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metastackerbandit.domain.instrument import Instrument


def equity_of(decisions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The equity curve of decisions (N,): closing times (T,) and money (T,), the last decision on bars of one close standing for it.

    A symbol's decision may come later than another's on the same close (a candle known late, a slow prediction); it is the same bar.
    """
    order = np.argsort(decisions["closed_ns"], kind="stable")
    at = decisions["closed_ns"][order]
    last = np.append(at[1:] != at[:-1], True)
    return at[last].copy(), decisions["equity"][order][last].copy()


def exposure_of(instruments: Sequence[Instrument], decisions: np.ndarray, times: np.ndarray, equity: np.ndarray) -> np.ndarray:
    """Signed notional over equity at each time (T,), positions as they stood when the bar closed."""
    total = np.zeros(len(times))
    for s, instrument in enumerate(instruments):
        own = decisions[decisions["instrument"] == s]
        if len(own):
            place = np.searchsorted(own["closed_ns"], times, side="right") - 1
            value = own["position"] * own["close"] * float(instrument.rules().unit)
            total += np.where(place >= 0, value[place], 0.0)
    return total / equity


def traded_of(instruments: Sequence[Instrument], fills: np.ndarray, times: np.ndarray, equity: np.ndarray) -> np.ndarray:
    """Notional traded in each bar over equity (T,)."""
    total = np.zeros(len(times))
    for s, instrument in enumerate(instruments):
        own = fills[fills["instrument"] == s] if len(fills) else fills
        if len(own):
            place = np.minimum(np.searchsorted(times, own["at_ns"], side="right"), len(times) - 1)
            np.add.at(total, place, np.abs(own["lots"]) * own["ticks"] * float(instrument.rules().unit))
    return total / equity
