"""Each arm's word: a rule is sure and knows no edge, a model stays to its barriers, frames together may scale and stop but never lead."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.decision.derived import REACH, idle_share
from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.domain.prediction import FAILED
from metastackerbandit.domain.rows import KEEP
from metastackerbandit.domain.timeframe import MINUTE_NS, frame_ns
from metastackerbandit.engine.plan import begin, plan_of
from metastackerbandit.engine.seen import Seen
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.engine.voices import is_predicted_still, kelly_of, present, say_aligned, say_model, say_rule, speak, worth_of
from metastackerbandit.engine.world import Spoken, World
from metastackerbandit.stacking.frame_words import BY_RULES
from tests.markets import START_NS, generated

BAR_NS = 5 * MINUTE_NS
NOW_NS = START_NS + 12 * BAR_NS
ROUND_TRIP = 13.0  # bps, of the default costs; a quarter of it is the least net edge, three of it above that are a whole position
RULE, MODEL, ALIGNED = 0, 1, 2  # places of the arms
FRAMES = ("5m", "15m", "1h")
UP = {"p_down": 0.2, "p_flat": 0.3, "p_up": 0.5, "long_bps": 40.0, "short_bps": -41.0}
DOWN = {"p_down": 0.5, "p_flat": 0.3, "p_up": 0.2, "long_bps": -41.0, "short_bps": 40.0}


def stage(**decision: Any) -> World:
    """A perpetual's book that hears a rule, a model and three frames together; no frame has predicted anything yet."""
    recording = generated(1, 10, symbols=1, funded=True)
    chosen = EngineSettings(decision=DecisionSettings(**decision))
    return begin(plan_of(recording, "5m", "posterior", chosen, frames=FRAMES[1:], arms=("momentum", "model", "aligned")))


def tell(world: World, k: int = 0, /, **changes: Any) -> Any:
    """The prediction of frame k, a lead of .3 upwards unless said otherwise, about a bar that closed just now."""
    told = world.predictions[0, k]
    length = frame_ns(FRAMES[k])
    usual = {"frame_ns": length, "closed_ns": NOW_NS, "at_ns": NOW_NS, "silence": 0, "error_bps": 5.0, "barrier_bps": 80.0, "horizon": 6}
    usual |= {"credibility": 0.4, "size_scale": 0.5, "p_value_down": 0.11, "p_value_flat": 0.12, "p_value_up": 0.13, "worth": math.nan}
    for name, value in (usual | UP | changes).items():
        told[name] = value
    return told


def model_word(world: World, held: int, /, **changes: Any) -> Any:
    """What the model says to a portfolio that holds this side."""
    told = tell(world, **changes)
    word = world.spoken[MODEL]
    signal = say_model(word, told, world.seats[0], world.limits[0], held)
    assert word.signal == signal
    return word


# -- rules ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("signal", "scale"), [(1, 1.0), (-1, 1.0), (0, 0.0), (KEEP, 0.0)])
def test_a_rule_is_as_sure_as_it_ever_is_and_knows_nothing_of_its_edge(signal: int, scale: float) -> None:
    word = rows(Spoken, 1)[0]
    for name in Spoken.__struct_fields__:
        word[name] = 9
    assert say_rule(word, signal) == signal
    assert (word.signal, word.is_predicted, word.silence, word.has_frames) == (signal, 0, 0, 0)
    assert (word.scale, word.alpha, word.stop_scale) == (scale, scale, 1.0)
    assert all(math.isnan(word[name]) for name in ("credibility", "edge_bps", "error_bps", "alignment"))


# -- the model --------------------------------------------------------------------------------------------------------------------

EDGES = st.floats(-90, 90)


