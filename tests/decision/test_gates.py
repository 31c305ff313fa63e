"""Every gate of the catalog under one contract: each verdict can come, equality passes, better never blocks, mirrors and removals change nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN, GateSpec
from metastackerbandit.engine.gates import GATE_NAMES, GATES, PREDICTION_GATES, ask_all, asking, would_pass
from metastackerbandit.engine.plan import begin, plan_of
from metastackerbandit.engine.seen import Seen
from metastackerbandit.engine.settings import EngineSettings
from tests.covering import covers
from tests.gated import answer, limits_of, seen_of
from tests.markets import generated

PLAN = plan_of(generated(1, 5, symbols=1, moody=True, funded=True), "5m", "sma_cross", EngineSettings())
SPEAKING: dict[str, float] = {"side": 1, "has_model": 1, "silence": 0}  # what most gates of opinion ask about
SHARE = st.floats(0.0, 1.0)
NUMBER = st.one_of(st.floats(-2.0, 10.0), st.just(math.nan))

# For each gate, a state and limits in which it is asked, and the field that it observes with a value on its limit: (seen, limits, field, at).
ASKED: dict[str, tuple[dict[str, float], dict[str, float], str, float]] = {
    "complete": ({}, {}, "completeness", 0.8),
    "fresh": ({}, {}, "age_bars", 1.0),
    "book_live": ({}, {"has_book": 1}, "book_age_s", 2.0),
    "feed_quality": ({}, {"has_book": 1}, "feed_quality", 0.8),
    "warm": ({}, {}, "bars_seen", 50.0),
    "familiar": (SPEAKING, {}, "credibility", 0.05),
    "signal": (SPEAKING | {"p_against": 0.0}, {"min_signal_buy": 0.25, "min_signal_sell": 0.25}, "p_with", 0.25),
    "mood": ({}, {"neutral_mood_passes": 0, "min_mood": 0.5, "has_mood": 1}, "mood", 0.5),
    "consensus": ({"side": 1, "sources": 1, "vetoes": 1}, {"is_hard": 1}, "agreement", 1.0),
    "confidence": (SPEAKING | {"p_flat": 0.25, "barrier_bps": 130.0}, {"min_confidence_buy": 0.5, "min_confidence_sell": 0.5}, "p_with", 0.5),
    "alpha": ({"side": 1}, {}, "alpha", 0.02),
    "neutral_band": (SPEAKING | {"p_against": 0.0, "barrier_bps": 26.0}, {}, "p_with", 0.5),
    "conformal": (SPEAKING | {"conformal_level": 0.2}, {"asks_conformal": 1}, "p_value_against", 0.2),
    "net_edge": (SPEAKING, {}, "net_edge_bps", 3.25),
    "worth": (SPEAKING | {"barrier_bps": 130.0}, {"min_worth": 0.75}, "worth", 0.75),
    "alignment": ({"has_frames": 1}, {}, "alignment", 0.05),
    "posterior": ({"has_posterior": 1}, {}, "chance", 0.85),
    "regime": ({}, {"asks_regime": 1}, "regime_allowed", 1.0),
    "spread": ({}, {"has_book": 1}, "spread_bps", 5.0),
    "depth": ({"asks": 1}, {"has_book": 1}, "depth", 3.0),
    "volatility_floor": ({}, {}, "volatility", 0.01),
    "volatility_cap": ({}, {}, "volatility", 4.0),
    "funding": ({"has_funding": 1}, {}, "funding_bps", 3.0),
    "model": ({"has_model": 1}, {}, "silence", 0),
}
# How each gate comes to be N/A and UNKNOWN, beside the observed number being NaN; None where it cannot be.
NEVER_NA = {"complete", "fresh", "warm", "alpha", "volatility_floor", "volatility_cap"}
NEVER_UNKNOWN = {"model", "worth"}  # silence is a count; without a meta-label there is nothing to ask
NOT_ASKED: dict[str, tuple[dict[str, float], dict[str, float]]] = {
    "book_live": ({}, {"has_book": 0}),
    "feed_quality": ({}, {"has_book": 0}),
    "familiar": ({"has_model": 0}, {}),
    "signal": ({"side": 0}, {}),
    "mood": ({}, {"has_mood": 0}),
    "consensus": ({"sources": 0}, {}),
    "confidence": ({"silence": 6}, {}),
    "neutral_band": ({"has_model": 0}, {}),
    "conformal": ({}, {"asks_conformal": 0}),
    "net_edge": ({"has_model": 0}, {}),
    "worth": ({"worth": math.nan}, {}),
    "alignment": ({"has_frames": 0}, {}),
    "posterior": ({"has_posterior": 0}, {}),
    "regime": ({}, {"asks_regime": 0}),
    "spread": ({}, {"has_book": 0}),
    "depth": ({"asks": 0}, {"has_book": 1}),
    "funding": ({"has_funding": 0}, {}),
    "model": ({"has_model": 0}, {}),
}
OPINION = tuple(gate for gate in GATES if gate.name in ASKED)


def test_the_catalog_is_the_contract_s_in_its_order() -> None:
    opinions = "complete fresh book_live warm model familiar signal mood consensus confidence alpha neutral_band conformal net_edge worth"
    rest = "alignment posterior regime spread depth volatility_floor volatility_cap funding"
    assert GATE_NAMES[:23] == (*opinions.split(), *rest.split())
    assert set(ASKED) == set(GATE_NAMES[:24]) and GATE_NAMES[23] == "feed_quality"


@covers("2.110", "A36")
@pytest.mark.parametrize("gate", OPINION, ids=lambda gate: gate.name)
def test_every_verdict_of_every_gate_of_data_and_opinion_can_come(gate: GateSpec) -> None:
    seen, limits, field, at = ASKED[gate.name]
    by = 0.4 if gate.name == "mood" else 1.0  # the mood's sign does not count
    better, worse = (at + by, at - by) if gate.sense == "at least" else (at - by, at + by)
    assert answer(gate, seen | {field: better}, limits)[2] == PASS
    assert answer(gate, seen | {field: worse}, limits)[2] == BLOCK
    if gate.name not in NEVER_UNKNOWN:
        assert answer(gate, seen | {field: math.nan}, limits)[2] == UNKNOWN
    if gate.name not in NEVER_NA:
        off_seen, off_limits = NOT_ASKED[gate.name]
        assert answer(gate, seen | {field: at} | off_seen, limits | off_limits)[2] == NA


@covers("E01", "0.25")
@pytest.mark.parametrize("gate", OPINION, ids=lambda gate: gate.name)
def test_exactly_at_its_limit_a_gate_passes_and_a_hair_beyond_it_blocks(gate: GateSpec) -> None:
    seen, limits, field, at = ASKED[gate.name]
    observed, limit, verdict = answer(gate, seen | {field: at}, limits)
    assert (observed, verdict) == (limit, PASS)
    worse = np.nextafter(at, -9.0) if gate.sense == "at least" else np.nextafter(at, 9.0)
    if gate.name == "model":
        worse = 1
    assert answer(gate, seen | {field: float(worse) if gate.name != "model" else 1}, limits)[2] == BLOCK


@covers("A10")
@given(place=st.integers(0, len(OPINION) - 1), one=st.floats(-1, 10), other=st.floats(-1, 10))
def test_a_better_value_never_blocks_what_a_worse_one_passes(place: int, one: float, other: float) -> None:
    gate = OPINION[place]
    if gate.name in ("model", "regime", "mood"):  # counts and states; the mood's size is what counts
        return
    seen, limits, field, _ = ASKED[gate.name]
    better, worse = (max(one, other), min(one, other)) if gate.sense == "at least" else (min(one, other), max(one, other))
    assert not (answer(gate, seen | {field: worse}, limits)[2] == PASS and answer(gate, seen | {field: better}, limits)[2] == BLOCK)


@covers("E01", "0.25", "A10", "A36")
@given(data=st.data(), gate=st.sampled_from([gate for gate in GATES if not gate.states]))
def test_a_threshold_passes_from_its_limit_on_and_nothing_else_decides(data: st.DataObject, gate: GateSpec) -> None:
    """Of every gate there is, those of execution and risk too: at equality it passes, beyond it blocks, and without a number it is UNKNOWN.

    So a gate is monotone in its value wherever that does not move the limit; the numbers are those of the trace.
    """
    seen, limits = data.draw(states())
    observed, limit, verdict = answer(gate, seen, limits)
    if verdict in (PASS, BLOCK):
        assert not math.isnan(observed) and not math.isnan(limit)
        assert (verdict == PASS) == (observed >= limit if gate.sense == "at least" else observed <= limit), (observed, limit)
    elif verdict == UNKNOWN:
        assert math.isnan(observed) or math.isnan(limit)


@st.composite
def states(draw: st.DrawFn) -> tuple[dict[str, float], dict[str, float]]:
    """Anything that gates may look at, and any limits."""
    seen: dict[str, float] = {name: draw(NUMBER) if kind == "float" else draw(st.integers(0, 1)) for name, kind in Seen.__annotations__.items()}
    sides = st.sampled_from([-1, 0, 1])
    seen |= {"side": draw(sides), "held_side": draw(sides), "last_side": draw(sides)}
    limits: dict[str, float] = {}
    for name in ("min_alpha", "min_signal", "min_confidence"):
        limits |= {f"{name}_buy": draw(NUMBER), f"{name}_sell": draw(NUMBER)}
    limits |= {name: draw(NUMBER) for name in ("neutral_band", "min_worth", "min_mood", "max_spread_bps")}
    flags = ("alone", "neutral_mood_passes", "has_mood", "has_consensus", "is_hard", "asks_conformal", "asks_regime", "has_book", "has_funding")
    limits |= {name: draw(st.integers(0, 1)) for name in flags}
    return seen, limits | {"confidence": draw(st.integers(0, 3))}


def verdicts(ask: Any, count: int, seen: Any, limits: Any, lenient: np.ndarray) -> tuple[int, int, np.ndarray, np.ndarray, np.ndarray]:
    """Everything that asking leaves."""
    observed, limit, found = np.zeros((1, count)), np.zeros((1, count)), np.zeros((1, count), np.int8)
    binding, blocked = ask(seen, limits, lenient, observed, limit, found, 0)
    return binding, blocked, observed[0], limit[0], found[0]


def ask_every(seen: dict[str, float], limits: dict[str, float], lenient: tuple[str, ...] = ()) -> tuple[int, int, np.ndarray, np.ndarray, np.ndarray]:
    """Every gate's answer."""
    let = np.array([int(name in lenient) for name in GATE_NAMES])
    return verdicts(ask_all, len(GATES), seen_of(**seen), limits_of(**limits), let)


