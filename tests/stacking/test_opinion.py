"""What a prediction asks for: mirrored exactly, silent without a word, and never a change of mind that costs more than it says."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import row
from metastackerbandit.domain.prediction import SILENCES, Prediction
from metastackerbandit.domain.rows import KEEP
from metastackerbandit.stacking.opinion import BY_CONFIDENCE, BY_EDGE, BY_STRENGTH, edge_of, scale_of, wanted_side
from tests.covering import covers

SIDES = st.sampled_from([-1, 0, 1])


@st.composite
def predictions(draw: st.DrawFn) -> Prediction:
    """An awake prediction."""
    up, down = draw(st.floats(0, 0.5)), draw(st.floats(0, 0.5))
    return Prediction(
        instrument=0,
        frame_ns=1,
        closed_ns=1,
        at_ns=1,
        silence=0,
        version=0,
        p_down=down,
        p_flat=1.0 - up - down,
        p_up=up,
        long_bps=draw(st.floats(-200, 200)),
        short_bps=draw(st.floats(-200, 200)),
        error_bps=1.0,
        barrier_bps=draw(st.floats(10, 500)),
        horizon=12,
        conformal_set=7,
        credibility=0.5,
        size_scale=1.0,
        p_value_down=draw(st.floats(0, 1)),
        p_value_flat=draw(st.floats(0, 1)),
        p_value_up=draw(st.floats(0, 1)),
        worth=draw(st.floats(0, 1)),
    )


def turned(prediction: Prediction) -> Prediction:
    """The mirror image."""
    given_ = {name: getattr(prediction, name) for name in prediction.__struct_fields__}
    swapped = {"p_up": prediction.p_down, "p_down": prediction.p_up, "long_bps": prediction.short_bps, "short_bps": prediction.long_bps}
    swapped |= {"p_value_up": prediction.p_value_down, "p_value_down": prediction.p_value_up}
    return Prediction(**(given_ | swapped))


@covers("B09", "K6")
@given(prediction=predictions(), cost=st.floats(0, 100), leaves=st.floats(0, 1), held=SIDES)
def test_a_mirrored_prediction_asks_for_the_mirrored_side(prediction: Prediction, cost: float, leaves: float, held: int) -> None:
    one = int(wanted_side(row(prediction)[0], leaves, held))
    other = int(wanted_side(row(turned(prediction))[0], leaves, -held))
    assert other == (one if one == KEEP else -one)
    for mode in (BY_EDGE, BY_CONFIDENCE, BY_STRENGTH):
        long = scale_of(mode, edge_of(row(prediction)[0], 1) - cost, 2.0, 30.0, row(prediction)[0], 1)
        assert scale_of(mode, edge_of(row(turned(prediction))[0], -1) - cost, 2.0, 30.0, row(turned(prediction))[0], -1) == long
        assert 0.0 <= long <= 1.0


@given(prediction=predictions(), leaves=st.one_of(st.floats(0, 1), st.just(math.nan)), held=st.sampled_from([-1, 1]))
def test_a_position_is_kept_or_left_for_the_other_side_and_never_for_flat(prediction: Prediction, leaves: float, held: int) -> None:
    asked = int(wanted_side(row(prediction)[0], leaves, held))
    assert asked in (KEEP, -held)
    if asked == -held:
        assert -held * (prediction.p_up - prediction.p_down) > 0
        assert abs(prediction.p_up - prediction.p_down) >= leaves


@covers("A20")
@given(silence=st.integers(1, len(SILENCES) - 1), held=SIDES)
def test_a_silent_model_asks_for_nothing(silence: int, held: int) -> None:
    numbers = dict.fromkeys(("p_down", "p_flat", "p_up", "long_bps", "short_bps", "error_bps", "barrier_bps", "credibility", "size_scale"), math.nan)
    silent = Prediction(instrument=0, frame_ns=1, closed_ns=1, at_ns=1, silence=silence, version=-1, horizon=0, conformal_set=0, **numbers)
    assert int(wanted_side(row(silent)[0], 13.0, held)) == KEEP


@given(prediction=predictions())
def test_classes_and_returns_that_disagree_name_no_side(prediction: Prediction) -> None:
    lead, edge = prediction.p_up - prediction.p_down, prediction.long_bps - prediction.short_bps
    if not (lead > 0 and edge > 0) and not (lead < 0 and edge < 0):  # their product may underflow
        assert int(wanted_side(row(prediction)[0], 0.0, 0)) == 0
