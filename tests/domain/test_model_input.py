"""An input is usable, complete, or refused, by the frames of the blocks that a model declares."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import InputUnusable
from metastackerbandit.domain.input_schema import USABLE_COMPLETENESS, USABLE_FRAMES
from metastackerbandit.domain.model_input import frames_there, least_frames, refuse_unusable
from tests.covering import covers
from tests.domain.inputs import AT, BARS, BOOK, SAID, SCHEMA, SHARE, given_input

ALL = SCHEMA.names


@covers("2.032", "2.033", "2.037")
@given(bars=st.integers(0, 300), book=st.integers(0, 300))
def test_usable_is_enough_frames_of_each_block_and_completeness_and_complete_is_all(bars: int, book: int) -> None:
    one = given_input({"bars": bars, "book": book})
    assert (one.frames("bars"), one.frames("book"), one.frames("share")) == (bars, book, 1)
    for declared, completeness in ((("bars",), bars / 300), (("book", "bars"), (bars + book) / 600), (("share",), 1.0), ((), 1.0)):
        least = min([{"bars": bars, "book": book}.get(name, 300) for name in declared], default=300)
        assert one.completeness(declared) == pytest.approx(completeness)
        assert one.usable(declared) == (least >= USABLE_FRAMES and completeness >= USABLE_COMPLETENESS) == (one.lacking(declared) == ())
        assert one.complete(declared) == (least == 300)
    score = one.score(("bars",))
    assert (score.score, score.completeness, score.freshness, score.consistency) == (pytest.approx(0.9 * bars / 300), bars / 300, 0.9, 1.0)


@covers("2.035", "2.037", "2.049")
def test_below_usable_nothing_is_inferred_and_each_lacking_block_is_named() -> None:
    refuse_unusable(given_input({"bars": 240}), ("bars",))
    refuse_unusable(given_input({"bars": 0}), ("book", "share"))  # who does not declare it does not need it
    with pytest.raises(InputUnusable) as caught:
        refuse_unusable(given_input({"bars": 99, "book": 12}), ALL)
    told = "bars has 99 of 300 frames, 100 are needed; book has 12 of 300 frames, 100 are needed; completeness is 0.593, 0.8 is needed"
    assert (caught.value.what, caught.value.where) == (told, f"ETHUSDT at {AT}") and "notes" in caught.value.mend
    with pytest.raises(InputUnusable, match=r"completeness is 0\.797, 0\.8 is needed"):
        refuse_unusable(given_input({"bars": 239}), ("bars",))
    with pytest.raises(InputUnusable, match="share is absent") as caught:
        broken = given_input()
        del broken.values["share"], broken.valid["share"]
        refuse_unusable(broken, ("share",))
    assert caught.value.mend.startswith("report it")


def test_a_frame_is_there_where_its_key_is_known_or_anything_where_it_has_none() -> None:
    mask = np.zeros((300, 2), np.bool_)
    mask[:9, 0] = mask[5:7, 1] = True
    assert frames_there(BARS, mask) == 2
    book = np.zeros((2, 300, 5), np.bool_)
    book[0, 3, 4] = book[0, 4, 0] = book[1, 5, 0] = True
    assert frames_there(BOOK, book) == 2
    assert (frames_there(SHARE, np.array([False, True])), frames_there(SHARE, np.zeros(2, np.bool_))) == (1, 0)
    assert frames_there(SAID, np.zeros((2, 3), np.bool_)) == 0
    assert (least_frames(BARS), least_frames(SHARE)) == (100, 1)


def test_seconds_are_those_that_have_ended() -> None:
    one = given_input(at_ns=AT + 999_999_999)
    assert one.seconds("bars").tolist() == list(range(AT // 10**9 - 300, AT // 10**9))


def test_where_nobody_watches_the_feed_the_score_is_not_known() -> None:
    score = given_input(freshness=math.nan).score(ALL)
    assert math.isnan(score.score) and score.completeness == 1.0
