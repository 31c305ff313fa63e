"""Three-class probabilities: a softmax that mirrors to the bit, classes turned around, and rows that cannot be fitted on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.special import softmax

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.stacking.classes import as_sides, refuse_unfit, softmax_into, turned
from tests.covering import covers

LOGITS = st.tuples(*[st.floats(-700.0, 700.0)] * 3)


def softmax_of(down: float, flat: float, up: float) -> np.ndarray:
    """The second row of three, of which the others must stay."""
    out = np.full((3, 3), 9.0)
    softmax_into(out, 1, down, flat, up)
    assert (out[[0, 2]] == 9.0).all()
    return out[1]


@given(logits=LOGITS, shift=st.floats(-1e4, 1e4))
def test_the_softmax_is_the_textbook_one_and_knows_no_level(logits: tuple[float, float, float], shift: float) -> None:
    assert softmax_of(*logits) == pytest.approx(softmax(logits), rel=1e-12)
    shifted = [one + shift for one in logits]
    assert softmax_of(*shifted) == pytest.approx(softmax(shifted), rel=1e-12)


@covers("K6")
@given(logits=LOGITS)
def test_a_mirrored_row_has_the_mirrored_answer_to_the_bit(logits: tuple[float, float, float]) -> None:
    assert softmax_of(*logits[::-1]).tobytes() == softmax_of(*logits)[::-1].tobytes()


@given(
    probabilities=arrays(np.float64, array_shapes(min_dims=0, max_dims=2, max_side=4).map(lambda shape: (*shape, 3)), elements=st.floats(0.0, 1.0))
)
def test_turning_exchanges_down_and_up(probabilities: np.ndarray) -> None:
    other = turned(probabilities)
    assert np.array_equal(other[..., 0], probabilities[..., 2]) and np.array_equal(other[..., 1], probabilities[..., 1])
    assert np.array_equal(turned(other), probabilities) and other.flags.c_contiguous


def test_classes_become_what_kernels_are_compiled_for() -> None:
    for side in (np.array([0, 2, 1], np.int8), np.array([0, 9, 2, 9, 1, 9])[::2], np.array([0, 2, 1], np.uint16)):
        found = as_sides(side)
        assert found.dtype == np.int64 and found.flags.c_contiguous and found.tolist() == [0, 2, 1]


def fit_on(probabilities: object = ((0.2, 0.3, 0.5), (0.0, 0.0, 1.0)), side: object = (0, 2), weight: object = (1.0, 0.0)) -> None:
    refuse_unfit("trying", np.array(probabilities, float), np.array(side, np.int64), np.array(weight, float))


def test_rows_classes_and_weights_that_go_together_pass() -> None:
    fit_on()
    fit_on(side=(1, 1), weight=(0.0, 1e-300))
    fit_on(np.ones((4, 2, 3)))  # of four learners


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"probabilities": np.ones((2, 2))}, r"probabilities \(2, 2\), classes \(2,\), weights \(2,\) do not go together"),
        ({"probabilities": np.ones((2, 3, 3))}, r"probabilities \(2, 3, 3\), .* do not go together"),
        ({"side": (0, 2, 1)}, r"classes \(3,\), .* do not go together"),
        ({"side": ((0, 2),)}, "do not go together"),
        ({"weight": (1.0,)}, r"weights \(1,\) do not go together"),
        ({"probabilities": np.ones((0, 3)), "side": (), "weight": ()}, "there are no out-of-fold rows"),
        ({"probabilities": ((0.2, 0.3, 0.5), (0.0, np.nan, 1.0))}, "probabilities must be finite and not negative"),
        ({"probabilities": ((0.2, 0.3, 0.5), (0.0, np.inf, 1.0))}, "probabilities must be finite and not negative"),
        ({"probabilities": ((0.2, -1e-9, 0.8), (0.0, 0.0, 1.0))}, "probabilities must be finite and not negative"),
        ({"weight": (1.0, np.nan)}, "weights must be finite, not negative, and not all zero"),
        ({"weight": (1.0, np.inf)}, "weights must be finite"),
        ({"weight": (1.0, -0.1)}, "weights must be finite"),
        ({"weight": (0.0, 0.0)}, "weights must be finite"),
        ({"side": (0, 3)}, "a class is none of down, flat, up"),
        ({"side": (-1, 2)}, "a class is none of down, flat, up"),
    ],
)
def test_rows_that_cannot_be_fitted_on_are_refused(given_: dict[str, object], said: str) -> None:
    with pytest.raises(TrainingRefused, match=f"^trying: .*{said}") as caught:
        fit_on(**given_)
    assert bool(caught.value.mend) == ("out-of-fold" in said or "probabilities must" in said)
