"""The value process has the law that its closed forms state, for steps of any length, and the same bits compiled and as plain Python."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.instrument import MOST_TICKS
from metastackerbandit.domain.kernel import kernel, row, rows
from metastackerbandit.domain.timeframe import HOUR_NS, MINUTE_NS, SECOND_NS
from metastackerbandit.simulation.drift import foreseen, neighbours, variance
from metastackerbandit.simulation.made_market import advance_market
from metastackerbandit.simulation.settings import MARKETS, GeneratorSettings
from metastackerbandit.simulation.value import ValueRow, activity_of, funding_rate, settle_funding, ticks_of
from metastackerbandit.simulation.value_terms import activities, regime_shares, value_terms
from tests.covering import covers
from tests.simulation.made import SYMBOLS, begun

FORESEEABLE = GeneratorSettings(predictability=0.15, drift_half_life_hours=1.0, jumps_a_day=5.0, jump_share=0.3)


@kernel
def followed(made: Any, steps: Any, seen: Any) -> None:
    """Steps (N,) ns; seen (N, 8): regime, market's time, drift before and after, move; and of the first symbol lean, log value, share."""
    for n in range(len(steps)):
        seen[n, 2] = made.market[0].drift
        advance_market(made, steps[n])
        market, value = made.market[0], made.values[0]
        seen[n, 0] = market.regime
        seen[n, 1] = market.busy_s
        seen[n, 3] = market.drift
        seen[n, 4] = market.moved
        seen[n, 5] = value.lean
        seen[n, 6] = value.log_ticks
        seen[n, 7] = value.buy_share


def path(settings: GeneratorSettings, count: int, step_ns: int, *, made: Any = None) -> np.ndarray:
    """What `followed` sees in so many equal steps."""
    seen = np.zeros((count, 8))
    followed(made if made is not None else begun(settings), np.full(count, step_ns, np.int64), seen)
    return seen


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one, other)[0, 1])