@settings(max_examples=50)
@given(
    lead=st.floats(-0.65, 0.65),
    long=EDGES,
    short=EDGES,
    held=st.integers(-1, 1),
    funding=st.floats(-5, 5),
    worth=st.none() | st.floats(0.3, 1),
    mode=st.sampled_from(["edge", "confidence", "strength"]),
)
def test_a_models_word_is_its_edge_less_funding_as_a_share_of_three_round_trips_and_its_mirror_is_the_other_sides(
    lead: float, long: float, short: float, held: int, funding: float, worth: float | None, mode: Any
) -> None:
    """Written out plainly beside the kernels."""
    world = stage(alpha=mode)
    world.seats[0].funding_bps = funding
    up, down = 0.35 + lead / 2, 0.35 - lead / 2
    meta = math.nan if worth is None else worth
    word = model_word(world, held, p_up=up, p_down=down, long_bps=long, short_bps=short, worth=meta).copy()
    side = 1 if up > down and long > short else -1 if up < down and long < short else 0
    signal = side
    if held != 0:
        signal = side if side == -held and abs(up - down) >= 0.5 * ROUND_TRIP / 80.0 else KEEP
    assert (word.signal, word.is_predicted, word.silence, word.has_frames, word.stop_scale) == (signal, 1, 0, 0, 1.0)
    assert (word.credibility, word.error_bps) == (0.4, 5.0) and math.isnan(word.alignment)
    if abs(signal) != 1:
        assert math.isnan(word.edge_bps) and (word.scale, word.alpha) == (0.0, 0.0)
    else:
        edge = (long if signal > 0 else short) - signal * funding * 30 / (8 * 60)  # half an hour of the eight between settlements
        net = edge - ROUND_TRIP
        scale = {"edge": min(max((net - ROUND_TRIP / 4) / (3 * ROUND_TRIP), 0.0), 1.0), "confidence": max(up, down), "strength": abs(up - down)}[mode]
        kept = 1.0
        if worth is not None:
            expected = (2.0 * min(worth / (1.0 - idle_share(ROUND_TRIP, 80.0)), 1.0) - 1.0) * REACH * 80.0 - ROUND_TRIP
            kept = 0.0 if expected <= 0.0 else min(expected / net, 1.0) if net > 0.0 else 1.0
        assert word.edge_bps == pytest.approx(edge) and word.scale == pytest.approx(scale)
        assert word.alpha == pytest.approx(max(scale, 0.1) * 0.5 * kept)
    world.seats[0].funding_bps = -funding
    mirror = model_word(world, -held, p_up=down, p_down=up, long_bps=short, short_bps=long, worth=meta)
    assert mirror.signal == (KEEP if signal == KEEP else -signal)
    assert mirror.scale == pytest.approx(word.scale) and mirror.alpha == pytest.approx(word.alpha)


def test_a_word_of_the_model_by_hand() -> None:
    """40 bps less 1/8 bp of funding and 13 bps of costs are 26.875; less the least 3.25 of 39 is 60.6 %, of which the model is worth half."""
    world = stage()
    world.seats[0].funding_bps = 2.0
    word = model_word(world, 0)
    assert (word.signal, word.edge_bps) == (1, 39.875)
    assert word.scale == pytest.approx(23.625 / 39.0) and word.alpha == pytest.approx(0.5 * 23.625 / 39.0)
    world.limits[0].has_funding = 0
    assert model_word(world, 0).edge_bps == 40.0
    assert model_word(world, 0, long_bps=17.0).alpha == pytest.approx(0.1 * 0.5)  # .75 bp above nothing: the floor


def test_a_scale_may_be_the_sides_chance_or_its_lead_instead() -> None:
    sure, leading = stage(alpha="confidence"), stage(alpha="strength")
    assert [model_word(sure, 0, **one).scale for one in (UP, DOWN | {"p_down": 0.6})] == [0.5, 0.6]
    assert [model_word(leading, 0, **one).scale for one in (UP, DOWN | {"p_down": 0.6})] == pytest.approx([0.3, 0.4])


def test_a_meta_label_leaves_of_the_size_what_it_expects_of_the_edge() -> None:
    world = stage()
    plain = model_word(world, 0).alpha
    expected = (2.0 * 0.7 / (1.0 - idle_share(ROUND_TRIP, 80.0)) - 1.0) * REACH * 80.0 - ROUND_TRIP
    assert 0.0 < expected < 27.0
    assert model_word(world, 0, worth=0.7).alpha == pytest.approx(plain * expected / 27.0)
    assert model_word(world, 0, worth=0.5).alpha == 0.0


def test_a_position_is_left_only_where_the_other_side_shows_half_of_the_neutral_band() -> None:
    world = stage(neutral_band=0.5, thresholds="profile")
    assert model_word(world, 1, **(DOWN | {"p_down": 0.5, "p_up": 0.25})).signal == -1  # at the edge: half of one half
    assert model_word(world, 1, **(DOWN | {"p_down": 0.5, "p_up": 0.26})).signal == KEEP
    assert model_word(world, -1, **DOWN).signal == KEEP
    assert model_word(world, 0, **(DOWN | {"p_down": 0.36, "p_up": 0.34})).signal == -1


