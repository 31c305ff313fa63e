"""Features of the book against slow plain references: each says its formula over all seconds heard, with no state carried; and known answers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from metastackerbandit.domain.timeframe import MINUTE_NS, SECOND_NS
from metastackerbandit.features.batch import features_over
from metastackerbandit.features.catalog import FEATURES, NAMES
from tests.features.book_scenes import seconds_for, seconds_from
from tests.features.scenes import START_NS, market
from tests.features.test_oracles import average

BARS = market(31, 16, frame_ns=MINUTE_NS)
BARS["known_ns"] += 2 * SECOND_NS
SECONDS = seconds_for(BARS, 31)
SECONDS = SECONDS[np.random.default_rng(31).random(len(SECONDS)) > 0.02]  # a few were missed
VALUES = features_over(BARS, MINUTE_NS, None, has_volume=True, has_flow=True, seconds=SECONDS).values
PLACES = (6, 11, 15)


def heard(t: int) -> np.ndarray:
    """The seconds known before bar t was."""
    return SECONDS[SECONDS["known_ns"] <= BARS["known_ns"][t]]


def mean(t: int, values: Callable[[np.ndarray], np.ndarray], span: int) -> float:
    return average(values(heard(t)), span)


def window(t: int, name: str, count: int) -> np.ndarray:
    """A column over the last seconds of the clock, those that were missed left out."""
    told = heard(t)
    return told[name][told["second"] > told["second"][-1] - count]


def ofi(t: int, span: int) -> float:
    return mean(t, lambda s: s["ofi_1"], span) / mean(t, lambda s: (s["bid_depth_1"] + s["ask_depth_1"]) / 2, 300)


def deep_ofi(t: int, span: int) -> float:
    flow = mean(t, lambda s: np.mean([s[f"ofi_{m}"] for m in range(1, 6)], axis=0), span)
    return flow / mean(t, lambda s: (s["bid_depth_5"] + s["ask_depth_5"]) / 10, 300)


def gaps(s: np.ndarray) -> np.ndarray:
    return np.log(s["microprice"] / s["mid"]) * 1e4


def queue(t: int, levels: int) -> float:
    bid, ask = (heard(t)[f"{side}_depth_{levels}"][-1] for side in ("bid", "ask"))
    return float((bid - ask) / (bid + ask))


def slope(t: int) -> float:
    told = heard(t)
    told = told[told["second"] > told["second"][-1] - 60]
    return float(np.polyfit((told["second"] - told["second"][0]) / 60.0, told["cob_imbalance"], 1)[0])


def signed(t: int, span: int) -> float:
    return mean(t, lambda s: (s["bought_lots"] - s["sold_lots"]).astype(float), span) / mean(
        t, lambda s: (s["bought_lots"] + s["sold_lots"]).astype(float), span
    )


def signed_newest(t: int) -> float:
    last = heard(t)[-1]
    lots = last["bought_lots"] + last["sold_lots"]
    return float((last["bought_lots"] - last["sold_lots"]) / lots) if lots else math.nan


def vpin(t: int) -> float:
    """Lots laid end to end and cut into buckets, each of the size that was due when it began."""
    told = heard(t)
    lots = (told["bought_lots"] + told["sold_lots"]).astype(float)
    sides = np.divide(told["bought_lots"] - told["sold_lots"], lots, out=np.zeros(len(told)), where=lots > 0)
    shares: list[float] = []
    due = filled = one_sided = 0.0
    for n in range(59, len(told)):
        due = due or 6.0 * average(lots[: n + 1], 300)
        left = lots[n]
        while left > 0.0 and filled + left >= due:
            part = due - filled
            shares.append(abs(one_sided + sides[n] * part) / due)
            left -= part
            due, filled, one_sided = 6.0 * average(lots[: n + 1], 300), 0.0, 0.0
        filled += left
        one_sided += sides[n] * left
    return float(np.mean(shares[-50:])) if len(shares) >= 50 else math.nan


def kyle(t: int) -> float:
    told = heard(t)
    follows = np.flatnonzero(np.diff(told["second"]) == 1) + 1
    follows = follows[told["second"][follows] > told["second"][-1] - 300]
    changes = np.log(told["mid"][follows] / told["mid"][follows - 1]) * 1e4
    flow, lots = (told["bought_lots"][follows] + sign * told["sold_lots"][follows] for sign in (-1, 1))
    return float(np.polyfit(flow, changes, 1)[0] * lots.mean() * len(follows) / (len(follows) + 30))


def roll(t: int) -> float:
    prices = window(t, "last_ticks", 300)
    changes = np.diff(np.log(prices[prices > 0]))
    covariance = ((changes[1:] - changes.mean()) * (changes[:-1] - changes.mean())).sum() / (len(changes) - 1)
    return 2e4 * math.sqrt(max(-covariance, 0.0))


def newest(t: int, name: str) -> float:
    return float(heard(t)[name][-1])


def side_of_trades(t: int, memory: int) -> float:
    return math.log((newest(t, f"buy_rate_{memory}") * memory + 1) / (newest(t, f"sell_rate_{memory}") * memory + 1))


def surprise(t: int, memory: int) -> float:
    now, usual = (newest(t, f"buy_rate_{m}") + newest(t, f"sell_rate_{m}") + 1 / 60 for m in (memory, 60))
    return math.log(now / usual)


def depth_slope(t: int, side: str) -> float:
    return math.log(newest(t, f"{side}_depth_20") / newest(t, f"{side}_depth_5")) / math.log(
        newest(t, f"{side}_reach_20") / newest(t, f"{side}_reach_5")
    )


def near(s: np.ndarray) -> np.ndarray:
    return np.asarray(s["bid_depth_20"] + s["ask_depth_20"])


def cancelled(t: int, side: str, dealt: str) -> float:
    return mean(t, lambda s: s[f"{side}_removed"] - s[dealt], 60) / mean(t, lambda s: s[f"{side}_depth_20"], 60)


def both(name: str, reference: Callable[[int, str], float]) -> dict[str, Callable[[int], float]]:
    return {f"{side}_{name}": lambda t, side=side: reference(t, side) for side in ("bid", "ask")}  # type: ignore[misc]


ORACLES: dict[str, Callable[[int], float]] = {
    **{f"ofi_1_{span}": lambda t, span=span: ofi(t, span) for span in (10, 60, 300)},  # type: ignore[misc]
    **{f"ofi_5_{span}": lambda t, span=span: deep_ofi(t, span) for span in (10, 60, 300)},  # type: ignore[misc]
    "microprice_gap": lambda t: float(gaps(heard(t))[-1]),
    "microprice_gap_10": lambda t: mean(t, gaps, 10),
    "microprice_gap_60": lambda t: mean(t, gaps, 60),
    **{f"queue_imbalance_{n}": lambda t, n=n: queue(t, n) for n in (1, 5, 10, 20)},  # type: ignore[misc]
    **{f"cob_imbalance_{n}": lambda t, n=n: float(window(t, "cob_imbalance", n).mean()) for n in (1, 5, 15, 60)},  # type: ignore[misc]
    "cob_slope_60": slope,
    "signed_flow_1": signed_newest,
    **{f"signed_flow_{span}": lambda t, span=span: signed(t, span) for span in (10, 60, 300)},  # type: ignore[misc]
    "vpin_50": vpin,
    "kyle_lambda": kyle,
    "roll_spread": roll,
    **{f"trade_side_{memory}": lambda t, memory=memory: side_of_trades(t, memory) for memory in (1, 10, 60)},  # type: ignore[misc]
    **{f"trade_surprise_{memory}": lambda t, memory=memory: surprise(t, memory) for memory in (1, 10)},  # type: ignore[misc]
    **both("depth_slope", depth_slope),
    "depth_ratio": lambda t: math.log(near(heard(t))[-1] / mean(t, near, 300)),
    "spread_bps": lambda t: newest(t, "spread_bps"),
    "spread_60": lambda t: mean(t, lambda s: s["spread_mean_bps"], 60),
    "spread_ratio": lambda t: math.log(mean(t, lambda s: s["spread_mean_bps"], 10) / mean(t, lambda s: s["spread_mean_bps"], 300)),
    **both("pulled_10", lambda t, side: float(window(t, f"{side}_pulled", 10).max())),
    **both("pulled_60", lambda t, side: mean(t, lambda s: s[f"{side}_pulled"], 60)),
    **both("wall", lambda t, side: math.log1p(newest(t, f"{side}_wall"))),
    **both("wall_age", lambda t, side: math.log1p(newest(t, f"{side}_wall_age"))),
    **both("wall_refills", lambda t, side: math.log1p(newest(t, f"{side}_wall_refills"))),
    **both("added_60", lambda t, side: mean(t, lambda s: s[f"{side}_added"], 60) / mean(t, lambda s: s[f"{side}_depth_20"], 60)),
    "bid_cancelled_60": lambda t: cancelled(t, "bid", "sold_lots"),
    "ask_cancelled_60": lambda t: cancelled(t, "ask", "bought_lots"),
}


@pytest.mark.parametrize("name", ORACLES)
def test_a_feature_of_the_book_is_what_its_definition_says(name: str) -> None:
    found = [VALUES[t, NAMES.index(name)] for t in PLACES]
    assert found == pytest.approx([ORACLES[name](t) for t in PLACES], rel=1e-9, abs=1e-9, nan_ok=True)
    assert not math.isnan(found[-1])


def test_every_feature_of_the_book_has_a_reference() -> None:
    assert {spec.name for spec in FEATURES if spec.needs == "book"} == set(ORACLES)


def planted(count: int) -> tuple[np.ndarray, np.ndarray]:
    """One bar that ends with so many seconds, and those."""
    start = START_NS // SECOND_NS
    bars = market(1, 10, frame_ns=MINUTE_NS)[:1]
    bars["opened_ns"], bars["closed_ns"] = START_NS + (count - 60) * SECOND_NS, START_NS + count * SECOND_NS
    bars["known_ns"] = bars["closed_ns"] + 2 * SECOND_NS
    return bars, seconds_from(1, start, count)


def last_of(bars: np.ndarray, seconds: np.ndarray, name: str) -> float:
    return float(features_over(bars, MINUTE_NS, None, has_volume=True, has_flow=True, seconds=seconds).values[-1, NAMES.index(name)])


def test_roll_gives_a_planted_spread_back() -> None:
    """A price that stands still, dealt at a bid or an ask 2 bps apart by chance: 300 s leave an error of about a tenth, 40 times 300 a 60th."""
    bars, seconds = planted(300)
    found = []
    for seed in range(40):
        sides = np.random.default_rng(seed).choice([-1, 1], 300)
        seconds["last_ticks"] = 10_000_000 + 1_000 * sides
        found.append(last_of(bars, seconds, "roll_spread"))
    assert np.mean(found) == pytest.approx(2.0, rel=0.05)
    seconds["last_ticks"] = 10_000_000 + 1_000 * np.arange(300)  # a price that only rises does not bounce
    assert last_of(bars, seconds, "roll_spread") == 0.0


def test_kyle_gives_a_planted_impact_back() -> None:
    """A tenth of a bp a lot, ten lots a second: 1 bp a mean second's lots, less the share 30 / (299 + 30) that shrinking takes."""
    bars, seconds = planted(300)
    bought = np.random.default_rng(3).integers(0, 11, 300)
    seconds["bought_lots"], seconds["sold_lots"] = bought, 10 - bought
    signed = 2 * bought - 10
    seconds["mid"] = np.exp(np.log(1e7) + np.cumsum(0.1e-4 * signed))
    assert last_of(bars, seconds, "kyle_lambda") == pytest.approx(1.0 * 299 / 329, rel=1e-9)


def test_vpin_is_one_where_all_buy_and_none_where_each_second_balances() -> None:
    bars, seconds = planted(600)
    seconds["bought_lots"], seconds["sold_lots"] = 10, 0
    assert last_of(bars, seconds, "vpin_50") == pytest.approx(1.0)
    seconds["sold_lots"] = 10
    assert last_of(bars, seconds, "vpin_50") == 0.0
    seconds["bought_lots"][599] = 1_000_000  # it is a 150th of the average by which buckets are sized, so it fills 150 / 6 of them
    assert last_of(bars, seconds, "vpin_50") == pytest.approx(25 / 50, abs=0.03)


def test_steady_pressure_of_a_tenth_of_the_depth_a_second_is_that() -> None:
    bars, seconds = planted(600)
    for name in ("bid_depth_1", "ask_depth_1"):
        seconds[name] = 200.0
    seconds["ofi_1"] = 20.0
    for span in (10, 60, 300):
        assert last_of(bars, seconds, f"ofi_1_{span}") == pytest.approx(0.1)