@covers("0.30")
@pytest.mark.parametrize("settings", [FORESEEABLE, MARKETS["high-volatility"]])
def test_the_drift_foresees_the_share_that_the_closed_form_says(settings):
    seen = path(settings, 300_000, HOUR_NS // 4)
    drift, moves = seen[:, 2], seen[:, 4]
    for quarters in (1, 4, 16):
        whole = moves[: len(moves) // quarters * quarters].reshape(-1, quarters).sum(axis=1)
        begins = drift[: len(moves) // quarters * quarters : quarters]
        horizon_s = quarters * 900.0
        noise = 4.0 / math.sqrt(len(whole))  # four standard errors of a correlation, returns having heavier tails than the normal law's
        assert whole.var() == pytest.approx(variance(settings, horizon_s), rel=0.05)
        assert correlation(begins, whole) == pytest.approx(math.sqrt(foreseen(settings, horizon_s)), abs=noise)
        assert correlation(whole[:-1], whole[1:]) == pytest.approx(neighbours(settings, horizon_s, horizon_s), abs=noise)


@pytest.mark.parametrize("parts", [(1,), (2,), (1, 4), (60, 3_540)])
def test_a_step_may_be_cut_anywhere(parts):
    """An hour in one step, in equal parts and in unequal ones has the same variance, the same drift and the same covariance of the two."""
    hours, whole = 60_000, HOUR_NS
    lengths = [whole // 2] * 2 if parts == (2,) else [whole * part // sum(parts) for part in parts]
    seen = np.zeros((hours * len(lengths), 8))
    followed(begun(FORESEEABLE), np.array(lengths * hours, np.int64), seen)
    moves = seen[:, 4].reshape(hours, -1).sum(axis=1)
    before, after = seen[:: len(lengths), 2], seen[len(lengths) - 1 :: len(lengths), 3]
    assert moves.var() == pytest.approx(variance(FORESEEABLE, 3_600.0), rel=0.06)
    assert correlation(before, moves) == pytest.approx(math.sqrt(0.15), abs=0.02)
    assert correlation(after, moves) == pytest.approx(math.sqrt(0.15), abs=0.02)
    assert correlation(before, after) == pytest.approx(0.5, abs=0.02)
    assert seen[:, 1].sum() / hours == pytest.approx(3_600.0, rel=0.06)  # over 30 seeds the mean is 1.000, the standard deviation 0.0145


def test_regimes_hold_their_shares_and_their_pace():
    settings = GeneratorSettings()
    seen = path(settings, 400_000, 10 * MINUTE_NS)
    shares = [(seen[:, 0] == regime).mean() for regime in range(3)]
    assert shares == pytest.approx(regime_shares(settings), abs=0.012)
    for regime in range(3):
        stayed = (seen[1:, 0] == regime) & (seen[:-1, 0] == regime)
        pace = np.median(seen[1:, 1][stayed]) / 600.0
        assert pace == pytest.approx(activities(settings)[regime]) == activity_of(regime, row(value_terms(settings))[0])
        assert seen[1:, 4][stayed].var() / 600.0 == pytest.approx(pace, rel=0.1)


def test_a_stay_lasts_as_long_on_average_as_its_setting_says():
    seen = path(GeneratorSettings(calm_chance=1.0, normal_hours=1.0, calm_hours=3.0), 200_000, 5 * MINUTE_NS)
    begins = np.flatnonzero(np.diff(seen[:, 0]) != 0)
    stays = np.diff(begins) / 12.0
    regimes = seen[begins[:-1] + 1, 0]
    assert set(regimes) == {0.0, 1.0}
    assert stays[regimes == 0].mean() == pytest.approx(3.0, rel=0.08)
    assert stays[regimes == 1].mean() == pytest.approx(1.0, rel=0.12)  # stays shorter than a step are not seen


def test_jumps_come_at_their_rate_with_their_size():
    settings = GeneratorSettings(jumps_a_day=24.0, jump_share=0.9, calm_volatility=1.0, storm_volatility=1.0, predictability=0.0)
    moves = path(settings, 200_000, MINUTE_NS)[:, 4]
    large = np.abs(moves) > 4.0 * math.sqrt(0.1 * 60.0)
    size = math.sqrt(0.9 * 3_600.0)
    beyond = math.erfc(4.0 * math.sqrt(6.0) / math.sqrt(size * size + 6.0) / math.sqrt(2.0))  # of a jump with its minute's diffusion
    assert large.mean() == pytest.approx(24.0 / 1_440.0 * beyond, rel=0.08)
    assert moves[large].std() > 0.9 * size


def test_two_symbols_share_what_is_the_market_s():
    for share in (0.0, 0.5, 0.9):
        settings = GeneratorSettings(common_share=share)
        made, other = begun(settings), begun(settings, SYMBOLS[::-1])
        one = np.diff(path(settings, 100_000, MINUTE_NS, made=made)[:, 6])
        two = np.diff(path(settings, 100_000, MINUTE_NS, made=other)[:, 6])
        assert correlation(one, two) == pytest.approx(share, abs=0.04)


def test_long_values_have_the_stated_volatility():
    logs = path(GeneratorSettings(predictability=0.0), 400_000, 5 * MINUTE_NS)[:, 6]
    assert np.diff(logs).std() * math.sqrt(12 * 8_766) == pytest.approx(0.6 * 0.8, rel=0.03)


def test_takers_lean_with_the_drift_and_with_nothing_else_in_the_long_run():
    settings = GeneratorSettings()
    seen = path(settings, 300_000, MINUTE_NS)
    lean, share = seen[:, 5], seen[:, 7]
    assert lean.mean() == pytest.approx(0.0, abs=0.1) and lean.std() == pytest.approx(1.0, rel=0.05)
    assert share.mean() == pytest.approx(0.5, abs=0.005)
    slope = correlation(lean, share) * share.std() / lean.std()
    assert slope == pytest.approx(settings.flow_lean, rel=0.15)
    moves = np.diff(seen[:, 6])
    assert correlation(moves, share[1:]) > 0.3  # who takes follows the last minute


@given(st.floats(-5.0, 40.0))
def test_prices_are_the_nearest_tick_and_stay_in_bounds(log_ticks):
    ticks = ticks_of(log_ticks)
    assert 1 <= ticks <= MOST_TICKS
    if 0.5 < math.exp(log_ticks) < MOST_TICKS:
        assert abs(ticks - math.exp(log_ticks)) <= 0.5 + 1e-12 * math.exp(log_ticks)


@given(st.floats(-1e6, 1e6), st.floats(0.0, 1e5))
def test_funding_follows_the_lean_within_its_cap(leaned, leaned_s):
    terms, value = row(value_terms(GeneratorSettings())), rows(ValueRow, 1)
    value["leaned"], value["leaned_s"] = leaned, leaned_s
    rate = funding_rate(value[0], terms[0])
    assert -300_000 <= rate <= 300_000 and rate == round(rate)
    if leaned_s > 0.0 and abs(leaned / leaned_s) < 20.0:
        assert rate == pytest.approx(10_000.0 + 10_000.0 * leaned / leaned_s, abs=0.51)
    settle_funding(value[0])
    assert funding_rate(value[0], terms[0]) == 10_000.0


def test_a_step_takes_its_own_length_whatever_the_last_one_was():
    mixed, plain = begun(), begun()
    followed(mixed, np.array([SECOND_NS, MINUTE_NS, SECOND_NS], np.int64), np.zeros((3, 8)))
    followed(plain, np.array([SECOND_NS], np.int64), np.zeros((1, 8)))
    names = ("keep", "scatter", "reach_s", "rest", "noise_keep", "noise_scatter", "follow_keep")
    assert [mixed.market[name][0] for name in names] == [plain.market[name][0] for name in names]
    assert int(mixed.market["at_ns"][0] - plain.market["at_ns"][0]) == 61 * SECOND_NS


def digest() -> str:
    """Of a market that goes on in steps of several lengths, with storms and jumps in them."""
    made = begun(msgspec.structs.replace(MARKETS["high-volatility"], normal_hours=0.2, storm_hours=0.1, jumps_a_day=200.0))
    steps = np.array([SECOND_NS // 10, 5 * SECOND_NS, MINUTE_NS, 17 * SECOND_NS] * 300, np.int64)
    seen = np.zeros((len(steps), 8))
    followed(made, steps, seen)
    return hashlib.sha256(seen.tobytes() + made.market.tobytes() + made.values.tobytes()).hexdigest()


@covers("0.30")
def test_plain_python_draws_the_same_bits():
    answer = subprocess.run(
        [sys.executable, "-c", "from tests.simulation.test_value import digest; print(digest())"],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2_000:]
    assert answer.stdout.strip() == digest()
