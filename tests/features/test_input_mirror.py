"""The mirrored market's input: what the mirrored market gives, and its own inverse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.market_rows import MarkRow
from metastackerbandit.domain.model_input import LastWord, ModelInput
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.features.input_mirror import mirrored_input
from metastackerbandit.features.input_schema import SCHEMA
from metastackerbandit.features.model_input import InputStream
from tests.features.inputs import ONE, SECOND, Second, empty_market, hearing, made, mirrored_seconds, play


def word(at_ns: int, chances: tuple[float, ...], returns: tuple[float, ...]) -> LastWord:
    """What a model said of a market."""
    said = Prediction(0, 60 * SECOND, at_ns, at_ns, 0, 0, chances[0], chances[1], chances[2], returns[0], returns[1], 3.0, 40.0, 12, 4, 0.9, 1.0)
    return LastWord(said, np.ones(4, np.float32))


def seen(seconds: list[Second], sign: int) -> ModelInput:
    """The input of a market; what is told of it beside books and trades is the mirror's for sign -1."""
    bars, cob = empty_market()
    stream = InputStream(ONE, 0, bars, cob, models=("cnn",))
    at_ns = play(seconds, bars, cob, stream.advance)
    stream.on_mark(MarkRow(0, at_ns, at_ns, 100.0 + sign * 1e-4, 100.0, sign * 10_000, at_ns + 60 * SECOND))
    stream.on_prediction("cnn", word(at_ns - 1, (0.2, 0.3, 0.5)[::sign], (12.0, -8.0)[::sign]))
    return stream.at(at_ns)


@settings(max_examples=6)
@given(seed=st.integers(0, 999), count=st.integers(2, 400))
def test_the_mirror_of_an_input_is_the_mirrored_market_s_input(seed: int, count: int) -> None:
    seconds = made(seed, count)
    ours, theirs = mirrored_input(seen(seconds, 1)), seen(mirrored_seconds(seconds), -1)
    for block in SCHEMA.blocks:
        if block.mirrors:
            assert np.array_equal(ours.valid[block.name], theirs.valid[block.name]), block.name
            assert ours.values[block.name] == pytest.approx(theirs.values[block.name], rel=3e-3, abs=3e-3, nan_ok=True), block.name
    assert not ours.valid["hidden"].any() and theirs.valid["hidden"].any()


@settings(max_examples=6)
@given(seed=st.integers(0, 999), count=st.integers(1, 320))
def test_twice_mirrored_is_as_before_but_for_hidden_states_and_stays_sound(seed: int, count: int) -> None:
    once = seen(made(seed, count), 1)
    twice = mirrored_input(mirrored_input(once))
    for name in SCHEMA.names:
        if name != "hidden":
            assert np.array_equal(once.values[name], twice.values[name], equal_nan=True) and np.array_equal(once.valid[name], twice.valid[name])
    assert twice.problems(SCHEMA.names) == () and (once.symbol, once.at_ns, once.price) == (twice.symbol, twice.at_ns, twice.price)


@settings(max_examples=6)
@given(seed=st.integers(0, 999), count=st.integers(40, 320))
def test_the_mirror_of_the_reference_is_the_mirrored_reference(seed: int, count: int) -> None:
    """Its book's seconds are told too: order flow turns its sign as the rest does."""

    def beside(seconds: list[Second], sign: int) -> ModelInput:
        (bars, cob), (their_bars, their_cob) = empty_market(), empty_market()
        reference = InputStream(ONE, 0, their_bars, their_cob)
        stream = InputStream(ONE, 0, bars, cob, reference=reference)
        return stream.at(play(seconds, their_bars, their_cob, hearing(reference, seed, sign)))

    seconds = made(seed, count)
    ours, theirs = mirrored_input(beside(seconds, 1)), beside(mirrored_seconds(seconds), -1)
    assert np.array_equal(ours.valid["reference_1s"], theirs.valid["reference_1s"])
    assert ours.values["reference_1s"] == pytest.approx(theirs.values["reference_1s"], rel=3e-3, abs=3e-3, nan_ok=True)
    assert ours.valid["reference_1s"][:, 4].sum() >= (min(count, 300) - 2) * 0.5  # eight of ten seconds are trusted


def test_sides_change_places_and_signs_turn() -> None:
    one = seen(made(1, 330, lost=0.0), 1)
    other = mirrored_input(one)
    assert np.array_equal(other.values["cob"][0], one.values["cob"][0][:, ::-1], equal_nan=True)
    assert np.array_equal(other.values["cob"][2], -one.values["cob"][2][:, ::-1], equal_nan=True)
    assert np.array_equal(other.values["heatmap"], -one.values["heatmap"][:, ::-1], equal_nan=True)
    assert np.array_equal(other.values["bars_1s"][:, 0], -one.values["bars_1s"][:, 0], equal_nan=True)
    assert np.array_equal(other.values["pivots"][:, 0], -one.values["pivots"][:, 4], equal_nan=True)
    assert np.array_equal(other.values["pivots"][:, 5], one.values["pivots"][:, 1], equal_nan=True)
    assert other.values["predictions"][0, :5].tolist() == np.array((0.5, 0.3, 0.2, -0.08, 0.12), np.float32).tolist()
    assert other.values["funding"] == pytest.approx(one.values["funding"] * np.array([-1, -1, 1]))
