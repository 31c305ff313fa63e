"""Seeded chance: xoshiro128** (Blackman and Vigna 2021), whose bits depend on the seed and on no library.

Its 32-bit words are kept in 64-bit integers, where no product or shift can overflow, so compiled and plain Python runs draw the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import kernel

Words = NDArray[np.int64]

_WORD = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15  # step of splitmix64 (Steele, Lea and Flood 2014), which the authors advise for seeding


@kernel
def advance(a: int, b: int, c: int, d: int) -> tuple[int, int, int, int, int]:
    """The next draw, uniform on [0, 2**32), and the state (a, b, c, d) after it."""
    scrambled = (b * 5) & 4294967295
    scrambled = ((scrambled << 7) | (scrambled >> 25)) & 4294967295
    shifted = (b << 9) & 4294967295
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = ((d << 11) | (d >> 21)) & 4294967295
    return (scrambled * 9) & 4294967295, a, b, c, d


def words_of(seed: int, stream: int) -> Words:
    """A generator's first state (4,) for one of a seed's streams (0, 1, ...), which do not share draws."""
    words: list[int] = []
    for place in (2 * stream + 1, 2 * stream + 2):
        mixed = _mixed((seed + place * _GOLDEN) & _WORD)
        words += [mixed & 0xFFFFFFFF, mixed >> 32]
    return np.array(words, np.int64)


def _mixed(word: int) -> int:
    """splitmix64's finaliser."""
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _WORD
    return word ^ (word >> 31)
