"""Gates of a prediction in a whole run: levels that learn, worth that sizes, contexts that are allowed, and the overlay's side that counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from metastackerbandit.decision.settings import REGIMES, DecisionSettings
from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN
from metastackerbandit.domain.rows import ENTER
from metastackerbandit.domain.sink import Kept
from metastackerbandit.engine.gates import GATE_NAMES
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.stacking.settings import AlignmentSettings
from tests.covering import covers
from tests.markets import by_block, generated
from tests.predicted import UNRESTED, predictions_of

NOTHING_ELSE: dict[str, Any] = {"min_credibility": 0.0}


def column(name: str) -> int:
    """A gate's place in the trace."""
    return GATE_NAMES.index(name)


def heard(told: tuple[np.ndarray, ...], count: int, seed: int = 31, **decision: Any) -> tuple[Kept, Any]:
    """A run of one symbol that hears these predictions."""
    recording = generated(seed, count, symbols=1)
    return by_block(recording, "5m", "model", EngineSettings(decision=DecisionSettings(**decision), risk=UNRESTED), predictions=told)


def spoken(count: int, seed: int = 31, **changes: Any) -> tuple[np.ndarray, ...]:
    """Predictions of that run, all awake."""
    return predictions_of(generated(seed, count, symbols=1), "5m", seed, silent=0.0, missing=0.0, **changes)


@covers("K14", "2.110")
@pytest.mark.parametrize(("gamma", "kept_up"), [(0.01, True), (0.0, False)])
def test_the_engine_keeps_the_promise_of_its_sets_when_p_values_become_too_small(gamma: float, kept_up: bool) -> None:
    """All classes share one p-value, so a set misses exactly where it is at the level or below, whatever the truth: U first, then U^2.

    Without correction the second half misses P(U^2 <= .2) = .447 of the time; standard error over 6,000 rows .006.
    """
    count, half = 12_000, 6_000
    told = spoken(count)
    p_values = np.random.default_rng(5).random(count)
    p_values[half:] *= p_values[half:]
    for name in ("p_value_down", "p_value_flat", "p_value_up"):
        told[0][name] = p_values
    kept, result = heard(told, count, conformal=True, conformal_gamma=gamma)
    coverage = result.world.seats[0].coverage
    assert coverage.told > count - 20
    level = kept.limit[:, column("conformal")]
    sided = np.abs(kept.decisions["side"]) == 1
    assert (level[0] == 0.2) and not np.isnan(level[sided]).any()
    if kept_up:
        assert coverage.missed / coverage.told == pytest.approx(0.2, abs=0.01)
        assert level[sided][-2_000:].mean() == pytest.approx(0.04, abs=0.02)  # P(U^2 <= .04) = .2
    else:
        assert (level[sided] == 0.2).all()
        assert coverage.missed / coverage.told == pytest.approx((0.2 + np.sqrt(0.2)) / 2, abs=0.02)
        assert coverage.level == 0.2
    verdict, seen = kept.verdict[sided, column("conformal")], kept.observed[sided, column("conformal")]
    assert np.array_equal(verdict == PASS, seen <= level[sided]) and {PASS, BLOCK} == set(verdict.tolist())
    off, unasked = heard(told, 300)
    assert (off.verdict[:, column("conformal")] == NA).all()
    assert unasked.world.seats[0].coverage.issued == 0  # sets that nobody asks about are not followed


@covers("A23")
def test_worth_sizes_a_trade_from_nothing_at_break_even_to_all_where_both_models_expect_the_same() -> None:
    """A round trip of 13 bps and barriers of 80: break-even at .53873 (decision/derived.py)."""
    sizes = {}
    for worth in (np.nan, 0.5387, 0.5388, 0.55, 0.57, 0.99):
        told = spoken(600)
        told[0]["worth"] = worth
        kept, _ = heard(told, 600, **NOTHING_ELSE)
        first = np.flatnonzero((kept.decisions["asks_risk"] != 0) & (kept.observed[:, column("net_edge")] > 10.0))[0]
        sizes[worth] = float(kept.decisions["alpha"][first]), int(kept.verdict[first, column("worth")])
    alphas = [alpha for alpha, _ in sizes.values()]
    assert [verdict for _, verdict in sizes.values()] == [NA, BLOCK, PASS, PASS, PASS, PASS]
    assert alphas[1] == 0.0 < alphas[2] < alphas[3] < alphas[4] < alphas[5] == alphas[0]


