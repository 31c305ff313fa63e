"""Chance held in a row: draws of several laws, each from the four words that the row carries.

A row here is any record with `word_a` .. `word_d`, the state of domain.chance. Every draw of a uniform takes two steps of it, so 52 bits; other laws
are made of uniforms, with nothing kept between calls. Compiled and plain Python runs draw the same bits.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.chance import advance, words_of
from metastackerbandit.domain.kernel import kernel

_LOW_BITS, _LOW_SHARE = 12, 1 << 20  # 32 bits of one step and the upper 20 of the next
_STEP = 2.0**-52
_SMALL = 30.0  # counts expected to be larger are drawn from the normal law


class ChanceRow(Struct, frozen=True):
    """The state of a generator, four words of 32 bits."""

    word_a: int
    word_b: int
    word_c: int
    word_d: int


def chance_of(seed: int, name: str) -> ChanceRow:
    """The first state of what goes by a name: whatever else is drawn under the same seed, and in what order, its draws are its own."""
    stream = int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big")
    return ChanceRow(*words_of(seed, stream).tolist())


def seed_row(rows: np.ndarray, chance: ChanceRow) -> None:
    """Give rows (N,), any with the four words, a first state."""
    for name in ChanceRow.__struct_fields__:
        rows[name] = getattr(chance, name)


@kernel
def uniform(row: Any) -> float:
    """Uniform on (0, 1), never 0 nor 1: the middle of one of 2**52 equal parts."""
    high, a, b, c, d = advance(row.word_a, row.word_b, row.word_c, row.word_d)
    low, a, b, c, d = advance(a, b, c, d)
    row.word_a = a
    row.word_b = b
    row.word_c = c
    row.word_d = d
    return (float(high * _LOW_SHARE + (low >> _LOW_BITS)) + 0.5) * _STEP


@kernel
def exponential(row: Any) -> float:
    """A waiting time of mean 1."""
    return -math.log(uniform(row))


@kernel
def normal(row: Any) -> float:
    """Standard normal, by inversion: one uniform a draw."""
    return normal_quantile(uniform(row))


@kernel
def count_of(row: Any, expected: float) -> int:
    """How many events of a Poisson process fall where `expected` are due (>= 0).

    Up to 30 exactly, as the number of uniforms whose product stays above exp(-expected) (Knuth, The Art of Computer Programming 2, 3.4.1). Beyond,
    the normal law of the same mean and variance, rounded: its skew, 1 / sqrt(expected), is left out.
    """
    if expected > _SMALL:
        return max(0, math.floor(expected + math.sqrt(expected) * normal(row) + 0.5))
    floor = math.exp(-expected)
    count = 0
    product = uniform(row)
    while product > floor:
        count += 1
        product *= uniform(row)
    return count


@kernel
def normal_quantile(share: float) -> float:
    """Where the normal law's distribution reaches `share`, on (0, 1): Wichura's PPND16 (1988, AS 241), good to about 1e-16 of its value."""
    centred = share - 0.5
    if abs(centred) <= 0.425:
        return centred * _central(0.180625 - centred * centred)
    tail = share if centred < 0.0 else 1.0 - share
    root = math.sqrt(-math.log(tail))
    far = _middling(root - 1.6) if root <= 5.0 else _outer(root - 5.0)
    return -far if centred < 0.0 else far


@kernel
def _central(r: float) -> float:
    """Table of |share - 1/2| <= 0.425."""
    above = ((2.5090809287301226727e3 * r + 3.3430575583588128105e4) * r + 6.7265770927008700853e4) * r + 4.5921953931549871457e4
    above = (((above * r + 1.3731693765509461125e4) * r + 1.9715909503065514427e3) * r + 1.3314166789178437745e2) * r + 3.3871328727963666080e0
    below = ((5.2264952788528545610e3 * r + 2.8729085735721942674e4) * r + 3.9307895800092710610e4) * r + 2.1213794301586595867e4
    below = (((below * r + 5.3941960214247511077e3) * r + 6.8718700749205790830e2) * r + 4.2313330701600911252e1) * r + 1.0
    return above / below


@kernel
def _middling(r: float) -> float:
    """Table of tails down to exp(-25)."""
    above = ((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r + 2.41780725177450611770e-1) * r + 1.27045825245236838258e0
    above = (((above * r + 3.64784832476320460504e0) * r + 5.76949722146069140550e0) * r + 4.63033784615654529590e0) * r + 1.42343711074968357734e0
    below = ((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r + 1.51986665636164571966e-2) * r + 1.48103976427480074590e-1
    below = (((below * r + 6.89767334985100004550e-1) * r + 1.67638483018380384940e0) * r + 2.05319162663775882187e0) * r + 1.0
    return above / below


@kernel
def _outer(r: float) -> float:
    """Table of the tails beyond."""
    above = ((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 1.24266094738807843860e-3) * r + 2.65321895265761230930e-2
    above = (((above * r + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0) * r + 5.46378491116411436990e0) * r + 6.65790464350110377720e0
    below = ((2.04426310338993978564e-15 * r + 1.42151175831644588870e-7) * r + 1.84631831751005468180e-5) * r + 7.86869131145613259100e-4
    below = (((below * r + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1) * r + 5.99832206555887937690e-1) * r + 1.0
    return above / below
