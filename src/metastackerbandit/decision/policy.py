"""What a position should become: enter, increase, hold, reduce, exit; a veto means no new risk, and never flattens."""

from __future__ import annotations

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.rows import ENTER, EXIT, HOLD, INCREASE, KEEP, ON_FLAT, ON_OPPOSITE, ON_RESIZE, ON_SIGNAL, REDUCE


@kernel
def wish(position: int, side: int, target: int, resizes: bool, band: float, flips: bool) -> tuple[int, int, int, int]:
    """-> (kind, wanted position in lots, asks for new risk, reason).

    `target` is the size in lots for this side (>= 0; negative: unknown), `resizes` whether a held position follows its
    formula, `band` the change as a share of the position that is worth an order. A reversal goes through flat unless `flips`.
    """
    if side == KEEP:
        return HOLD, position, 0, ON_SIGNAL
    size = max(target, 0)
    if position == 0:
        if side == 0:
            return HOLD, 0, 0, ON_SIGNAL
        return ENTER, side * size, 1, ON_SIGNAL
    held = 1 if position > 0 else -1
    if side == 0:
        return EXIT, 0, 0, ON_FLAT
    if side != held:
        if flips:
            return ENTER, side * size, 1, ON_OPPOSITE
        return EXIT, 0, 0, ON_OPPOSITE
    if not resizes or target < 0:
        return HOLD, position, 0, ON_SIGNAL
    change = size - abs(position)
    if abs(change) < band * abs(position) or change == 0:
        return HOLD, position, 0, ON_SIGNAL
    if change > 0:
        return INCREASE, held * size, 1, ON_RESIZE
    return REDUCE, held * size, 0, ON_RESIZE


@kernel
def vetoed(kind: int, position: int, side: int) -> tuple[int, int]:
    """-> (kind, wanted position) of a wish for new risk that a gate blocked: the old position stays, but a flip still leaves."""
    if kind == ENTER and position * side < 0:
        return EXIT, 0
    return HOLD, position
