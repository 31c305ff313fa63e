"""Sources beside the opinion: which side they name, how much of the size their disagreement takes, and what they are remembered for."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import row, rows
from metastackerbandit.domain.prediction import FAILED, Prediction
from metastackerbandit.engine.agreement import agree, band_of, follow_model, follow_mood, model_side, mood_now, side_beyond
from metastackerbandit.engine.seen import Seen
from metastackerbandit.engine.world import Seat
from metastackerbandit.stacking.consensus import OUTPUTS, Output, Standing
from tests.gated import limits_of

FEW = settings(max_examples=50)
EARNED = Standing(OUTPUTS, OUTPUTS, 100, 100, 150.0, 50.0, 150.0, 50.0)  # fair, and right on either side three times out of four
UNEARNED = Standing(OUTPUTS, OUTPUTS, 100, 100, 50.0, 150.0, 50.0, 150.0)
MOODS = st.sampled_from([math.nan, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0])


def predicted(lead: float = 0.0, edge_bps: float = 10.0, *, silence: int = 0, barrier_bps: float = 100.0) -> Any:
    """A prediction with `lead` = p_up - p_down, and an edge of the side that is likelier."""
    one = rows(Prediction, 1)[0]
    one.p_up, one.p_down, one.silence, one.barrier_bps = 0.375 + 0.5 * lead, 0.375 - 0.5 * lead, silence, barrier_bps
    one.long_bps = edge_bps if lead > 0.0 else -edge_bps
    one.short_bps = -one.long_bps
    return one


def seated(mood: float = math.nan, age_ns: int = 0, mood_shown: Standing = UNEARNED, model_shown: Standing = UNEARNED) -> Any:
    """A book whose mood was seen `age_ns` before 1,000, and what its sources have shown."""
    seat = rows(Seat, 1)[0]
    seat.mood, seat.mood_ns = mood, 1_000 - age_ns
    seat.mood_standing, seat.model_standing = row(mood_shown)[0], row(model_shown)[0]
    return seat


def under(**changes: float) -> Any:
    """Limits of a book with both sources: bands of 1 for the mood and of 0.25 for the model, costs of 10 bps."""
    return limits_of(
        **{
            "has_mood": 1,
            "follows_model": 1,
            "min_mood": 1.0,
            "max_mood_age_ns": 100,
            "neutral_band": 0.25,
            "cost_bps": 10.0,
            "alone": 0,
            "consensus_penalty": 0.5,
            "veto_unearned": 0,
            "veto__least_side": 50,
            **changes,
        }
    )


# -- sides ---------------------------------------------------------------------------------------------------------------------


@FEW
@given(lead=st.floats(-2, 2), band=st.floats(0, 2))
def test_a_side_is_named_at_its_band_and_beyond_and_the_other_way_on_the_other_side(lead: float, band: float) -> None:
    side = side_beyond(lead, band)
    assert side == -side_beyond(-lead, band)
    assert side == (0 if lead == 0.0 or abs(lead) < band else math.copysign(1, lead))


@pytest.mark.parametrize(
    ("lead", "band", "side"),
    [(0.2, 0.2, 1), (-0.2, 0.2, -1), (0.19, 0.2, 0), (0.0, 0.0, 0), (1e-9, 0.0, 1), (math.nan, 0.0, 0), (5.0, math.nan, 0), (-math.inf, 9.0, -1)],
)
def test_nothing_and_the_unknown_have_no_side(lead: float, band: float, side: int) -> None:
    assert side_beyond(lead, band) == side


def test_the_band_is_the_stricter_of_what_is_written_and_of_break_even() -> None:
    limits = under(neutral_band=0.05)
    assert band_of(predicted(barrier_bps=100.0), limits) == pytest.approx(0.1)  # 10 bps of cost on barriers of 100
    assert band_of(predicted(barrier_bps=1_000.0), limits) == 0.05
    assert band_of(predicted(barrier_bps=100.0), under(neutral_band=0.05, alone=1)) == 0.05
    assert band_of(predicted(barrier_bps=100.0), under(neutral_band=math.nan)) == pytest.approx(0.1)
    assert math.isnan(band_of(predicted(barrier_bps=0.0), limits))


@pytest.mark.parametrize("side", [1, -1])
def test_a_model_names_a_side_at_its_band_while_awake_and_of_one_mind(side: int) -> None:
    limits = under()
    assert model_side(predicted(side * 0.5), limits) == side
    assert model_side(predicted(side * 0.25), limits) == side  # 0.25 either way is exact
    assert model_side(predicted(side * 0.2499), limits) == 0
    assert model_side(predicted(side * 0.5, silence=FAILED), limits) == 0
    assert model_side(predicted(side * 0.5, edge_bps=-10.0), limits) == 0  # expected returns name the other side
    assert model_side(predicted(side * 0.5, barrier_bps=0.0), limits) == 0


@FEW
@given(mood=st.floats(allow_nan=False), age_ns=st.integers(0, 300), most_ns=st.integers(0, 300))
def test_a_mood_stands_for_its_time_and_not_a_nanosecond_longer(mood: float, age_ns: int, most_ns: int) -> None:
    stands = mood_now(seated(mood, age_ns), under(max_mood_age_ns=most_ns), 1_000)
    assert stands == mood if age_ns <= most_ns else math.isnan(stands)


# -- agreement -----------------------------------------------------------------------------------------------------------------


def asked(seat: Any, limits: Any, prediction: Any, side: int, is_predicted: int = 0) -> tuple[float, Any]:
    """What is left of the size, and what gates see."""
    seen = rows(Seen, 1)[0]
    seen.side, seen.sources, seen.vetoes, seen.mood = side, 9, 9, 9.0  # of the decision before
    return agree(seat, limits, prediction, is_predicted, 1_000, seen), seen


@settings(max_examples=150)
@given(
    side=st.sampled_from([-1, 0, 1]),
    mood=MOODS,
    age_ns=st.sampled_from([0, 100, 101]),
    lead=st.sampled_from([-0.5, -0.1, 0.0, 0.1, 0.5]),
    silence=st.sampled_from([0, FAILED]),
    wiring=st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 1), st.integers(0, 1)),
    earned=st.tuples(st.booleans(), st.booleans()),
    penalty=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_who_is_awake_counts_who_names_the_other_side_is_against_and_who_has_earned_it_vetoes(
    side, mood, age_ns, lead, silence, wiring, earned, penalty
):
    """The same from a list of sources: (whether awake, the side it names, whether it may veto)."""
    has_mood, follows_model, is_predicted, unearned = wiring
    sources = []
    if has_mood:
        is_awake = not math.isnan(mood) and age_ns <= 100
        named = 0 if not is_awake or abs(mood) < 1.0 else math.copysign(1, mood)
        sources.append((is_awake, named, earned[0] or unearned))
    if follows_model and not is_predicted:
        sources.append((silence == 0, 0 if silence or abs(lead) < 0.25 else math.copysign(1, lead), earned[1] or unearned))
    awake = 1 + sum(is_awake for is_awake, *_ in sources)
    against = [may_veto for _, named, may_veto in sources if side != 0 and named == -side]

    seat = seated(mood, age_ns, EARNED if earned[0] else UNEARNED, EARNED if earned[1] else UNEARNED)
    limits = under(has_mood=has_mood, follows_model=follows_model, consensus_penalty=penalty, veto_unearned=unearned)
    left, seen = asked(seat, limits, predicted(lead, silence=silence), side, is_predicted)
    assert left == pytest.approx(1.0 - penalty * len(against) / awake)
    assert seen.agreement == pytest.approx((awake - len(against)) / awake)
    assert (seen.sources, seen.vetoes) == (len(sources), sum(map(bool, against)))
    known = has_mood and age_ns <= 100 and not math.isnan(mood)
    assert seen.mood == mood if known else math.isnan(seen.mood)


@FEW
@given(side=st.sampled_from([-1, 1]), mood=MOODS, lead=st.sampled_from([-0.5, -0.1, 0.0, 0.5]), shown=st.sampled_from([EARNED, UNEARNED]))
def test_the_mirrored_sources_agree_as_much_with_the_mirrored_side(side: int, mood: float, lead: float, shown: Standing) -> None:
    one, other = (asked(seated(turn * mood, 0, shown, shown), under(), predicted(turn * lead), turn * side) for turn in (1, -1))
    assert one[0] == other[0]
    assert (one[1].agreement, one[1].vetoes, one[1].sources) == (other[1].agreement, other[1].vetoes, other[1].sources)


def test_by_hand() -> None:
    """A buy at half a size of penalty: alone, with a mood that agrees, against it, against both."""
    buy = [
        (math.nan, 0.0, FAILED, 1.0, 1.0),
        (1.0, 0.0, FAILED, 1.0, 1.0),
        (-1.0, 0.0, FAILED, 0.75, 0.5),  # one of two
        (-1.0, 0.5, 0, 1.0 - 0.5 / 3.0, 2.0 / 3.0),  # one of three
        (-1.0, -0.5, 0, 1.0 - 1.0 / 3.0, 1.0 / 3.0),  # two of three
    ]
    for mood, lead, silence, left, agreement in buy:
        found, seen = asked(seated(mood), under(), predicted(lead, silence=silence), 1)
        assert (found, seen.agreement) == (pytest.approx(left), pytest.approx(agreement))


@pytest.mark.parametrize(
    ("mood_shown", "model_shown", "unearned", "vetoes"),
    [
        (UNEARNED, UNEARNED, 0, (0, 0, 0)),
        (EARNED, UNEARNED, 0, (1, 0, 1)),
        (UNEARNED, EARNED, 0, (0, 1, 1)),
        (EARNED, EARNED, 0, (1, 1, 2)),
        (UNEARNED, UNEARNED, 1, (1, 1, 2)),
        (EARNED, EARNED, 1, (1, 1, 2)),
    ],
)
def test_only_who_is_against_vetoes_and_only_by_a_right_that_was_earned_or_given(
    mood_shown: Standing, model_shown: Standing, unearned: int, vetoes: tuple[int, ...]
) -> None:
    """A sell, with the mood against it, the model, or both."""
    against = ((1.0, -0.5), (-1.0, 0.5), (1.0, 0.5))
    seats = [(seated(mood, 0, mood_shown, model_shown), lead) for mood, lead in against]
    assert tuple(asked(seat, under(veto_unearned=unearned), predicted(lead), -1)[1].vetoes for seat, lead in seats) == vetoes


# -- what is remembered --------------------------------------------------------------------------------------------------------

HORIZON = 3
CLOSES = st.lists(st.integers(900, 1_100), min_size=1, max_size=25)


def remembered(named: list[int], closes: list[int], least: float = 0.01) -> dict[str, float]:
    """By lists: each bar first judges what was said a horizon ago, then takes what is said now; overlapping outputs share their weight."""
    shown: dict[str, float] = dict.fromkeys(Standing.__struct_fields__, 0)
    said: list[tuple[int, int, float]] = []  # bar, side, weight
    for bar, side in enumerate(named):
        if side:
            said.append((bar, side, min(1.0, (bar - said[-1][0]) / HORIZON) if said else 1.0))
    shown["outputs"], shown["ups"] = len(said), sum(side > 0 for _, side, _ in said)
    shown["downs"] = len(said) - shown["ups"]
    for bar, side, weight in said:
        if bar + HORIZON < len(named):
            shown["matured"] += 1
            gain = side * (closes[bar + HORIZON] / closes[bar] - 1.0)
            if abs(gain) > least:
                shown[("right" if gain > 0 else "wrong") + ("_up" if side > 0 else "_down")] += weight
    return shown


def learning() -> Any:
    """Limits that judge after three bars, keep all evidence, and see a side in a move of more than 1 %."""
    return under(veto__horizon=HORIZON, veto__least_return=0.01, veto__log_keep=0.0)


@settings(max_examples=40)
@given(closes=CLOSES, data=st.data())
def test_a_mood_is_judged_by_the_closes_that_follow_it_before_it_says_more(closes: list[int], data: st.DataObject) -> None:
    moods = data.draw(st.lists(MOODS, min_size=len(closes), max_size=len(closes)))
    late = data.draw(st.lists(st.booleans(), min_size=len(closes), max_size=len(closes)))
    seat, outputs = rows(Seat, 1)[0], rows(Output, OUTPUTS)
    for bar, (close, mood, is_late) in enumerate(zip(closes, moods, late, strict=True)):
        seat.done.close, seat.bars_seen, seat.mood, seat.mood_ns = close, bar, mood, 1_000 * bar
        follow_mood(seat, learning(), outputs, 1_000 * bar + (101 if is_late else 100))
    named = [side_beyond(mood, 1.0) if not is_late else 0 for mood, is_late in zip(moods, late, strict=True)]
    found = {name: seat.mood_standing[name] for name in Standing.__struct_fields__}
    assert found == pytest.approx(remembered(named, closes))
    assert seat.model_standing.outputs == 0


@settings(max_examples=40)
@given(closes=CLOSES, data=st.data())
def test_a_model_beside_a_rule_is_judged_as_a_mood_is(closes: list[int], data: st.DataObject) -> None:
    leads = data.draw(st.lists(st.sampled_from([-0.5, -0.1, 0.1, 0.5]), min_size=len(closes), max_size=len(closes)))
    seat, outputs = rows(Seat, 1)[0], rows(Output, OUTPUTS)
    for bar, (close, lead) in enumerate(zip(closes, leads, strict=True)):
        seat.done.close, seat.bars_seen = close, bar
        follow_model(seat, learning(), predicted(lead), outputs)
    found = {name: seat.model_standing[name] for name in Standing.__struct_fields__}
    assert found == pytest.approx(remembered([side_beyond(lead, 0.25) for lead in leads], closes))
    assert seat.mood_standing.outputs == 0
