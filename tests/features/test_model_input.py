"""The standard input of one instrument: the same however often it is advanced, nothing that is not known yet, and masks where something is absent."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import DataRefused, UsageError
from metastackerbandit.domain.market_rows import MarkRow
from metastackerbandit.domain.model_input import LastWord, ModelInput
from metastackerbandit.domain.prediction import FAILED, Prediction
from metastackerbandit.features.input_schema import BARS, HIDDEN, MODELS, SCHEMA
from metastackerbandit.features.model_input import InputStream, Watched, said_before
from metastackerbandit.market.cob import heatmap
from metastackerbandit.market.feed_score import scored
from metastackerbandit.market.issues import open_issue
from metastackerbandit.market.quality import begin_watch, empty_quality, freshened, limits_of
from metastackerbandit.market.settings import QualitySettings
from tests.covering import covers
from tests.features.inputs import FIRST, ONE, SECOND, WIDTH, empty_market, hearing, made, play

ALL = SCHEMA.names
MARKET = ("bars_1s", "cob", "heatmap", "mids", "micro")


def whole(seed: int, count: int, every: int = 1, **named: Any) -> ModelInput:
    """The input at the end of a made market, advanced every so many seconds."""
    bars, cob = empty_market()
    stream = InputStream(ONE, 0, bars, cob, lineage="simulated", **named)
    calls = iter(range(count))

    def each(at_ns: int) -> None:
        if next(calls) % every == every - 1:
            stream.advance(at_ns)

    at_ns = play(made(seed, count), bars, cob, each)
    stream.advance(at_ns)
    return stream.at(at_ns)


def same(one: ModelInput, other: ModelInput) -> bool:
    """Whether two inputs hold the same bytes, times included."""
    return one.known_ns == other.known_ns and all(
        one.values[name].tobytes() == other.values[name].tobytes() and one.valid[name].tobytes() == other.valid[name].tobytes() for name in ALL
    )


@covers("2.032", "2.036", "B05")
@settings(max_examples=12)
@given(seed=st.integers(0, 999), count=st.integers(1, 400), every=st.integers(1, 290))
def test_an_input_does_not_depend_on_how_often_it_was_advanced_and_is_sound(seed: int, count: int, every: int) -> None:
    one, other = whole(seed, count), whole(seed, count, every)
    assert same(one, other)
    assert one.problems(ALL) == ()
    assert all(np.array_equal(one.valid[name], ~np.isnan(one.values[name])) for name in ALL)


@settings(max_examples=12)
@given(seed=st.integers(0, 999), count=st.integers(2, 330), more=st.integers(1, 40))
def test_what_comes_later_changes_nothing_of_an_input_that_was_given_out(seed: int, count: int, more: int) -> None:
    bars, cob = empty_market()
    stream = InputStream(ONE, 0, bars, cob)
    at_ns = play(made(seed, count), bars, cob, stream.advance)
    before, alone = stream.at(at_ns), whole(seed, count)
    play(made(seed + 1, more), bars, cob, stream.advance, FIRST + count)
    assert same(before, alone)


@covers("2.038", "2.039", "2.041")
def test_the_heatmap_is_the_books_own_with_its_times_and_middle_prices() -> None:
    bars, cob = empty_market()
    stream = InputStream(ONE, 0, bars, cob)
    at_ns = play(made(3, 320), bars, cob)
    stream.advance(at_ns)
    given_input, shown = stream.at(at_ns), heatmap(cob, 0, radius=10)
    assert np.array_equal(given_input.values["heatmap"], shown.values.astype(np.float32), equal_nan=True)
    assert given_input.seconds().tolist() == shown.times.tolist()
    prices = given_input.price * np.exp(given_input.values["mids"].astype(np.float64) * 1e-4)
    assert prices == pytest.approx(shown.mids * 0.1, rel=1e-7, nan_ok=True)
    assert given_input.bucket == pytest.approx(WIDTH * 0.1)
    later = stream.at(at_ns + 7 * SECOND)  # nobody has closed these seconds yet
    assert np.array_equal(later.values["heatmap"][:-7], shown.values[7:].astype(np.float32), equal_nan=True)
    assert not later.valid["heatmap"][-7:].any() and not later.valid["cob_averages"].any()
    averages = [cob.row[0][f"average_{seconds}"] for seconds in (1, 5, 15, 60)]
    assert given_input.values["cob_averages"].tolist() == np.array(averages, np.float32).tolist()


@covers("2.040")
def test_without_a_book_the_blocks_made_of_it_are_masked_and_it_is_said() -> None:
    bars, cob = empty_market()
    stream = InputStream(ONE, 0, bars)
    at_ns = play(made(4, 200), bars, cob)
    stream.advance(at_ns)
    given_input = stream.at(at_ns)
    assert given_input.problems(ALL) == ()
    assert not any(given_input.valid[name].any() for name in ("cob", "cob_averages", "heatmap", "mids", "micro", "reference_1s"))
    assert given_input.frames("bars_1s") > 100
    assert [note.split(":")[0] for note in given_input.notes] == [
        "no consolidated book is kept",
        "there is no reference instrument, or this is it",
        "nobody watches the feed's quality",
    ]
    assert "the score is not known" in given_input.notes[2] and math.isnan(given_input.score(("bars_1s",)).score) and math.isnan(given_input.bucket)
    nothing = InputStream(ONE, 0, *empty_market()).at(FIRST * SECOND)
    assert [note.split(":")[0] for note in nothing.notes][:1] == ["no second of the consolidated book could be trusted yet"] and len(
        nothing.notes
    ) == 4
    assert {name for name in ALL if nothing.valid[name].any()} == {*BARS, "calendar"}


@covers("2.048", "2.051")
def test_its_score_is_completeness_times_the_feed_s_freshness_and_consistency() -> None:
    quality, limits = empty_quality([(1,)]), limits_of(QualitySettings())
    begin_watch(quality, limits[0], FIRST * SECOND)
    freshened(quality, 0, limits[0], (FIRST + 5) * SECOND, (FIRST + 5) * SECOND)
    bars, cob = empty_market()
    stream = InputStream(ONE, 0, bars, cob, watched=Watched(quality, limits))
    at_ns = play(made(5, 15, lost=0.0), bars, cob, stream.advance)
    given_input, feed = stream.at(at_ns), scored(quality, 0, limits, at_ns)
    told = given_input.score(("heatmap",))
    assert (told.freshness, told.consistency, told.completeness) == (feed.freshness, feed.consistency, 15 / 300) == (0.5, 1.0, 0.05)
    assert told.score == 0.025
    open_issue(quality, 0, limits[0], 0, at_ns, 1, 1)  # crossed
    assert stream.at(at_ns).score(("heatmap",)).score == 0.0


def word(at_ns: int, silence: int = 0, hidden: int | None = None) -> LastWord:
    """A model's word."""
    said = Prediction(0, 60 * SECOND, at_ns, at_ns, silence, 0, 0.2, 0.3, 0.5, 12.0, -8.0, 3.0, 40.0, 12, 4, 0.9, 1.0)
    return LastWord(said, None if hidden is None else np.arange(1, hidden + 1, dtype=np.float32))


