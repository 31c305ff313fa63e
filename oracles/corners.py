"""How often a scene came to a corner where engines could part: counted, so that `all equal` says of how much."""

from __future__ import annotations

from metastackerbandit.domain.money import BPS_RATE
from metastackerbandit.domain.recording import Recording
from metastackerbandit.exits.rules import stop_hit, stop_price, target_hit, target_price
from oracles.compare import Row
from oracles.scenes import Scene
from oracles.trades import Trades

SAME_CANDLE = "stopped, or at the target, in the candle of the entry"
BOTH = "stop and target both within the candle of the exit"
GAPPED = "an open beyond the stop or the target"
ORDERED_FIRST = "left by order at an open, whose candle then reached the stop or the target"
FLIPPED = "turned to the other side at one open"
CORNERS = (SAME_CANDLE, BOTH, GAPPED, ORDERED_FIRST, FLIPPED)


def corners(scene: Scene, recording: Recording, trades: Trades) -> dict[str, int]:
    """Corner -> how many of our trades came to it; times outside the recording cannot be asked for."""
    found = dict.fromkeys(CORNERS, 0)
    bars = recording.bars[0]
    places = bars["opened_ns"].searchsorted(trades["closed_ns"])
    for trade, place in zip(trades, places, strict=True):
        for name in _of(scene, bars[place], trade):
            found[name] += 1
    found[FLIPPED] = int(((trades["closed_ns"][:-1] == trades["opened_ns"][1:]) & (trades["side"][:-1] == -trades["side"][1:])).sum())
    return found


def _of(scene: Scene, candle: Row, trade: Row) -> list[str]:
    side, entry, low, high, first = int(trade["side"]), round(float(trade["entry"])), int(candle["low"]), int(candle["high"]), int(candle["open"])
    rates = [round(distance * BPS_RATE) for distance in (scene.rule.stop_bps, scene.rule.target_bps)]
    stop, target = stop_price(side, entry, rates[0]), target_price(side, entry, rates[1])
    stops, reaches = rates[0] > 0 and stop_hit(side, stop, low, high), rates[1] > 0 and target_hit(side, target, low, high)
    is_beyond = (rates[0] > 0 and stop_hit(side, stop, first, first)) or (rates[1] > 0 and target_hit(side, target, first, first))
    slipped = first * scene.slippage_bps * 1e-4 + 1
    if not (stops or reaches):
        return []
    if trade["opened_ns"] == trade["closed_ns"]:
        return [SAME_CANDLE, *((BOTH,) if stops and reaches else ())]
    if is_beyond:
        return [GAPPED]
    if abs(trade["exit"] - first) <= slipped and abs(first - (stop if stops else target)) > 2 * slipped:
        return [ORDERED_FIRST]
    return [BOTH] if stops and reaches else []
