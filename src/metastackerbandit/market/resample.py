"""Source candles become bars of the decision's frame, on the UTC clock."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel


class Forming(Struct, frozen=True):
    """The open bar of a frame; `parts` is 0 while there is none. Bars end at multiples of the frame since 1970 UTC."""

    ends_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: float
    quote_volume: float
    taker_volume: float
    trades: float
    parts: int


@kernel
def absorb(forming: Any, bar: Any, base_ns: int, frame_ns: int, done: Any) -> bool:
    """Take one source candle; True when it completes the frame's bar, which is then in `done`."""
    if base_ns == frame_ns:
        done.opened_ns, done.closed_ns, done.known_ns = bar.opened_ns, bar.closed_ns, bar.known_ns
        done.open, done.high, done.low, done.close = bar.open, bar.high, bar.low, bar.close
        done.volume, done.parts, done.parts_due = bar.volume, bar.parts, bar.parts_due
        done.quote_volume, done.taker_volume, done.trades = bar.quote_volume, bar.taker_volume, bar.trades
        return True
    if forming.parts == 0:
        forming.ends_ns = (bar.opened_ns // frame_ns + 1) * frame_ns
        forming.open, forming.high, forming.low = bar.open, bar.high, bar.low
        forming.volume, forming.quote_volume, forming.taker_volume, forming.trades = bar.volume, bar.quote_volume, bar.taker_volume, bar.trades
    else:
        forming.high = max(forming.high, bar.high)
        forming.low = min(forming.low, bar.low)
        forming.volume += bar.volume
        forming.quote_volume += bar.quote_volume
        forming.taker_volume += bar.taker_volume
        forming.trades += bar.trades
    forming.close = bar.close
    forming.parts += 1
    if bar.closed_ns < forming.ends_ns:
        return False
    _finish(forming, bar.known_ns, base_ns, frame_ns, done)
    return True


@kernel
def overdue(forming: Any, now_ns: int, base_ns: int, frame_ns: int, done: Any) -> bool:
    """Close a bar whose time has passed without its last candle (a gap); it is known only now."""
    if forming.parts == 0 or now_ns < forming.ends_ns:
        return False
    _finish(forming, now_ns, base_ns, frame_ns, done)
    return True


@kernel
def _finish(forming: Any, known_ns: int, base_ns: int, frame_ns: int, done: Any) -> None:
    done.opened_ns, done.closed_ns, done.known_ns = forming.ends_ns - frame_ns, forming.ends_ns, known_ns
    done.open, done.high, done.low, done.close = forming.open, forming.high, forming.low, forming.close
    done.volume, done.parts, done.parts_due = forming.volume, forming.parts, frame_ns // base_ns
    done.quote_volume, done.taker_volume, done.trades = forming.quote_volume, forming.taker_volume, forming.trades
    forming.parts = 0