@given(said_ns=st.integers(0, 20), at_ns=st.integers(0, 20), silence=st.sampled_from((0, FAILED)), hidden=st.sampled_from((None, 3, HIDDEN, 90)))
def test_only_what_another_model_said_before_now_counts(said_ns: int, at_ns: int, silence: int, hidden: int | None) -> None:
    blocks, newest_ns = said_before(("cnn", "lstm"), {"lstm": word(said_ns, silence, hidden)}, at_ns)
    counts = said_ns < at_ns and silence == 0
    assert newest_ns == (said_ns if counts else 0)
    assert np.isnan(blocks["predictions"][[0, *range(2, MODELS)]]).all()
    if counts:
        expected = (0.2, 0.3, 0.5, 0.12, -0.08, 0.03, math.log1p((at_ns - said_ns) / 1e9))
        assert blocks["predictions"][1] == pytest.approx(np.array(expected, np.float32))
    assert int((~np.isnan(blocks["hidden"])).sum()) == (min(hidden or 0, HIDDEN) if counts else 0)


@covers("2.108")
def test_models_have_the_places_that_they_were_given() -> None:
    stream = InputStream(ONE, 0, *empty_market(), models=("lstm", "cnn"))
    stream.on_prediction("cnn", word(FIRST * SECOND - 1))
    stream.on_prediction("nobody", word(FIRST * SECOND - 1))
    given_input = stream.at(FIRST * SECOND)
    assert given_input.valid["predictions"].any(axis=1).tolist() == [False, True, *[False] * (MODELS - 2)]
    assert given_input.known_ns["predictions"] == FIRST * SECOND - 1 and given_input.models == ("lstm", "cnn")
    for models in (("a", "a"), tuple("abcdefghi")):
        with pytest.raises(UsageError, match="have no place each"):
            InputStream(ONE, 0, *empty_market(), models=models)


