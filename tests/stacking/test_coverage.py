"""Sets that are followed while they mature: told as the label tells them, corrected in time, and never more of them than there is room for."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from metastackerbandit.costs.rates import round_trip_bps
from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.kernel import kernel, row, rows
from metastackerbandit.domain.label import LabelSpec
from metastackerbandit.domain.prediction import IN_DOWN, IN_FLAT, IN_UP
from metastackerbandit.evaluation.labels import label_bars
from metastackerbandit.stacking.coverage import Coverage, IssuedSet, SetTerms, issue_set, set_at, settle_sets
from tests.covering import covers
from tests.markets import walk

MINUTES_5 = 300 * 10**9
COSTS = CostSettings(half_spread_bps=0.0, slippage_bps=0.0, impact_coefficient=0.0, taker_fee_bps=5.0, maker_fee_bps=5.0)
SPEC = LabelSpec(horizon=8, width=1.0, span=10)
P_VALUES = st.one_of(st.floats(0, 1), st.just(math.nan))


@kernel
def live(sets, coverage, bars, bits, barriers, horizon, terms, levels):
    for t in range(len(bars)):
        settle_sets(sets, coverage[0], bars[t], t, terms[0])
        levels[t] = coverage[0].level
        if barriers[t] > 0.0:
            issue_set(sets, coverage[0], bits[t], t, horizon, barriers[t])


def lived(
    bars: np.ndarray, bits: np.ndarray, barriers: np.ndarray, *, gamma: float = 0.01, room: int = SPEC.horizon
) -> tuple[np.ndarray, np.ndarray]:
    """The coverage (1,) after all bars and the level (T,) at each."""
    coverage, levels = row(Coverage(0.2, 0, 0, 0, 0)), np.zeros(len(bars))
    terms = row(SetTerms(0.2, gamma, round_trip_bps(COSTS) / 1e4, SPEC.vertical_share / SPEC.width))
    live(rows(IssuedSet, room), coverage, bars, bits, barriers, SPEC.horizon, terms, levels)
    return coverage, levels


@kernel
def live_slowly(sets, coverage, bars, bits, barriers, horizons, terms, levels, looks_at_all):
    for t in range(len(bars)):
        if looks_at_all:
            coverage[0].horizon = -1
        settle_sets(sets, coverage[0], bars[t], t, terms[0])
        levels[t] = coverage[0].level
        for _ in range(2 if t % 17 == 0 else 1):
            if barriers[t] > 0.0:
                issue_set(sets, coverage[0], bits[t], t, horizons[t], barriers[t])


@given(seed=st.integers(0, 2_000), room=st.integers(1, 14), mixed=st.booleans(), missing=st.sampled_from([0.0, 0.3, 0.9]))
def test_what_is_spared_changes_nothing(seed: int, room: int, mixed: bool, missing: float) -> None:
    """A look at the newest and the oldest alone, where no barrier is near, against a look at every open set: horizons of one length and of several,
    bars without a set and with two, barriers that are not known."""
    rng = np.random.default_rng(seed)
    bars = walk(seed, 200, step=0.003)
    bits, horizons = rng.integers(0, 8, len(bars)), np.where(mixed & (rng.random(len(bars)) < 0.2), 3, 7)
    barriers = np.where(rng.random(len(bars)) < missing, 0.0, rng.uniform(0.002, 0.02, len(bars)))
    terms = row(SetTerms(0.2, 0.01, 0.001, 0.3))
    found = []
    for looks_at_all in (False, True):
        coverage, levels, sets = row(Coverage(0.2, 0, 0, 0, 0)), np.zeros(len(bars)), rows(IssuedSet, room)
        live_slowly(sets, coverage, bars, bits, barriers, horizons, terms, levels, looks_at_all)
        found.append((levels.tobytes(), *(float(coverage[0][name]) for name in ("level", "issued", "passed", "told", "missed")), sets.tobytes()))
    assert found[0] == found[1]


def market(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Bars (T,) and their labels."""
    bars = walk(seed, count, step=0.003)
    return bars, label_bars(bars, bars, MINUTES_5, None, SPEC, COSTS)


