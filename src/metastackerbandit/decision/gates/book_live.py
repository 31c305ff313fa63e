"""Book live: the order book changed a moment ago."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_most, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Age of the order book. N/A on candles, where there is none."""
    if limits.has_book == 0:
        return not_asked(limits.max_book_age_s)
    return at_most(seen.book_age_s, limits.max_book_age_s)


GATE = GateSpec("book_live", "s", "at most", "safety", "age of the order book", ask, setting="decision.max_book_age_s", domain=(0.0, math.inf))
