"""Seeds of parts from the seed of the whole: named, so that adding a part does not change the others."""

from __future__ import annotations

import hashlib


def seed_of(seed: int, *names: object) -> int:
    """A seed in [0, 2**31) for the part that the names say."""
    return int.from_bytes(hashlib.sha256(repr((seed, *map(str, names))).encode()).digest()[:4], "big") >> 1
