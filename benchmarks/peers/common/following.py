"""What a strategy does with a rule's word at each close, the same for every peer whose strategies are code that is called once a bar."""

from __future__ import annotations

from typing import Any

KEEP = 2  # a rule's word for: no new target, stay as you are


class Following:
    """Turns words (-1, 0, +1 or KEEP) into a wanted side; orders fill at the next open.

    `sides` is "long" or "both"; `reversal` is "flip" (leave and enter at one open) or "through_flat" (leave, and enter by a later word). After a
    stop or target the side that it ended is spent until the word changes.
    """

    def __init__(self, strategy: dict[str, Any]) -> None:
        self.long_only = strategy["sides"] == "long"
        self.flips = strategy["reversal"] == "flip"
        self.spent = 0

    def was_stopped(self, side: int) -> None:
        """A stop or target ended a position of this side, in the candle that closes now or at its open; told before `wanted` is asked."""
        self.spent = side

    def wanted(self, position: int, word: int) -> int:
        """The side (-1, 0, +1) to hold from the next open, by the side held now and the rule's word at this close."""
        if self.spent != 0 and word != self.spent:
            self.spent = 0
        if word == KEEP:
            return position
        side = 0 if self.long_only and word < 0 else word
        if position == 0:
            return 0 if side == self.spent else side
        if side == -position:
            return side if self.flips and side != self.spent else 0
        return side


def slipped(price: int, side: int, slippage_bps: float) -> int:
    """Ticks that a taker pays (side +1) or gets (-1) for `price` ticks: worse by the slippage, rounded to a tick against him."""
    return price + side * -(-price * round(slippage_bps * 10_000) // 100_000_000)


def barriers(strategy: dict[str, Any], side: int, entry: int) -> tuple[int | None, int | None]:
    """Stop and target in ticks of a position entered at `entry` ticks; None where the strategy has none.

    The stop is rounded towards the entry, the target away from it, each at least one tick off; distances are in basis points.
    """
    stop, target = round(strategy["stop_bps"] * 10_000), round(strategy["target_bps"] * 10_000)  # 1e-8 of the entry
    return (
        entry - side * max(entry * stop // 100_000_000, 1) if stop else None,
        entry + side * max(-(-entry * target // 100_000_000), 1) if target else None,
    )
