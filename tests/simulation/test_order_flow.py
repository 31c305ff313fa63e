"""The background quotes around the value and never leaves a book empty; nothing comes into a book or leaves it but by its rows; a seed is a flow."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.domain.timeframe import HOUR_NS, MINUTE_NS, SECOND_NS
from metastackerbandit.simulation.flow import ADD, PULL, TAKE, Flow, flow_in
from metastackerbandit.simulation.history import made_history
from metastackerbandit.simulation.made_market import MadeMarket, MadeSymbol
from metastackerbandit.simulation.matching import GUARD_NONE, RESTS, best_of, enter
from metastackerbandit.simulation.order_flow import Background, begun_background, best_quote, level_lots, live_step
from metastackerbandit.simulation.queues import BUY, SELL, Queues, empty_queues
from metastackerbandit.simulation.settings import MARKETS, GeneratorSettings, ListingSettings
from metastackerbandit.simulation.value import CALM, NORMAL, STORM
from tests.covering import covers
from tests.markets import START_NS, instrument
from tests.simulation.made import SYMBOLS, begun
from tests.simulation.test_matching import levels

STEP_NS = SECOND_NS // 10
ROOM = 8 * (30 + 8) * len(SYMBOLS)
COARSE = (MadeSymbol(instrument("LOWUSDT", tick_size="0.1"), ListingSettings(price=3.0, volatility=3.0)),)


class Live(Struct):
    """A made market with its books."""

    made: MadeMarket
    background: Background
    queues: Queues
    flow: np.ndarray
    step_ns: int = STEP_NS

    def step(self, step_ns: int = 0) -> np.ndarray:
        """The rows of one step, not yet taken in."""
        count = live_step(self.background, self.made, self.queues, step_ns or self.step_ns, self.flow)
        return self.flow[:count].copy()

    def go(self, steps: int = 1, step_ns: int = 0) -> None:
        """Steps with what they do."""
        for _ in range(steps):
            flow_in(self.queues, self.step(step_ns), 0)


def opened(settings: GeneratorSettings | None = None, symbols: tuple[MadeSymbol, ...] = SYMBOLS, *, room: int = ROOM) -> Live:
    """Books at the market's first step, empty."""
    made = begun(settings, symbols)
    return Live(made, begun_background(settings or GeneratorSettings(), symbols, made), empty_queues(len(symbols)), rows(Flow, room))


@kernel
def seen_over(background: Any, made: Any, queues: Any, step_ns: int, flow: Any, seen: Any) -> None:
    """Steps with what they do; seen (N, S, 8): best bid and ask, value, regime, bids, takers, lots that they want, how many of them buy."""
    for n in range(len(seen)):
        count = live_step(background, made, queues, step_ns, flow)
        flow_in(queues, flow[:count], 0)
        for s in range(len(made.values)):
            seen[n, s, 0] = best_of(queues, s, 0)
            seen[n, s, 1] = best_of(queues, s, 1)
            seen[n, s, 2] = math.exp(made.values[s].log_ticks)
            seen[n, s, 3] = made.market[0].regime
            seen[n, s, 4] = queues.row[s].bids
        for k in range(count):
            if flow[k].what == TAKE:
                s = flow[k].instrument
                seen[n, s, 5] += 1
                seen[n, s, 6] += flow[k].lots
                seen[n, s, 7] += 1 - flow[k].side


def seen(live: Live, steps: int) -> np.ndarray:
    """So many steps, (N, S, 8)."""
    found = np.zeros((steps, len(live.made.values), 8))
    seen_over(live.background, live.made, live.queues, live.step_ns, live.flow, found)
    return found


def resting(queues: Queues, s: int) -> int:
    """All lots of a book."""
    return sum(lots for side in (BUY, SELL) for _, lots in levels(queues, side, s))


def traded_lots(queues: Queues, s: int, since: int) -> int:
    """Lots of the trades after one."""
    return sum(int(queues.trades[s, n % queues.trades.shape[1]]["lots"]) for n in range(since + 1, int(queues.row[s]["trade"]) + 1))


