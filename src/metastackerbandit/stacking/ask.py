"""Kernels that ask any arm of the catalog, and its mirror, written from it."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel, written
from metastackerbandit.domain.rows import KEEP
from metastackerbandit.stacking.catalog import ARMS

_SOURCE = "def ask_arm(arm, memory, reals, high, low, close):\n" + "".join(
    f"    if arm == {place}:\n        return {arm.name}(memory, reals, high, low, close)\n" for place, arm in enumerate(ARMS)
)

ask_arm = kernel(written("ask_arm", _SOURCE + "    return 0\n", {arm.name: arm.step for arm in ARMS}, __name__))
"""ask_arm(arm, memory, reals, high, low, close) -> target of the arm at that place in the catalog."""

_MIRROR = "def mirror_arm(arm, memory, reals):\n" + "".join(
    f"    if arm == {place}:\n        return {arm.name}(memory, reals)\n" for place, arm in enumerate(ARMS) if arm.mirror is not None
)

mirror_arm = kernel(written("mirror_arm", _MIRROR + "    return 0\n", {arm.name: arm.mirror for arm in ARMS if arm.mirror is not None}, __name__))
"""mirror_arm(arm, memory, reals) -> twice the level of reflection; turns the memory of the arm at that place in the catalog, in place."""

_LOOKS = (
    "def looks(arm):\n    return " + (" or ".join(f"arm == {place}" for place, arm in enumerate(ARMS) if arm.mirror is not None) or "False") + "\n"
)

looks = kernel(written("looks", _LOOKS, {}, __name__))
"""looks(arm) -> whether the arm at that place looks at the market at all."""


_HEARING = {place: arm for place, arm in enumerate(ARMS) if arm.hears is not None}
_HEAR = "def hear_second(arm, memory, reals, second):\n" + "".join(
    f"    if arm == {place}:\n        {arm.name}(memory, reals, second)\n" for place, arm in _HEARING.items()
)

hear_second = kernel(written("hear_second", _HEAR, {arm.name: arm.hears for arm in _HEARING.values()}, __name__))
"""hear_second(arm, memory, reals, second): the arm at that place in the catalog is told of a second of the order book."""


@kernel
def mirrored_word(arm: int, memory: Any, reals: Any, high: int, low: int, close: int, word: int) -> int:
    """What the arm, with the memory from before this bar, says of the bar's mirror; one that does not look says the opposite of `word`."""
    if not looks(arm):
        return word if word == KEEP else -word
    twice = mirror_arm(arm, memory, reals)
    return ask_arm(arm, memory, reals, twice - low, twice - high, twice - close)