@covers("1.12")
def test_new_risk_is_taken_in_allowed_contexts_alone_and_in_none_while_they_are_unknown() -> None:
    recording = generated(32, 1_500, symbols=1)
    rising = tuple(name for name in REGIMES if name.endswith("_rising"))
    for allowed in (rising, tuple(name for name in REGIMES if name not in rising)):
        kept, _ = by_block(recording, "5m", "random_entries", EngineSettings(decision=DecisionSettings(allowed_regimes=allowed)))
        verdict, seen = kept.verdict[:, column("regime")], kept.observed[:, column("regime")]
        assert (verdict[:20] == UNKNOWN).all() and not (verdict[21:] == UNKNOWN).any()
        assert np.array_equal(verdict == PASS, seen == 1.0) and {0.0, 1.0} == set(seen[21:].tolist())
        closes = kept.decisions["close"].astype(np.float64)
        level = np.empty(len(closes))
        level[0] = closes[0]
        keep = 1.0 - 2.0 / 51.0
        for t in range(1, len(closes)):
            level[t] = keep * level[t - 1] + (1.0 - keep) * closes[t]
        up = closes >= level
        assert np.array_equal(seen[21:] == 1.0, up[21:] if allowed is rising else ~up[21:])
        entered = kept.decisions["kind"] == ENTER
        assert entered.sum() > 10 and (seen[entered] == 1.0).all()
    free, _ = by_block(recording, "5m", "random_entries", EngineSettings())
    assert (free.verdict[:, column("regime")] == NA).all()


@covers("A26")
def test_the_overlay_s_side_is_the_one_that_every_gate_hears_and_the_slow_frame_s_word_reaches_the_size() -> None:
    """Pain A26: the overlay said "direction", the reader asked for "dir", and nothing was ever aligned."""
    recording = generated(33, 1_500, symbols=1)
    told = predictions_of(recording, "5m", 33, silent=0.0, missing=0.0, others=("1h",))
    turned = tuple(rows.copy() for rows in told)
    slow = turned[0]["frame_ns"] != turned[0]["frame_ns"].min()
    for name, opposite in (("p_up", "p_down"), ("long_bps", "short_bps"), ("p_value_up", "p_value_down")):
        turned[0][name][slow], turned[0][opposite][slow] = told[0][opposite][slow], told[0][name][slow]
    chosen = EngineSettings(alignment=AlignmentSettings(), decision=DecisionSettings(**NOTHING_ELSE))
    one, _ = by_block(recording, "5m", "aligned", chosen, predictions=told, frames=("1h",))
    other, _ = by_block(recording, "5m", "aligned", chosen, predictions=turned, frames=("1h",))
    first, second = one.observed[:, column("alignment")], other.observed[:, column("alignment")]
    both = (one.decisions["position"] == 0) & (other.decisions["position"] == 0)
    same = both & (np.abs(one.decisions["side"]) == 1) & (one.decisions["side"] == other.decisions["side"])
    assert same.sum() > 50
    assert {1.0, 0.4} <= set(first[same].tolist()) and (first[same] != second[same]).mean() > 0.9
    signal = one.observed[same, column("signal")]
    assert (signal > 0.0).all()  # in forecast mode the side is the decision's own frame's
    alphas = np.stack((one.decisions["alpha"][same], other.decisions["alpha"][same]))
    ratio = first[same] / second[same]
    assert alphas[0] == pytest.approx(alphas[1] * ratio, rel=1e-12)


@covers("A10", "A11")
def test_written_limits_decide_where_they_are_stricter_and_break_even_where_it_is() -> None:
    told = spoken(800)
    strict, _ = heard(told, 800, min_confidence=0.5, neutral_band=0.3, **NOTHING_ELSE)
    loose, _ = heard(told, 800, min_confidence=0.01, neutral_band=0.001, **NOTHING_ELSE)
    alone, _ = heard(told, 800, min_confidence=0.01, neutral_band=0.001, thresholds="profile", **NOTHING_ELSE)
    derived, _ = heard(told, 800, **NOTHING_ELSE)

    def limits(kept: Kept, name: str) -> set[float]:
        sided = (np.abs(kept.decisions["side"]) == 1) & (kept.decisions["position"] == 0)
        return {round(float(limit), 9) for limit in kept.limit[sided, column(name)]}

    assert limits(strict, "neutral_band") == {0.3} and limits(strict, "confidence") == {0.5}
    assert limits(derived, "neutral_band") == limits(loose, "neutral_band") == {0.1625}  # 13 / 80
    assert limits(derived, "confidence") == limits(loose, "confidence") == {round((1 - 0.3 + 0.1625) / 2, 9)}
    assert limits(alone, "neutral_band") == {0.001} and limits(alone, "confidence") == {0.01}
    assert derived.decisions.tobytes() == loose.decisions.tobytes()
    assert len(strict.fills) < len(derived.fills)
