"""Feed quality: what the order book's feed says is complete, fresh and consistent enough to act on."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Score of the feed at the last second's end. N/A on candles, where there is no feed."""
    if limits.has_book == 0:
        return not_asked(limits.min_feed_quality)
    return at_least(seen.feed_quality, limits.min_feed_quality)


GATE = GateSpec(
    "feed_quality",
    "0..1",
    "at least",
    "safety",
    "score of the order book's feed: completeness x freshness x consistency",
    ask,
    setting="decision.min_feed_quality",
    domain=(0.0, 1.0),
)
