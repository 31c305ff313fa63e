"""Whether each change of a book follows the one before it, asked of the changes alone: also while no snapshot is there, and across one."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.exchanges.continuity import GAP, LIVE, SYNCING, offer


@kernel
def breaks_chain(chain: Any, depth: Any) -> bool:
    """Whether changes are missing before this one, by the rule of its feed; `chain` (FeedRow) is of the changes alone, and goes on from it."""
    if depth.is_whole != 0 or chain.rule == 2:
        return False
    is_first = chain.state == SYNCING
    verdict = 0 if is_first else offer(chain, depth)
    if is_first or verdict == GAP:
        chain.state = LIVE
        chain.bridged = 1
        chain.last_id = depth.last_id
    return verdict == GAP