def test_a_silent_model_says_keep_and_why() -> None:
    word = model_word(stage(), 0, silence=FAILED, credibility=math.nan)
    assert (word.signal, word.silence, word.is_predicted, word.scale, word.alpha) == (KEEP, FAILED, 1, 0.0, 0.0)
    assert math.isnan(word.credibility) and math.isnan(word.edge_bps)


def test_a_meta_label_speaks_of_the_predicted_side_alone() -> None:
    told = tell(stage(), worth=0.6)
    assert worth_of(told, 1) == 0.6 and math.isnan(worth_of(told, -1)) and math.isnan(worth_of(told, 0))
    told.p_up = told.p_down
    assert math.isnan(worth_of(told, 1)) and math.isnan(worth_of(told, -1))
    told.p_down = 0.9
    assert worth_of(told, -1) == 0.6


@settings(max_examples=50)
@given(
    lead=st.sampled_from([-0.3, -0.25, -0.2, 0.0, 0.2, 0.25, 0.3]),
    agrees=st.booleans(),
    held=st.integers(-1, 1),
    silence=st.sampled_from([0, FAILED]),
)
def test_a_side_is_predicted_still_at_half_of_the_neutral_band(lead: float, agrees: bool, held: int, silence: int) -> None:
    world = stage(neutral_band=0.5, thresholds="profile")
    edge = math.copysign(30.0, lead) * (1 if agrees else -1)
    told = tell(world, p_down=0.5 if lead < 0 else 0.5 - lead, p_up=0.5 if lead > 0 else 0.5 + lead, long_bps=edge, short_bps=-edge, silence=silence)
    still = bool(is_predicted_still(told, world.limits[0], held))
    assert still == (silence == 0 and held != 0 and agrees and abs(lead) >= 0.25 and lead * held > 0)


# -- frames together --------------------------------------------------------------------------------------------------------------


def aligned_word(world: World, held: int = 0) -> Any:
    """What the frames say together."""
    signal = say_aligned(world, 0, ALIGNED, NOW_NS, held)
    assert world.spoken[ALIGNED].signal == signal
    return world.spoken[ALIGNED]


def test_one_frame_alone_leaves_the_shares_of_frames_that_have_said_nothing() -> None:
    """The table: an unavailable higher frame leaves .6; the long's return is half of what long and short are apart."""
    world = stage()
    tell(world)
    word = aligned_word(world)
    assert (word.signal, word.is_predicted, word.has_frames, word.alignment, word.stop_scale) == (1, 1, 1, 0.6, 1.0)
    assert (word.edge_bps, word.error_bps) == (40.5, 5.0)
    assert word.scale == pytest.approx((40.5 - ROUND_TRIP * 1.25) / 39.0) and word.alpha == pytest.approx(0.5 * 0.6 * word.scale)
    assert world.words["is_available"][0].tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("hour", "signal", "alignment", "stop"),
    [
        (UP, 1, 1.0, 1.0),
        ({"p_up": 0.35, "p_down": 0.35}, 1, 0.6, 1.0),
        (DOWN | {"long_bps": -20.0, "short_bps": 19.0}, 1, 0.4, 0.75),  # it opposes, and without proven skill it may not veto
        ({"silence": FAILED}, 1, 0.6, 1.0),
        ({"at_ns": NOW_NS + 1}, 1, 0.6, 1.0),
        ({"closed_ns": NOW_NS - 90 * MINUTE_NS}, 1, 1.0, 1.0),  # one and a half bars of its own: fresh
        ({"closed_ns": NOW_NS - 90 * MINUTE_NS - 1}, 1, 0.6, 1.0),
    ],
)
def test_a_slower_frame_scales_the_trade_and_gives_it_no_side(hour: dict[str, float], signal: int, alignment: float, stop: float) -> None:
    world = stage()
    tell(world)
    tell(world, 1)
    tell(world, 2, **(UP | hour))
    word = aligned_word(world)
    assert (word.signal, word.alignment, word.stop_scale) == (signal, alignment, stop)
    assert word.alpha == pytest.approx(0.5 * alignment * max(word.scale, 0.1))


def test_slower_frames_that_expect_more_the_other_way_stop_the_trade() -> None:
    world = stage()
    tell(world)
    tell(world, 1, **(DOWN | {"long_bps": -400.0, "short_bps": 400.0, "error_bps": 1.0}))
    word = aligned_word(world)
    assert word.signal == 0 and (word.scale, word.alpha) == (0.0, 0.0) and math.isnan(word.edge_bps)


