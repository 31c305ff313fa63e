"""Five methods for the law of a portfolio's losses over a horizon; a law says how many observations stand behind it, or why it refuses.

filtered          the past's surprises in today's volatility (filtered_history.py); the default
historical        what the portfolio would have lost over every past stretch of that length
normal            a normal law with today's volatilities and the shrunk correlations
cornish_fisher    the same, bent by the skewness and kurtosis of the portfolio's own surprises, inside its domain
stress            a normal law with today's volatilities in a crash: bets that add up move as one, and hedges fail
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.risk.cornish_fisher import cornish_fisher_tail
from metastackerbandit.risk.cornish_fisher import refusal as outside
from metastackerbandit.risk.filtered_history import simulated_losses, surprises
from metastackerbandit.risk.filtering import filtered
from metastackerbandit.risk.joint_correlation import linked_under, stressed
from metastackerbandit.risk.joint_returns import over_horizon
from metastackerbandit.risk.past import Past, Terms
from metastackerbandit.risk.settings import TailSettings
from metastackerbandit.risk.tail import Floats, Tail, beyond, normal_tail, tails_of

Ints = NDArray[np.int64]

NOTHING = np.zeros(0)


class Law(Struct, frozen=True, eq=False):
    """The law of losses (money) over `steps` returns as one method sees it.

    `losses` (N,) are equally likely, in the order of time where there is one; empty for a law with a formula, which has a `deviation`, and a
    `skewness` and excess `kurtosis` read off `shape` (M,), losses in units of their forecasts. `observations` is how many stretches tell of it,
    `independent` how many of them do not overlap; `scales` is 1 where the law rests on today's volatility.
    """

    method: str
    steps: int
    observations: int
    independent: float
    scales: int
    losses: Floats = NOTHING
    deviation: float = math.nan
    skewness: float = 0.0
    kurtosis: float = 0.0
    shape: Floats = NOTHING
    refused: str = ""


def refusal(law: Law, level: float, settings: TailSettings) -> str:
    """Why a law says nothing about a level; empty where it does."""
    if law.refused or not len(law.losses):
        return law.refused
    expected = beyond(1, level) * law.independent
    if expected < settings.least_tail:
        told = f"too little history: {law.independent:.0f} independent stretches leave {expected:.1f} beyond {level:.0%}"
        return f"{told}, {settings.least_tail:g} are needed"
    return ""


def tails(law: Law, levels: Sequence[float]) -> list[Tail]:
    """The tails, at one level or more, of a law that does not refuse them."""
    if len(law.losses):
        return tails_of(law.losses, levels)
    if law.method == "cornish_fisher":
        return [cornish_fisher_tail(law.deviation, law.skewness, law.kurtosis, level) for level in levels]
    return [normal_tail(law.deviation, level) for level in levels]


def filtered_law(past: Past, steps: int, terms: Terms, settings: TailSettings) -> Law:
    """Filtered historical simulation."""
    vectors = surprises(past.standard)
    count = len(vectors)
    law = Law("filtered", steps, count, count / steps, 1, refused=_too_few(past, count, settings))
    if law.refused:
        return law
    places = paths_of(count, steps, terms.run, settings)
    losses = simulated_losses(vectors, past.variance, past.exposures, terms.keep, places, (steps,))
    return Law("filtered", steps, count, count / steps, 1, losses=losses[:, 0])


def paths_of(count: int, steps: int, run: int, settings: TailSettings) -> Ints:
    """Places (R, steps) in `count` vectors: every run of that length once where a run is as long as the horizon, else runs drawn at random.

    The end joins the start.
    """
    length = min(run, steps)
    if length == steps:
        starts = np.arange(count, dtype=np.int64)[:, None]
    else:
        starts = np.random.default_rng(settings.seed).integers(0, count, (settings.paths, -(-steps // length)))
    places: Ints = ((starts[:, :, None] + np.arange(length)) % count).reshape(len(starts), -1)[:, :steps]
    return np.ascontiguousarray(places)


def historical_law(past: Past, steps: int, terms: Terms, settings: TailSettings) -> Law:
    """Plain historical simulation: overlapping stretches, as they were."""
    losses = -(over_horizon(past.returns, steps) @ past.exposures)
    losses = losses[~np.isnan(losses)]
    refused = _too_few(past, len(losses), settings)
    return Law("historical", steps, len(losses), len(losses) / steps, 0, losses=NOTHING if refused else losses, refused=refused)


def normal_law(past: Past, steps: int, terms: Terms, settings: TailSettings) -> Law:
    """A normal law with today's volatilities and correlations."""
    correlation = linked_under(past.correlation, past.exposures, past.stress)
    return _normal("normal", past, steps, correlation, settings)