def test_the_reference_is_another_stream_and_its_own_blocks_stay_masked() -> None:
    (bars, cob), (their_bars, their_cob) = empty_market(), empty_market()
    btc = InputStream(ONE, 0, their_bars, their_cob)
    eth = InputStream(ONE, 0, bars, cob, reference=btc)
    at_ns = play(made(8, 200), their_bars, their_cob, hearing(btc, 8))
    play(made(9, 200), bars, cob, eth.advance)
    ours, theirs = eth.at(at_ns), btc.at(at_ns)
    for channel, source in enumerate((0, 2, 3)):
        assert np.array_equal(ours.values["reference_1s"][:, channel], theirs.values["bars_1s"][:, source], equal_nan=True)
    for channel, source in ((3, 2), (4, 6)):  # bars are told two seconds later
        assert np.array_equal(ours.values["reference_1s"][2:, channel], theirs.values["micro"][:-2, source], equal_nan=True)
    assert ours.valid["reference_1s"][:, 3].any() and ours.valid["reference_1s"][:, 4].any()
    assert not theirs.valid["reference_1s"].any() and ours.known_ns["reference_1s"] == theirs.known_ns["bars_1s"]


def test_where_buckets_become_wider_nothing_of_the_older_ones_is_told_beside_them() -> None:
    """As at a midnight; prices, trades and their own scales go on, and what rests is scaled by seconds in the new buckets alone."""
    seconds = made(5, 300, lost=0.0)
    (bars, cob), (their_bars, their_cob) = empty_market(), empty_market()
    changed, wide = InputStream(ONE, 0, bars, cob), InputStream(ONE, 0, their_bars, their_cob)
    play(seconds[:200], bars, cob, changed.advance)
    cob.terms[0]["width"] = 3 * WIDTH
    at_ns = play(seconds[200:], bars, cob, changed.advance, FIRST + 200)
    their_cob.terms[0]["width"] = 3 * WIDTH
    play(seconds, their_bars, their_cob, wide.advance)
    ours, theirs = changed.at(at_ns), wide.at(at_ns)
    assert not ours.valid["heatmap"][:200].any() and not ours.valid["cob"][:, :200].any() and theirs.valid["heatmap"][:200].any()
    assert np.array_equal(ours.values["heatmap"][200:], theirs.values["heatmap"][200:], equal_nan=True)
    assert np.array_equal(ours.values["mids"], theirs.values["mids"], equal_nan=True) and ours.bucket == theirs.bucket
    assert np.array_equal(ours.values["micro"][:, 4:6], theirs.values["micro"][:, 4:6], equal_nan=True)
    rests = ours.valid["cob"][0, :, 20]
    assert not rests[:230].any() and rests[230:].all()
    assert not ours.valid["cob"][1, 200].any()  # nobody knows what changed in that second


def test_funding_is_told_until_its_settlement_and_the_basis_for_a_minute() -> None:
    stream, at_ns = InputStream(ONE, 0, *empty_market()), FIRST * SECOND
    assert not stream.at(at_ns).valid["funding"].any()
    stream.on_mark(MarkRow(0, at_ns, at_ns, 100.02, 100.0, 10_000, at_ns + 3_600 * SECOND))
    assert stream.at(at_ns + 1).values["funding"] == pytest.approx([1.0, 2.0, 0.125], rel=1e-5)
    assert stream.at(at_ns + 60 * SECOND).valid["funding"].tolist() == [True, False, True]
    assert not stream.at(at_ns + 3_600 * SECOND).valid["funding"].any()
    stream.on_mark(MarkRow(0, at_ns, at_ns, 100.0, 0.0, 10_000, 0))
    assert not stream.at(at_ns + 1).valid["funding"].any()
    for n in range(128):
        stream.on_funding(at_ns + n, 10_000)
    with pytest.raises(DataRefused, match="too many funding settlements"):
        stream.on_funding(at_ns + 128, 10_000)


def test_an_input_is_the_reader_s_own() -> None:
    bars, cob = empty_market()
    stream = InputStream(ONE, 0, bars, cob)
    at_ns = play(made(1, 60), bars, cob, stream.advance)
    one = stream.at(at_ns)
    kept = {name: array.copy() for name, array in one.values.items()}
    one.values["cob"][:] = 7.0
    assert np.array_equal(stream.at(at_ns).values["cob"], kept["cob"], equal_nan=True)
