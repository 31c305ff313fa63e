"""Seconds of a made book beside the bars of scenes.py: everything that a feature of the book can ask for, from a seed, and its mirror."""

from __future__ import annotations

import numpy as np

from metastackerbandit.domain.kernel import joined, rows
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.domain.timeframe import SECOND_NS

LEAD = 1  # seconds that are heard before the first bar opens: the one that ends with a bar is known just after it
SIDES = {"bid_": "ask_", "ask_": "bid_", "bought": "sold", "sold": "bought", "buy_": "sell_", "sell_": "buy_"}


def seconds_from(seed: int, second: int, count: int, *, ticks: float = 1e7) -> np.ndarray:
    """So many seconds in a row."""
    rng = np.random.default_rng([seed, second])
    made = rows(SecondRow, count)
    made["second"] = second + np.arange(count)
    made["closed_ns"] = (made["second"] + 1) * SECOND_NS
    made["known_ns"] = made["closed_ns"] + rng.integers(0, 30_000_000, count)
    made["is_trusted"], made["score"], made["updates"] = 1, 1.0, rng.poisson(20, count)
    middle = np.rint(np.exp(np.log(ticks) + np.cumsum(rng.normal(0.0, 3e-5, count))))
    half = rng.integers(100, 900, count)
    made["bid_ticks"], made["ask_ticks"] = middle - half, middle + half
    made["mid"] = 0.5 * (made["bid_ticks"] + made["ask_ticks"])
    made["spread_bps"] = 2 * half / made["mid"] * 1e4
    made["spread_mean_bps"] = made["spread_bps"] * rng.uniform(0.8, 1.3, count)
    for side in ("bid", "ask"):
        depths = np.cumsum(np.rint(rng.gamma(2.0, 50.0, (20, count))) + 1, axis=0)
        reaches = np.cumsum(rng.integers(100, 2_000, (20, count)), axis=0) + half
        made[f"{side}_lots"] = depths[0]
        for n in (1, 5, 10, 20):
            made[f"{side}_depth_{n}"] = depths[n - 1]
        for n in (5, 20):
            made[f"{side}_reach_{n}"] = reaches[n - 1]
        made[f"{side}_added"], made[f"{side}_removed"] = rng.poisson(300, count), rng.poisson(350, count)
        made[f"{side}_pulled"], made[f"{side}_wall"] = rng.exponential(0.3, count), rng.exponential(8.0, count)
        age = np.where(made[f"{side}_wall"] > 6.0, rng.integers(0, 40, count), 0)
        made[f"{side}_wall_age"], made[f"{side}_wall_refills"] = age, age // 3
        made[f"{side}_wall_bps"] = np.where(made[f"{side}_wall"] > 6.0, 3.0, np.nan)
    made["microprice"] = (made["bid_ticks"] * made["ask_lots"] + made["ask_ticks"] * made["bid_lots"]) / (made["bid_lots"] + made["ask_lots"])
    pressure = np.tanh(np.convolve(rng.normal(size=count + 9), np.full(10, 0.3), "valid"))
    for m in range(1, 6):
        made[f"ofi_{m}"] = np.rint(60 * pressure + rng.normal(0.0, 80.0, count))
    made["cob_imbalance"] = 0.8 * pressure + 0.1 * rng.normal(size=count).clip(-1, 1)
    for sign, name, of in ((1, "bought", "buy"), (-1, "sold", "sell")):
        made[name] = rng.poisson(2.0 * np.exp(0.4 * sign * pressure))
        made[f"{name}_lots"] = made[name] * rng.integers(1, 40, count)
        made[f"{name}_value"] = made[f"{name}_lots"] * made["mid"]
        for memory in (1, 10, 60):
            made[f"{of}_rate_{memory}"] = rng.gamma(2.0, 1.0, count)
    made["trades"] = made["bought"] + made["sold"]
    dealt = np.where(rng.random(count) < 0.5, made["bid_ticks"], made["ask_ticks"])
    made["last_ticks"] = np.where(made["trades"] > 0, dealt, 0)
    return made


def seconds_for(bars: np.ndarray, seed: int = 0, last: int = 70, *, ticks: float = 1e7) -> np.ndarray:
    """The last seconds before each bar's close and a few before the first bar's opening: all of them where bars are shorter."""
    opened, closed = bars["opened_ns"] // SECOND_NS, bars["closed_ns"] // SECOND_NS
    starts = np.maximum(opened, closed - last)
    starts[0] = max(opened[0] - LEAD, closed[0] - last)
    return joined([seconds_from(seed, int(start), int(end - start), ticks=ticks) for start, end in zip(starts, closed, strict=True)])


def mirrored_seconds(seconds: np.ndarray, product: float = 1e19) -> np.ndarray:
    """The same seconds at prices product / p: bids asks, buyers sellers; lots stay, distances in ticks grow with the prices."""
    other = seconds.copy()
    for name in SecondRow.__struct_fields__:
        for start, partner in SIDES.items():
            if name.startswith(start):
                other[name] = seconds[partner + name.removeprefix(start)]
    for name in ("ofi_1", "ofi_2", "ofi_3", "ofi_4", "ofi_5", "cob_imbalance"):
        other[name] = -seconds[name]
    for name in ("mid", "microprice"):
        other[name] = product / seconds[name]
    for name in ("bid_ticks", "ask_ticks", "last_ticks"):
        other[name] = np.where(other[name] > 0, np.rint(product / np.maximum(other[name], 1)), 0)
    for name in ("bid_reach_5", "bid_reach_20", "ask_reach_5", "ask_reach_20"):
        other[name] *= other["mid"] / seconds["mid"]
    return other