@covers("0.30")
@given(st.integers(0, 10_000), st.sampled_from(sorted(MARKETS)), st.lists(st.integers(1, 20 * SECOND_NS), min_size=1, max_size=15))
@hypothesis_settings(max_examples=40)
def test_quotes_stand_around_the_value_and_books_are_never_empty_nor_crossed(seed: int, preset: str, steps: list[int]) -> None:
    settings = GeneratorSettings(**{name: getattr(MARKETS[preset], name) for name in GeneratorSettings.__struct_fields__} | {"seed": seed})
    live = opened(settings, (*SYMBOLS, *COARSE), room=8 * 38 * 4)
    for step_ns in steps:
        flow = live.step(step_ns)
        flow_in(live.queues, flow[flow["what"] != TAKE], 0)
        for s in range(4):
            quote, step = live.background.quotes[s], int(live.background.makers["level_ticks"][s])
            bid, ask = best_of(live.queues, s, BUY), best_of(live.queues, s, SELL)
            assert 0 < bid < ask
            assert bid <= max(1, quote["value"] - 0.5 * quote["half_spread"]) and ask >= quote["value"] + 0.5 * quote["half_spread"]
            assert ask - bid <= 2.0 * (quote["half_spread"] + step) + 1
            assert abs(0.5 * (bid + ask) - quote["value"]) <= 0.5 * (0.5 * quote["half_spread"] + step) + 1
        flow_in(live.queues, flow[flow["what"] == TAKE], 0)
        for s in range(4):
            bid, ask = best_of(live.queues, s, BUY), best_of(live.queues, s, SELL)
            assert 0 < bid < ask
            assert live.queues.held[s, 0] == 0


@given(st.integers(0, 10_000), st.lists(st.integers(1, 60 * SECOND_NS), min_size=1, max_size=8))
@hypothesis_settings(max_examples=25)
def test_what_is_added_less_withdrawn_less_traded_is_in_the_book(seed: int, steps: list[int]) -> None:
    live = opened(GeneratorSettings(seed=seed, trades_a_second=5.0))
    for step_ns in steps:
        flow = live.step(step_ns)
        assert (flow["lots"] > 0).all() and (flow["ticks"] > 0).all()
        assert (flow["at_ns"] == live.made.market["at_ns"][0]).all()
        for k in range(len(flow)):
            s, lots = int(flow["instrument"][k]), int(flow["lots"][k])
            before, trade = resting(live.queues, s), int(live.queues.row[s]["trade"])
            flow_in(live.queues, flow[k : k + 1], 0)
            change, traded = resting(live.queues, s) - before, traded_lots(live.queues, s, trade)
            if flow["what"][k] == ADD:
                assert (change, traded) == (lots, 0)  # makers never take
            elif flow["what"][k] == PULL:
                assert (change, traded) == (-lots, 0)
            else:
                assert change == -traded and 0 <= traded <= lots


@covers("0.30")
@given(st.integers(0, 1_000))
@hypothesis_settings(max_examples=10)
def test_a_symbol_s_flow_is_a_matter_of_the_seed_and_of_its_name(seed: int) -> None:
    settings = GeneratorSettings(seed=seed)
    together, again = opened(settings), opened(settings)
    alone = [opened(settings, (one,)) for one in SYMBOLS]
    for _ in range(30):
        flow = together.step()
        assert flow.tobytes() == again.step().tobytes()
        flow_in(again.queues, flow, 0)
        flow_in(together.queues, flow, 0)
        for s, one in enumerate(alone):
            mine, own = flow[flow["instrument"] == s].copy(), one.step()
            mine["instrument"] = 0
            assert mine.tobytes() == own.tobytes()
            flow_in(one.queues, own, 0)


def test_in_calm_the_middle_is_a_quarter_of_a_basis_point_from_the_value() -> None:
    settings = GeneratorSettings(normal_hours=0.05, calm_hours=10_000.0, calm_chance=1.0)
    found = seen(opened(settings), 30_000)
    found = found[found[:, 0, 3] == CALM]
    assert len(found) > 20_000
    for s, ticks in enumerate((16.0, 1.0, 1.0)):
        bid, ask, value = (found[:, s, n] for n in range(3))
        away = np.abs(0.5 * (bid + ask) - value)
        assert np.quantile(away / value, 0.5) < 0.15e-4 and np.quantile(away / value, 0.99) < 0.25e-4
        assert np.quantile(away, 0.9) <= ticks
        assert 1.0 <= np.median(ask - bid) <= 2.0 * ticks
        assert np.abs((0.5 * (bid + ask) - value).mean()) < 0.2 * ticks  # leaning to neither side