@settings(max_examples=25)
@given(sides=st.lists(st.sampled_from([-1, 1]), min_size=3, max_size=3), held=st.integers(-1, 1), funding=st.floats(-5, 5))
def test_the_frames_word_on_the_mirrored_market_is_the_mirrored_word(sides: list[int], held: int, funding: float) -> None:
    world, turned = stage(), stage()
    for k, side in enumerate(sides):
        tell(world, k, error_bps=5.0 + 3 * k, **(UP if side > 0 else DOWN))
        tell(turned, k, error_bps=5.0 + 3 * k, **(DOWN if side > 0 else UP))
    world.seats[0].funding_bps, turned.seats[0].funding_bps = funding, -funding
    word, mirror = aligned_word(world, held), aligned_word(turned, -held)
    assert mirror.signal == (KEEP if word.signal == KEEP else -word.signal)
    for name in ("alignment", "stop_scale", "scale", "alpha", "edge_bps", "error_bps"):
        assert mirror[name] == pytest.approx(word[name], nan_ok=True)
    if word.signal in (-1, 1):
        assert word.edge_bps == pytest.approx(word.signal * world.scratch[0].aligned.mu_bps - word.signal * funding / 16)
        assert word.signal == sides[0] and held in (0, -sides[0])
    elif held == 0:
        assert word.signal == 0
    else:
        assert word.signal == KEEP


def test_frames_may_vote_by_rules_instead_where_two_that_agree_lead_and_the_slow_one_halves() -> None:
    world = stage()
    world.alignment[0].mode = BY_RULES
    for k, said in enumerate((UP, UP, DOWN)):
        tell(world, k, **said)
    word = aligned_word(world)
    assert (word.signal, word.alignment, word.stop_scale) == (1, 0.5, 1.0)
    tell(world, 2, **UP)
    assert aligned_word(world).alignment == 1.0


def test_what_is_held_is_left_for_the_other_side_alone_and_only_where_it_shows_half_of_the_band() -> None:
    world = stage(neutral_band=0.5, thresholds="profile")
    tell(world, **(DOWN | {"p_down": 0.5, "p_up": 0.25}))
    assert [aligned_word(world, held).signal for held in (1, 0, -1)] == [-1, -1, KEEP]
    tell(world, **(DOWN | {"p_down": 0.5, "p_up": 0.26}))
    assert [aligned_word(world, held).signal for held in (1, 0, -1)] == [KEEP, -1, KEEP]
    tell(world, **(UP | {"p_up": 0.5, "p_down": 0.25}))
    assert [aligned_word(world, held).signal for held in (1, 0, -1)] == [KEEP, 1, 1]


def test_where_the_own_frame_is_silent_the_others_say_nothing() -> None:
    world = stage()
    tell(world, silence=FAILED)
    tell(world, 1)
    for held in (-1, 0, 1):
        word = aligned_word(world, held)
        assert (word.signal, word.silence) == (KEEP, FAILED)


def test_frames_are_told_how_sure_they_are_what_counts_as_more_than_a_lean_and_that_none_has_proven_skill() -> None:
    world = stage()
    for k in range(2):
        tell(world, k)
    aligned_word(world)
    words = world.words[0]
    assert words["side"][:2].tolist() == [1, 1] and words["alpha"][:2] == pytest.approx(0.3)
    assert words["side"][2] == 0 and math.isnan(words["alpha"][2])
    assert words["band_bps"].tolist() == [ROUND_TRIP] * 3 and words["skill"].tolist() == [0.5] * 3
    assert words["horizon_ns"][:2].tolist() == [6 * BAR_NS, 18 * BAR_NS]
    tell(world, 1, silence=FAILED)
    aligned_word(world)
    assert world.words[0, 1].side == 0 and math.isnan(world.words[0, 1].alpha) and world.words[0, 1].is_available == 0


def test_the_combined_forecast_is_over_the_decisions_horizon() -> None:
    """Half an hour of the decision's own: all of the 5m's forecast, a third of the 15m's hour and a half."""
    world = stage()
    tell(world, long_bps=30.0, short_bps=-30.0)
    tell(world, 1, long_bps=90.0, short_bps=-90.0)
    assert aligned_word(world).edge_bps == pytest.approx(30.0)
    tell(world, horizon=3)
    tell(world, long_bps=30.0, short_bps=-30.0, horizon=3)
    assert aligned_word(world).edge_bps == pytest.approx(0.5 * (30.0 + 90.0 / 6.0))