SWAPPED = [(f"{name}_buy", f"{name}_sell") for name in ("min_alpha", "min_signal", "min_confidence")]


@covers("K6", "B09", "A01")
@given(state=states())
def test_the_mirrored_state_under_the_mirrored_limits_gets_the_same_trace(state: tuple[dict[str, float], dict[str, float]]) -> None:
    seen, limits = state
    turned = seen | {name: -seen[name] for name in ("side", "held_side", "last_side", "mood")}
    swapped = dict(limits)
    for buy, sell in SWAPPED:
        swapped[buy], swapped[sell] = limits[sell], limits[buy]
    one, other = ask_every(seen, limits), ask_every(turned, swapped)
    assert one[:2] == other[:2]
    asked = one[4] != NA  # what a gate that is not asked shows as its limit is the stricter side's
    assert np.array_equal(one[4], other[4])
    assert np.array_equal(one[2][asked], other[2][asked], equal_nan=True) and np.array_equal(one[3][asked], other[3][asked], equal_nan=True)


@covers("A01")
@given(state=states(), place=st.integers(0, len(GATES) - 1))
def test_a_catalog_without_a_gate_that_passed_decides_the_same(state: tuple[dict[str, float], dict[str, float]], place: int) -> None:
    binding, blocked, *_, found = ask_every(*state)
    if found[place] not in (PASS, NA):
        return
    fewer = (*GATES[:place], *GATES[place + 1 :])
    without = verdicts(asking(fewer), len(fewer), seen_of(**state[0]), limits_of(**state[1]), np.zeros(len(fewer), np.int64))
    assert without[1] == blocked
    assert (GATE_NAMES[binding] if binding >= 0 else "") == (fewer[without[0]].name if without[0] >= 0 else "")