def test_where_it_storms_books_are_wider_and_thinner() -> None:
    seconds = {}
    for regime in (CALM, NORMAL, STORM):
        live = opened(symbols=SYMBOLS[:1])
        live.made.market["regime"], live.made.market["left_s"] = regime, 1e9
        live.go(1)
        quote, terms = live.background.quotes[0], live.background.terms[0]
        activity = quote["half_spread"] / (terms["half_spread"] * quote["value"])
        assert level_lots(live.background, 0, 0) == pytest.approx(20_000.0 / 60_000.0 / 0.001 / activity, rel=0.02)
        assert level_lots(live.background, 0, 10) == pytest.approx(2.0 * level_lots(live.background, 0, 0), abs=2)
        seconds[regime] = activity
    assert seconds[STORM] / seconds[NORMAL] == pytest.approx(3.0) and seconds[CALM] / seconds[NORMAL] == pytest.approx(0.5)


def test_takers_come_as_often_as_large_and_from_the_side_that_the_settings_say() -> None:
    settings = GeneratorSettings(calm_volatility=1.0, storm_volatility=1.0, flow_noise=0.0, follow_lean=0.0, flow_lean=0.0)
    found = seen(opened(settings), 100_000)
    takers, lots, buyers = (found[:, :, n].sum(axis=0) for n in (5, 6, 7))
    assert takers / 10_000.0 == pytest.approx([2.0, 2.0, 1.0], rel=0.03)
    assert buyers / takers == pytest.approx([0.5] * 3, abs=0.02)
    notional = lots / takers * found[:, :, 2].mean(axis=0) * np.array([0.1, 0.1, 0.01]) * 0.001
    assert notional == pytest.approx([5_000.0] * 3, rel=0.12)
    leaning = GeneratorSettings(flow_lean=0.2, flow_noise=0.0, follow_lean=0.0, predictability=0.1, drift_half_life_hours=1_000.0)
    live = opened(leaning)
    before = float(live.made.values["lean"][0])
    found = seen(live, 30_000)
    share = found[:, 0, 7].sum() / found[:, 0, 5].sum()
    assert abs(before) > 0.3 and share == pytest.approx(0.5 + 0.2 * before, abs=0.05)


def test_live_minutes_trade_what_made_minutes_trade() -> None:
    """One law for the past and for live time: takers and the turnover that they want."""
    settings = GeneratorSettings(calm_volatility=1.0, storm_volatility=1.0)
    live = opened(settings)
    live.step_ns = SECOND_NS
    found = seen(live, 6 * 3_600)
    bars = made_history(begun(settings), settings, START_NS + 24 * HOUR_NS, MINUTE_NS).bars
    assert found[:, :, 5].sum(axis=0) / 360 == pytest.approx(bars["trades"].mean(axis=1), rel=0.05)
    assert found[:, :, 6].sum(axis=0) / 360 * 0.001 == pytest.approx(bars["volume"].mean(axis=1), rel=0.15)


def test_the_first_step_fills_a_book_whole_and_so_does_the_one_after_it_was_emptied() -> None:
    live = opened(symbols=SYMBOLS[:1])
    live.go()
    assert len(levels(live.queues, BUY)) >= 28 and len(levels(live.queues, SELL)) >= 28
    assert enter(live.queues, 0, 1, 1, BUY, best_of(live.queues, 0, SELL) * 2, 10**9, RESTS, GUARD_NONE, 0, 1) == 0
    assert levels(live.queues, SELL) == []
    live.go()
    assert levels(live.queues, SELL) != [] and int(live.queues.held[0, 1]) > 0


