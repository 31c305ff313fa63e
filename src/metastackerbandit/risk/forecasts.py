"""What the methods would have foretold through a history, and what then came: each forecast from its past alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.risk.joint_returns import over_horizon
from metastackerbandit.risk.loss_laws import METHODS, refusal, tails
from metastackerbandit.risk.past import Past, Seen, correlations_before, past_at
from metastackerbandit.risk.settings import RiskSettings, TailSettings
from metastackerbandit.risk.tail import Floats

Ints = NDArray[np.int64]


class Foretold(Struct, frozen=True, eq=False):
    """One method's forecasts at `at_ns` (M,) for a horizon and level: value at risk, shortfall, and the loss that came to who held on; all money.

    NaN where the method refused or nothing was held, and losses where a return is not known.
    """

    method: str
    level: float
    at_ns: Ints
    value_at_risk: Floats
    shortfall: Floats
    loss: Floats


def moments_of(seen: Seen, steps: int, every: int) -> Ints:
    """Numbers of the returns before which a forecast is made: every `every` steps on the UTC clock, wherever `steps` returns follow."""
    step_ns, ended = seen.joint.step_ns, seen.joint.ended_ns
    begins = ended - step_ns
    places = np.flatnonzero(begins // step_ns % every == 0)
    return places[places + steps <= len(ended)].astype(np.int64)


def foretold(
    seen: Seen,
    exposures: Floats,
    at: Ints,
    steps: int,
    levels: Sequence[float],
    settings: TailSettings,
    risk: RiskSettings,
    methods: Sequence[str] = tuple(METHODS),
) -> tuple[Foretold, ...]:
    """Forecasts before the returns numbered `at` (M,), with `steps` returns after each, for exposures (Y,), or (M, Y) where they change."""
    each = np.broadcast_to(exposures, (len(at), seen.joint.returns.shape[1]))
    came = over_horizon(seen.joint.returns, steps)
    matrices = correlations_before(seen.joint, risk, at)
    told = np.full((len(methods), len(levels), 2, len(at)), np.nan)
    loss = np.full(len(at), np.nan)
    for m, (place, held, matrix) in enumerate(zip(at, each, matrices, strict=True)):
        if held.any():
            past = past_at(seen, held, int(place), matrix, risk.correlation_stress)
            told[:, :, :, m] = _at(past, seen, steps, levels, settings, methods)
            loss[m] = _loss(came[place], held)
    times = seen.joint.ended_ns[at] - seen.joint.step_ns
    return tuple(
        Foretold(method, level, times, told[k, place, 0], told[k, place, 1], loss)
        for k, method in enumerate(methods)
        for place, level in enumerate(levels)
    )


def _loss(came: Floats, held: Floats) -> float:
    """What the held symbols lost; NaN where a return of one of them is not known."""
    on = held != 0.0
    return -float(came[on] @ held[on])


def _at(past: Past, seen: Seen, steps: int, levels: Sequence[float], settings: TailSettings, methods: Sequence[str]) -> Floats:
    """(methods, levels, 2) at one moment."""
    found = np.full((len(methods), len(levels), 2), np.nan)
    for k, method in enumerate(methods):
        law = METHODS[method](past, steps, seen.terms, settings)
        said = [place for place, level in enumerate(levels) if not refusal(law, level, settings)]
        if said:
            for place, one in zip(said, tails(law, [levels[place] for place in said]), strict=True):
                found[k, place] = one.value_at_risk, one.shortfall
    return found