@covers("A06")
@given(state=states())
def test_unknown_blocks_unless_the_gate_is_lenient(state: tuple[dict[str, float], dict[str, float]]) -> None:
    found = ask_every(*state)[4]
    unknown = tuple(name for name, verdict in zip(GATE_NAMES, found, strict=True) if verdict == UNKNOWN)
    assert ask_every(*state)[1] == int(np.isin(found, (BLOCK, UNKNOWN)).sum())
    assert ask_every(*state, lenient=unknown)[1] == int((found == BLOCK).sum())


@covers("A24")
@given(state=states())
def test_what_an_arm_s_own_portfolio_trades_is_what_the_gates_of_its_prediction_would_let_pass(
    state: tuple[dict[str, float], dict[str, float]],
) -> None:
    found = ask_every(*state)[4]
    stopped = any(found[GATE_NAMES.index(name)] in (BLOCK, UNKNOWN) for name in PREDICTION_GATES)
    assert bool(would_pass(seen_of(**state[0]), limits_of(**state[1]), np.zeros(len(GATES), np.int64))) is not stopped


# -- what the numbers mean -----------------------------------------------------------------------------------------------


def gate(name: str) -> GateSpec:
    """A gate by its name."""
    return GATES[GATE_NAMES.index(name)]


@covers("A10", "0.21")
@given(written=SHARE, p_flat=st.floats(0.0, 0.9), lead=SHARE, barrier=st.floats(20, 500))
def test_no_confidence_limit_is_vacuous_the_stricter_of_written_and_derived_decides(
    written: float, p_flat: float, lead: float, barrier: float
) -> None:
    """Pain A10: .40 was compared with p_dir_cond, which is never below .5; break-even is, so it decides."""
    with_, against = (1 - p_flat) * (0.5 + 0.5 * lead), (1 - p_flat) * (0.5 - 0.5 * lead)
    seen = SPEAKING | {"p_with": with_, "p_flat": p_flat, "p_against": against, "barrier_bps": barrier}
    for quantity in range(4):
        limits = {"confidence": quantity, "min_confidence_buy": written, "min_confidence_sell": written}
        _, derived, _ = answer(gate("confidence"), seen, limits | {"min_confidence_buy": math.nan})
        _, limit, _ = answer(gate("confidence"), seen, limits)
        assert limit == max(written, derived)
    assert answer(gate("confidence"), seen, {"confidence": 2, "min_confidence_buy": 0.40})[1] > 0.5