@pytest.mark.parametrize("side", [BUY, SELL])
def test_an_owner_s_order_beyond_the_value_is_taken_at_once(side: int) -> None:
    live = opened(GeneratorSettings(trades_a_second=1e-6, quotes_a_second=0.0), SYMBOLS[:1])
    live.go(5)
    sign = 1 if side == BUY else -1
    beyond = best_of(live.queues, 0, 1 - side) + sign * 3_000
    rests = 10**7
    assert enter(live.queues, 0, 7, 1, side, beyond, rests, RESTS, GUARD_NONE, 0, 1) == 0
    assert best_of(live.queues, 0, side) == beyond
    live.go()
    assert abs(int(live.queues.held[0, 1])) == rests  # the rest was taken, at the owner's own price
    assert best_of(live.queues, 0, side) != beyond
    assert best_of(live.queues, 0, BUY) < best_of(live.queues, 0, SELL)


def test_an_owner_s_order_among_the_quotes_stays_and_its_size_is_not_taken_for_the_makers() -> None:
    live = opened(GeneratorSettings(trades_a_second=1e-6, quotes_a_second=200.0), SYMBOLS[:1])
    live.go(5)
    bid = best_of(live.queues, 0, BUY) - 10 * int(live.background.makers["level_ticks"][0])
    assert enter(live.queues, 0, 7, 1, BUY, bid, 5, RESTS, GUARD_NONE, 0, 1) == 0
    live.go(20)
    own = live.queues.orders[0][live.queues.orders[0]["owner"] == 1]
    assert own["lots"].tolist() == [5] and own["ticks"].tolist() == [bid]
    assert int(live.queues.held[0, 1]) == 0
    assert dict(levels(live.queues, BUY))[bid] > 5


def test_what_does_not_fit_is_left_for_the_next_step() -> None:
    live = opened(symbols=SYMBOLS[:1], room=5)
    counts = []
    for _ in range(60):
        flow = live.step()
        counts.append(len(flow))
        flow_in(live.queues, flow, 0)
    assert max(counts) == 5
    assert len(levels(live.queues, BUY)) > 20 and len(levels(live.queues, SELL)) > 20


def test_levels_keep_their_distance_in_basis_points_when_the_price_is_another() -> None:
    live = opened(GeneratorSettings(trades_a_second=1e-6), SYMBOLS[:1])
    live.go(10)
    before = int(live.background.makers["level_ticks"][0])
    live.made.values["log_ticks"] += math.log(16.0)
    live.go(200)
    assert (before, int(live.background.makers["level_ticks"][0])) == (16, 128)  # half an octave of play, so that it does not flutter
    assert all(
        abs(ticks / math.exp(live.made.values["log_ticks"][0]) - 1.0) < 30e-4 for side in (BUY, SELL) for ticks, _ in levels(live.queues, side)
    )
    assert {ticks % 128 for side in (BUY, SELL) for ticks, _ in levels(live.queues, side)} == {0}
    live.made.values["log_ticks"] -= math.log(1e5)
    live.go(200)
    assert int(live.background.makers["level_ticks"][0]) == 1


@given(st.floats(1.0, 1e6), st.sampled_from([1, 2, 16, 1_024]), st.floats(0.0, 1e3))
def test_where_makers_want_to_be_is_on_the_grid_and_bid_and_ask_never_meet(value: float, step: int, half_spread: float) -> None:
    live = opened(symbols=SYMBOLS[:1])
    live.background.quotes["value"], live.background.quotes["half_spread"], live.background.makers["level_ticks"] = value, half_spread, step
    bid, ask = best_quote(live.background, 0, BUY), best_quote(live.background, 0, SELL)
    assert 1 <= bid < ask
    assert bid % step == 0 or bid == 1
    assert ask % step == 0 or ask == bid + 1
    assert bid == 1 or bid <= value - half_spread
    assert ask >= value + half_spread


def digest() -> str:
    """Of a minute of the busiest market, with an owner in the way."""
    live = opened(MARKETS["high-volume"], SYMBOLS[:2])
    total = hashlib.sha256()
    for n in range(150):
        flow = live.step()
        total.update(flow.tobytes())
        flow_in(live.queues, flow, 0)
        if n % 50 == 10:
            enter(live.queues, 0, n, 1, SELL, best_of(live.queues, 0, BUY) + 5, 7, RESTS, GUARD_NONE, 0, n)
    total.update(live.background.makers.tobytes() + live.made.values.tobytes())
    return total.hexdigest()


@covers("0.30")
def test_plain_python_writes_the_same_flow() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", "from tests.simulation.test_order_flow import digest; print(digest())"],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2_000:]
    assert answer.stdout.strip() == digest()