@covers("K14", "B20")
@example(seed=365, missing=0.5)
@given(seed=st.integers(0, 500), missing=st.sampled_from([0.0, 0.5]))
def test_a_set_is_told_what_training_labels_its_bar(seed: int, missing: float) -> None:
    """Without gaps, spread and finer candles the two differ only in the price of a timed exit (the last close, or the open after it), and where a
    price comes within a tick of a barrier, which an order rounds to its own side."""
    bars, labels = market(seed, 260)
    rng = np.random.default_rng(seed)
    barriers = np.where((labels["known"] != 0) & (rng.random(len(bars)) >= missing), labels["barrier"], 0.0)
    spoken = np.flatnonzero(barriers > 0.0)
    for place in spoken[:: max(len(spoken) // 12, 1)]:
        alone = np.zeros(len(bars))
        alone[place] = barriers[place]
        truth = 1 << int(labels["side"][place])
        is_close = abs(abs(labels["gross"][place]) - max(SPEC.vertical_share * labels["volatility"][place], round_trip_bps(COSTS) / 1e4)) < 2e-4
        ahead, entry = bars[place + 1 : place + 1 + SPEC.horizon], bars["open"][place + 1]
        upper, lower = entry * (1.0 + barriers[place]), entry * (1.0 - barriers[place])
        is_grazed = np.any(np.abs(ahead["high"] - upper) < 1.0) or np.any(np.abs(ahead["low"] - lower) < 1.0)
        if is_grazed or (labels["touched"][place] == 0 and is_close):
            continue
        inside, _ = lived(bars, np.full(len(bars), truth), alone)
        outside, _ = lived(bars, np.full(len(bars), 7 - truth), alone)
        assert (inside[0].told, inside[0].missed, outside[0].told, outside[0].missed) == (1, 0, 1, 1), place


@covers("K14")
@given(seed=st.integers(0, 500), gamma=st.sampled_from([0.005, 0.05]))
def test_whatever_comes_the_share_of_misses_returns_to_the_promise(seed: int, gamma: float) -> None:
    """Gibbs and Candes 2021, proposition 4.1: |misses - alpha| <= (max(alpha, 1 - alpha) + gamma) / (T gamma), if sets follow the level."""
    rng = np.random.default_rng(seed)
    level, missed, count = 0.2, 0, 2_000
    scale = np.exp(rng.normal(0.0, 0.1, count).cumsum())
    for t in range(count):
        p_true = rng.random() ** scale[t]  # p-values that are too small, or too large, for stretches
        bits = set_at(level, p_true, 1.0, 1.0)
        one = 1 if bits & IN_DOWN == 0 else 0
        missed += one
        level += gamma * (0.2 - one)
    assert abs(missed / count - 0.2) <= (0.8 + gamma) / (count * gamma) + 1e-12


@given(p_values=st.tuples(P_VALUES, P_VALUES, P_VALUES), level=st.floats(-0.1, 1.1), more=st.floats(0, 0.5))
def test_a_set_holds_what_is_above_its_level_shrinks_with_it_and_excludes_nothing_unknown(
    p_values: tuple[float, float, float], level: float, more: float
) -> None:
    bits = set_at(level, *p_values)
    for bit, p in zip((IN_DOWN, IN_FLAT, IN_UP), p_values, strict=True):
        assert bool(bits & bit) == (math.isnan(p) or p > level)
    assert set_at(level + more, *p_values) & ~bits == 0


@given(seed=st.integers(0, 500), room=st.integers(1, 12), gaps=st.integers(0, 3))
def test_no_more_sets_are_open_than_there_is_room_and_all_are_told_in_time(seed: int, room: int, gaps: int) -> None:
    bars, labels = market(seed, 300)
    barriers = np.where((labels["known"] != 0) & (np.arange(len(bars)) % (gaps + 1) == 0), labels["barrier"], 0.0)
    coverage, _ = lived(bars, np.full(len(bars), 7), barriers, room=room)
    asked = int((barriers > 0).sum())
    state = coverage[0]
    assert state.issued <= asked and state.issued - state.passed <= room and state.told <= state.issued
    if room >= SPEC.horizon:
        assert state.issued == asked == state.told  # the last labels are known, so all are over
    assert state.missed == 0


@covers("A34")
@given(seed=st.integers(0, 500), cut=st.integers(20, 200))
def test_the_level_knows_nothing_of_what_comes_later(seed: int, cut: int) -> None:
    bars, labels = market(seed, 260)
    barriers = np.where(labels["known"] != 0, labels["barrier"], 0.0)
    bits = np.random.default_rng(seed).integers(1, 8, len(bars))
    other = bars.copy()
    for name in ("open", "high", "low", "close"):
        other[name][cut:] = other[name][cut:] * 3 + 17
    _, one = lived(bars, bits, barriers, gamma=0.05)
    _, two = lived(other, bits, barriers, gamma=0.05)
    assert one[:cut].tobytes() == two[:cut].tobytes()