@kernel
def spoken(world: Any, s: int, a: int, now_ns: int, held: int) -> int:
    """`speak`, compiled once: what is put into its callers is not kept by itself."""
    return speak(world, s, a, now_ns, held)


# -- one of them ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", [-1, 0, 1])
def test_who_is_asked_speaks_for_itself(held: int) -> None:
    world, apart = stage(), stage()
    for one in (world, apart):
        for k in range(3):
            tell(one, k, **(DOWN if k == 0 else UP))  # who speaks for the own frame alone hears it alone
        one.signals[0, :] = 1, 0, 0
    signals = [spoken(world, 0, a, NOW_NS, held) for a in (RULE, MODEL, ALIGNED)]
    own = [
        say_rule(apart.spoken[RULE], 1),
        say_model(apart.spoken[MODEL], apart.predictions[0, 0], apart.seats[0], apart.limits[0], held),
        say_aligned(apart, 0, ALIGNED, NOW_NS, held),
    ]
    assert signals == own and world.spoken.tobytes() == apart.spoken.tobytes()
    assert signals[:2] == [1, KEEP if held < 0 else -1]


# -- before the gates -------------------------------------------------------------------------------------------------------------


def shown(side: int, level: float = 0.25, *, is_predicted: int = 1, held: int = -1) -> tuple[Any, Any, Any]:
    """A word before the gates that saw other things before -> (seen, word, prediction)."""
    world = stage()
    told, word, seen = tell(world, worth=0.6), world.spoken[0], rows(Seen, 1)[0]
    for place, name in enumerate(Spoken.__struct_fields__):
        word[name] = 100 + place
    word.is_predicted = is_predicted
    for name in Seen.__struct_fields__:
        seen[name] = 77
    present(word, told, world.limits[0], level, side, held, seen)
    return seen, word, told


def test_the_gates_see_the_word_and_the_prediction_from_the_side_that_is_wanted() -> None:
    for side, kept in ((1, 1), (-1, -1), (0, 0), (KEEP, 0)):
        seen, word, told = shown(side)
        assert (seen.side, seen.held_side, seen.has_model) == (kept, -1, 1)
        assert (seen.silence, seen.credibility, seen.edge_bps, seen.has_frames) == (word.silence, word.credibility, word.edge_bps, word.has_frames)
        assert (seen.net_edge_bps, seen.alignment, seen.stop_scale, seen.alpha) == (
            word.edge_bps - ROUND_TRIP,
            word.alignment,
            word.stop_scale,
            word.scale,
        )
        with_, against = (told.p_up, told.p_down) if side > 0 else (told.p_down, told.p_up)
        assert (seen.p_with, seen.p_flat, seen.p_against, seen.barrier_bps) == (with_, 0.3, against, 80.0)
        assert seen.p_value_against == (0.11 if side > 0 else 0.13) and seen.conformal_level == 0.25
        assert math.isnan(seen.worth) if side < 1 else seen.worth == 0.6


def test_a_level_beyond_its_ends_is_at_them() -> None:
    assert [float(shown(1, level)[0].conformal_level) for level in (-0.2, 0.0, 1.0, 1.3)] == [0.0, 0.0, 1.0, 1.0]


def test_of_a_rule_the_gates_see_no_prediction() -> None:
    seen, word, _ = shown(1, is_predicted=0)
    assert (seen.has_model, seen.side, seen.alpha, seen.edge_bps) == (0, 1, word.scale, word.edge_bps)
    names = ("p_with", "p_flat", "p_against", "p_value_against", "barrier_bps", "conformal_level", "worth")
    assert [seen[name] for name in names] == [77] * len(names)


def test_an_edge_bounds_the_size_and_a_rule_without_one_has_no_bound() -> None:
    """27 bps net at 5 bps of error and 80 of deviation: a quarter of what is left of .3375 after shrinking, over .8 %."""
    world = stage()
    word = model_word(world, 0)
    shrunk = (27.0 / 80.0) * 0.05**2 / (0.05**2 + (5.0 / 80.0) ** 2)
    assert kelly_of(word, world.predictions[0, 0], world.limits[0]) == pytest.approx(0.25 * shrunk / 0.008)
    say_rule(word, 1)
    assert kelly_of(word, world.predictions[0, 0], world.limits[0]) == math.inf
    assert np.isnan(kelly_of(model_word(world, 1), world.predictions[0, 0], world.limits[0]))  # it wants nothing new, and has no edge
