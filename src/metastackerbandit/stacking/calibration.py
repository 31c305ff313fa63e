"""Making probabilities mean what they say, with no more freedom than the rows can pay for (method 3.3).

Few effective rows pay for a temperature only, more for vector scaling; a curve (beta, isotonic) must prove itself on later rows. The slope
is always that of scaling: one that is not positive says that the source must sleep, and is never turned into a flip.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.errors import ModelRefused, TrainingRefused
from metastackerbandit.stacking.classes import Floats, Sides, as_sides, refuse_unfit
from metastackerbandit.stacking.curves import BetaCurve, IsotonicCurve, beta_into, fit_beta, fit_isotonic, isotonic_into
from metastackerbandit.stacking.packing import sealed, unsealed
from metastackerbandit.stacking.scaling import Scaling, fit_scaling, scale_into
from metastackerbandit.stacking.settings import CalibrationSettings

Kind = Literal["temperature", "vector", "beta", "isotonic"]

_DEFAULTS = CalibrationSettings()
_TEMPERATURE: Kind = "temperature"
_CURVES: tuple[Kind, Kind] = ("beta", "isotonic")


class Calibrator(Struct, frozen=True, forbid_unknown_fields=True):
    """A fitted calibrator; `scaling` is there for every kind, the curves (down, flat, up) for theirs. `n_eff` is what it was fitted on."""

    kind: Kind
    scaling: Scaling
    n_eff: float
    is_symmetric: bool
    least: float
    beta: tuple[BetaCurve, BetaCurve, BetaCurve] | None = None
    isotonic: tuple[IsotonicCurve, IsotonicCurve, IsotonicCurve] | None = None

    @property
    def slope(self) -> float:
        """Of log-odds around the mean forecast: 1 is calibrated, below 1 overconfident; at or below 0 the source must be quarantined."""
        return self.scaling.slope

    @property
    def is_sound(self) -> bool:
        """Whether the source's lead points the right way."""
        return self.slope > 0.0

    def apply(self, probabilities: Floats) -> Floats:
        """Calibrated (N, 3) of probabilities (N, 3); a row's answer is its own, to the bit; a NaN row stays NaN."""
        given = np.ascontiguousarray(probabilities, np.float64)
        out = np.empty_like(given)
        if self.beta is not None:
            beta_into(out, given, np.array(self.beta), self.least)
        elif self.isotonic is not None:
            isotonic_into(out, given, *(np.array(knots) for curve in self.isotonic for knots in curve))
        else:
            scale_into(out, given, self.scaling.slope, np.array(self.scaling.bias), np.array(self.scaling.anchor), self.least)
        return out

    def pack(self) -> bytes:
        """As bytes that know when they are damaged."""
        return sealed(self)

    @staticmethod
    def unpack(data: bytes) -> Calibrator:
        """From `pack`'s bytes; ModelRefused when they are damaged or contradict themselves."""
        found = unsealed(data, Calibrator)
        if (found.kind == "beta") != (found.beta is not None) or (found.kind == "isotonic") != (found.isotonic is not None):
            raise ModelRefused(f"a calibrator of kind {found.kind} does not hold what that kind needs", mend="train again")
        return found


def fit_calibrator(
    probabilities: Floats,
    side: NDArray[np.integer],
    weight: Floats,
    n_eff: float,
    *,
    symmetric: bool = False,
    gap: int = 0,
    settings: CalibrationSettings = _DEFAULTS,
) -> Calibrator:
    """The calibrator that n_eff effective rows pay for, from out-of-fold probabilities (N, 3) in time order.

    `symmetric` ties down and up. Where curves are allowed, they are fitted on the first part of the rows and must beat vector scaling on
    the rest, `gap` rows (those whose labels reach over) left out between. Raises TrainingRefused on rows that are not finite.
    """
    refuse_unfit("calibrating", probabilities, side, weight)
    if not n_eff > 0.0:
        raise TrainingRefused(f"calibrating: {n_eff} effective rows", mend="give it a longer span")
    rows = np.ascontiguousarray(probabilities, np.float64), as_sides(side), np.ascontiguousarray(weight, np.float64)
    if n_eff < settings.vector_rows:
        return _fitted(_TEMPERATURE, *rows, n_eff, symmetric, settings)
    kind: Kind = "vector"
    if n_eff > settings.curve_rows:
        kind = _preferred(*rows, n_eff, symmetric, gap, settings)
    return _fitted(kind, *rows, n_eff, symmetric, settings)


def _fitted(
    kind: Kind, probabilities: Floats, side: Sides, weight: Floats, n_eff: float, symmetric: bool, settings: CalibrationSettings
) -> Calibrator:
    """One kind, fitted on all the rows it is given."""
    is_temperature = kind == _TEMPERATURE
    scaling = fit_scaling(
        probabilities,
        side,
        weight,
        n_eff,
        has_biases=not is_temperature,
        pull=settings.temperature_weight if is_temperature else settings.identity_weight,
        least=settings.least_probability,
        symmetric=symmetric,
    )
    beta = isotonic = None
    if kind == "beta":
        beta = fit_beta(probabilities, side, weight, n_eff, pull=settings.identity_weight, least=settings.least_probability, symmetric=symmetric)
    elif kind == "isotonic":
        isotonic = fit_isotonic(probabilities, side, weight, n_eff, symmetric=symmetric)
    return Calibrator(kind, scaling, n_eff, symmetric, settings.least_probability, beta, isotonic)


def _preferred(probabilities: Floats, side: Sides, weight: Floats, n_eff: float, symmetric: bool, gap: int, settings: CalibrationSettings) -> Kind:
    """The kind that loses least on the later rows; a curve only where it beats vector scaling by more than luck would."""
    count = len(side)
    cut = int(count * settings.inner_share)
    first, later = slice(0, cut), slice(min(cut + gap, count), count)
    whole = float(weight.sum())
    n_first, n_later = (n_eff * float(weight[part].sum()) / whole for part in (first, later))
    if not (n_first > 0.0 and n_later > 0.0):
        return "vector"

    def losses(kind: Kind) -> Floats:
        fitted = _fitted(kind, probabilities[first], side[first], weight[first], n_first, symmetric, settings)
        chances = fitted.apply(probabilities[later])[np.arange(count)[: len(side[later])], side[later]]
        return -np.log(np.maximum(chances, settings.least_probability))

    plain, share = losses("vector"), weight[later] / float(weight[later].sum())
    best: Kind = "vector"
    most = 0.0
    for kind in _CURVES:
        if kind == "isotonic" and n_first < settings.isotonic_rows:
            continue
        gains = plain - losses(kind)
        gain = float(np.sum(share * gains))
        error = math.sqrt(float(np.sum(share * (gains - gain) * (gains - gain))) / n_later)
        if gain > settings.least_margin * error and gain > most:
            best, most = kind, gain
    return best