@covers("A11")
def test_one_number_means_another_thing_for_each_quantity_and_the_trace_shows_which_was_compared() -> None:
    """p(.05, .60, .35): .35 by p_dir, .60 by p_max3, .875 by p_dir_cond, .30 by strength; and .60 of p_max3 is FLAT's, which has no side."""
    seen = SPEAKING | {"p_with": 0.35, "p_flat": 0.6, "p_against": 0.05, "barrier_bps": 1_300.0}
    observed = [answer(gate("confidence"), seen, {"confidence": quantity})[0] for quantity in range(4)]
    assert observed == pytest.approx([0.35, 0.6, 0.875, 0.3])
    verdicts_at = [answer(gate("confidence"), seen, {"confidence": quantity, "min_confidence_buy": 0.55})[2] for quantity in range(4)]
    assert verdicts_at == [BLOCK, BLOCK, PASS, BLOCK]
    alone = {"confidence": 1, "min_confidence_buy": 0.55, "alone": 1}
    assert answer(gate("confidence"), seen, alone)[2] == BLOCK  # a confident neutral passes under no setting


@covers("A08")
def test_an_alpha_of_one_is_no_edge_in_basis_points() -> None:
    """Pain A08: alpha x 10,000 was compared with costs in bps and always passed."""
    seen = SPEAKING | {"alpha": 1.0, "net_edge_bps": 1.0}
    observed, limit, verdict = answer(gate("net_edge"), seen, {})
    assert (observed, limit, verdict) == (1.0, 3.25, BLOCK)
    assert (gate("net_edge").unit, gate("alpha").unit) == ("bps", "share")


@covers("A23")
def test_a_version_without_a_meta_label_is_not_asked_for_its_worth_and_one_with_it_must_pay() -> None:
    seen = SPEAKING | {"barrier_bps": 130.0}
    assert answer(gate("worth"), seen | {"worth": math.nan}, {})[2] == NA
    for worth, verdict in ((0.527, BLOCK), (0.528, PASS)):  # least_worth(13, 130) = .5275
        assert answer(gate("worth"), seen | {"worth": worth}, {"min_worth": math.nan})[2] == verdict


def test_half_of_the_band_is_enough_to_stay() -> None:
    seen = SPEAKING | {"p_with": 0.4, "p_against": 0.25, "barrier_bps": 65.0}  # a lead of .15 against a break-even of .20
    assert answer(gate("neutral_band"), seen, {})[1:] == (pytest.approx(0.2), BLOCK)
    assert answer(gate("neutral_band"), seen | {"held_side": 1}, {})[1:] == (pytest.approx(0.1), PASS)
    assert answer(gate("neutral_band"), seen | {"held_side": -1}, {})[2] == BLOCK


def test_each_side_has_its_own_limits() -> None:
    limits = {"min_alpha_buy": 0.1, "min_alpha_sell": 0.5}
    assert [answer(gate("alpha"), {"side": side, "alpha": 0.3}, limits)[2] for side in (1, -1, 0)] == [PASS, BLOCK, BLOCK]


@covers("A36")
def test_every_gate_names_what_it_sees_in_which_unit_against_which_setting_and_what_it_can_be() -> None:
    for one in GATES[:23]:
        least, most = one.domain
        assert one.meaning and least <= most
        assert one.name == "operator" or one.unit
        if one.setting:
            table, _, key = one.setting.partition(".")
            settings = getattr(EngineSettings(), table)
            assert hasattr(settings, key)
            assert hasattr(settings, f"{key}_buy") == one.by_side, one.name


def test_a_gate_that_nobody_knows_cannot_be_made_lenient() -> None:
    settings = EngineSettings(decision=DecisionSettings(unknown_passes=("consensus", "mood", "worth")))
    begin(plan_of(generated(1, 5), "5m", "sma_cross", settings))
    with pytest.raises(ConfigRefused, match="unknown gate"):
        begin(plan_of(generated(1, 5), "5m", "sma_cross", EngineSettings(decision=DecisionSettings(unknown_passes=("moods",)))))