def stress_law(past: Past, steps: int, terms: Terms, settings: TailSettings) -> Law:
    """The same in a crash."""
    return _normal("stress", past, steps, stressed(past.correlation, past.exposures, past.stress), settings)


def _normal(method: str, past: Past, steps: int, correlation: Floats, settings: TailSettings) -> Law:
    known = past.known
    refused = _unknown(past) or (f"too little history: {known} returns, {settings.least_shape} are needed" if known < settings.least_shape else "")
    spread = past.exposures * np.sqrt(past.variance)
    return Law(method, steps, known, known / steps, 1, deviation=math.sqrt(steps * float(spread @ correlation @ spread)), refused=refused)


def cornish_fisher_law(past: Past, steps: int, terms: Terms, settings: TailSettings) -> Law:
    """The normal law bent by the shape of the portfolio's own losses over the horizon, each in units of the deviation that was forecast for it."""
    plain = normal_law(past, steps, terms, settings)
    shape = _shape(past, steps, terms)
    count, independent = len(shape), len(shape) / steps
    if plain.refused or independent < settings.least_shape:
        refused = plain.refused or f"too little history: {independent:.0f} independent stretches tell no kurtosis, {settings.least_shape} are needed"
        return Law("cornish_fisher", steps, count, independent, 1, refused=refused)
    skewness, kurtosis = moments(shape)
    return Law(
        "cornish_fisher",
        steps,
        count,
        independent,
        1,
        deviation=plain.deviation,
        skewness=skewness,
        kurtosis=kurtosis,
        shape=shape,
        refused=outside(skewness, kurtosis),
    )


def _shape(past: Past, steps: int, terms: Terms) -> Floats:
    """Losses (M,) of the portfolio over `steps`, in units of the deviation that its own past forecast."""
    losses = -(past.returns @ past.exposures)
    whole = losses[~np.isnan(losses)]
    variance = filtered(whole[:, None], terms.keep, terms.warm_up).variance[:-1, 0]
    if len(whole) < steps:
        return NOTHING
    sums = np.convolve(whole, np.ones(steps), "valid")
    shape = sums / np.sqrt(steps * variance[: len(sums)])
    return shape[~np.isnan(shape)]


def moments(values: Floats) -> tuple[float, float]:
    """Skewness and excess kurtosis of values (N,)."""
    deviation = values - values.mean()
    square = deviation * deviation
    variance = float(square.mean())
    if not variance > 0.0:
        return 0.0, 0.0
    return float((square * deviation).mean()) / variance**1.5, float((square * square).mean()) / (variance * variance) - 3.0


def _unknown(past: Past) -> str:
    return "" if np.isfinite(past.variance).all() else "today's volatility of a symbol is not known yet"


def _too_few(past: Past, count: int, settings: TailSettings) -> str:
    """Why a history is too short for a sample of it to be a law."""
    if count < settings.least_rows:
        return _unknown(past) or f"too little history: {count:,} joint returns, {settings.least_rows:,} are needed"
    return _unknown(past)


METHODS: dict[str, Callable[[Past, int, Terms, TailSettings], Law]] = {
    "filtered": filtered_law,
    "historical": historical_law,
    "normal": normal_law,
    "cornish_fisher": cornish_fisher_law,
    "stress": stress_law,
}
DEFAULT = "filtered"
