"""Rows of what changed what may be done: an operator's words, and breakers that trip and lift."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.rows import BY_DATA_QUALITY, BY_DRIFT, BY_LOSS_STREAK, BY_VOLATILITY_SPIKE, RESET, TRIP
from metastackerbandit.risk.rests import volatility_ratio


@kernel
def keep_control(cursor: Any, controls: Any, at_ns: int, kind: int, cause: int, observed: float, limit: float, until_ns: int, s: int) -> None:
    """Append a control row; s is the book that it is about, -1 for the account."""
    control = controls[cursor.controls]
    control.at_ns = at_ns
    control.kind = kind
    control.cause = cause
    control.observed = observed
    control.limit = limit
    control.until_ns = until_ns
    control.instrument = s
    cursor.controls += 1


@kernel
def keep_rests(cursor: Any, controls: Any, seat: Any, limits: Any, changed: int, at_ns: int, s: int) -> None:
    """Append a row for every breaker of the book whose bit is in `changed`: it tripped where it is tripped now, else it lifted."""
    rests = seat.rests
    terms = limits.rests
    if changed & 1 != 0:
        kind = TRIP if rests.tripped & 1 != 0 else RESET
        keep_control(cursor, controls, at_ns, kind, BY_LOSS_STREAK, float(rests.losses), float(terms.streak), rests.until_ns, s)
    if changed & 2 != 0:
        kind = TRIP if rests.tripped & 2 != 0 else RESET
        keep_control(cursor, controls, at_ns, kind, BY_VOLATILITY_SPIKE, volatility_ratio(seat.activity, limits.pace.warm_up), terms.ratio, 0, s)
    if changed & 4 != 0:
        kind = TRIP if rests.tripped & 4 != 0 else RESET
        keep_control(cursor, controls, at_ns, kind, BY_DATA_QUALITY, rests.bad / terms.bars, terms.bad_share, 0, s)
    if changed & 8 != 0:
        kind = TRIP if rests.tripped & 8 != 0 else RESET
        keep_control(cursor, controls, at_ns, kind, BY_DRIFT, rests.excess, terms.excess, 0, s)
