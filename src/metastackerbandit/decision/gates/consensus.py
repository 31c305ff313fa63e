"""Consensus: other sources do not name the other side, or have not earned the right to stop this one."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.gate import GateSpec, at_least, not_asked
from metastackerbandit.domain.kernel import kernel


@kernel
def ask(seen: Any, limits: Any) -> tuple[float, float, int]:
    """Share of awake sources that do not name the other side. N/A when off, with no second source, and where no side is wanted.

    Soft consensus stops nothing (it shrinks the size); hard consensus asks for all of them while one that opposes has earned its veto.
    """
    limit = 1.0 if limits.is_hard != 0 and seen.vetoes > 0 else 0.0
    if limits.has_consensus == 0 or seen.sources == 0 or seen.side == 0:
        return not_asked(limit)
    return at_least(seen.agreement, limit)


GATE = GateSpec("consensus", "share", "at least", "opinion", "awake sources that do not name the other side", ask, domain=(0.0, 1.0))
