"""A frame's word: taken from its newest prediction, heard while it is known and fresh, and settings as kernels read them."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.kernel import row, rows, struct_of
from metastackerbandit.domain.prediction import SILENCES, Prediction
from metastackerbandit.stacking.frame_words import BY_RULES, FORECAST, OFF, ON, SHADOWED, AlignmentTerms, FrameWord, alignment_terms, hear, is_usable
from metastackerbandit.stacking.settings import AlignmentRuleSettings, AlignmentSettings, AlignmentTable
from tests.stacking.frames import LENGTHS, NOW, word
from tests.stacking.frames import OFF as OFF_RULES


def usable(one: FrameWord) -> bool:
    return bool(is_usable(row(one)[0], NOW, row(alignment_terms(AlignmentSettings()))[0]))


# -- settings ----------------------------------------------------------------------------------------------------------


def test_every_number_reaches_its_own_term() -> None:
    settings = AlignmentSettings(
        mode="rules",
        frames=("5m", "1h", "12h", "1d"),
        weights=(0.4, 0.3, 0.2, 0.1),
        agreement=("12h", "12h", "5m"),
        slow="24h",
        fresh_bars=1.75,
        correlation=0.25,
        table=AlignmentTable(agrees=0.9, neutral=0.8, opposes=0.7, vetoes=0.1, unavailable=0.6, stop_scale=0.5, proven=0.95),
        rules=AlignmentRuleSettings(conflict_alpha=0.31, neutral_alpha=0.11, threshold_alpha=0.51, veto_alpha=0.32, halved=0.45),
    )
    assert alignment_terms(settings) == AlignmentTerms(
        mode=BY_RULES,
        fresh_bars=1.75,
        correlation=0.25,
        agrees=0.9,
        neutral=0.8,
        opposes=0.7,
        vetoes=0.1,
        unavailable=0.6,
        stop_scale=0.5,
        proven=0.95,
        conflict_skip=ON,
        agreement=ON,
        override=ON,
        average=ON,
        majority=ON,
        threshold=ON,
        halving=ON,
        veto=OFF,
        conflict_alpha=0.31,
        neutral_alpha=0.11,
        threshold_alpha=0.51,
        veto_alpha=0.32,
        halved=0.45,
        agreeing=0b0101,  # 5m and 12h, however often they are named
        slow=3,  # a day is 24h
    )
    assert alignment_terms(AlignmentSettings()).mode == FORECAST


@pytest.mark.parametrize("name", list(OFF_RULES))
def test_the_mode_of_a_rule_is_a_number_of_its_own(name: str) -> None:
    off = msgspec.structs.replace(AlignmentRuleSettings(), **OFF_RULES)
    without = alignment_terms(AlignmentSettings(rules=off))
    assert all(getattr(without, rule) == OFF for rule in OFF_RULES)
    for mode, number in (("off", OFF), ("shadow", SHADOWED), ("on", ON)):
        changed = alignment_terms(AlignmentSettings(rules=msgspec.structs.replace(off, **{name: mode})))
        assert changed == msgspec.structs.replace(without, **{name: number})


REFUSED: list[tuple[dict[str, Any], str, str, str]] = [  # settings; what, where, mend
    ({"frames": ("15m", "5m", "1h")}, r"frames \('15m', '5m', '1h'\) with 3 weights", "alignment.frames", "fastest first"),
    ({"frames": ("5m", "5m", "1h")}, "with 3 weights", "alignment.frames", "name each once"),
    ({"frames": ("12h", "1d", "24h"), "agreement": (), "slow": "12h"}, "with 3 weights", "alignment.frames", "name each once"),
    ({"weights": (1.0,)}, "with 1 weights", "alignment.frames", "with its weight"),
    ({"frames": (), "weights": (), "agreement": ()}, "with 0 weights", "alignment.frames", "name each once"),
    ({"slow": "12h"}, "^alignment: 12h is no aligned frame", "alignment", "use some of 5m, 15m, 1h"),
    ({"agreement": ("5m", "30m", "4h")}, "30m, 4h is no aligned frame", "alignment", "use some of 5m, 15m, 1h"),
    ({"frames": ("5m", "15m", "7m")}, "unknown timeframe '7m'", "", "use one of"),
]


@pytest.mark.parametrize(("changes", "what", "where", "mend"), REFUSED)
def test_frames_that_do_not_go_together_are_refused(changes: dict[str, Any], what: str, where: str, mend: str) -> None:
    with pytest.raises(ConfigRefused, match=what) as caught:
        alignment_terms(AlignmentSettings(**changes))
    assert caught.value.where == where and mend in caught.value.mend


# -- words -------------------------------------------------------------------------------------------------------------


def test_a_prediction_is_heard_and_a_silent_one_is_unavailable() -> None:
    one = Prediction(
        instrument=0, frame_ns=LENGTHS[1], closed_ns=NOW, at_ns=NOW + 5, silence=0, version=1, p_down=0.2, p_flat=0.3, p_up=0.5,
        long_bps=14.0, short_bps=-10.0, error_bps=4.0, barrier_bps=60.0, horizon=16, conformal_set=6, credibility=0.5, size_scale=1.0, worth=0.6,
    )  # fmt: skip
    heard = rows(FrameWord, 1)
    heard[0].weight = 0.3
    hear(heard[0], row(one)[0], 1, 0.35)
    assert struct_of(FrameWord, heard[0]) == FrameWord(LENGTHS[1], NOW, NOW + 5, 16 * LENGTHS[1], 1, 1, 0.35, 12.0, 4.0, 0.0, 0.0, 0.3)
    for silence in range(len(SILENCES)):
        hear(heard[0], row(msgspec.structs.replace(one, silence=silence))[0], 0, 0.0)
        assert heard[0].is_available == (1 if silence == 0 else 0) and (heard[0].side, heard[0].alpha) == (0, 0.0)


@given(place=st.integers(0, 2), age=st.integers(0, 200 * 60 * 10**9), late=st.integers(-(10**12), 10**12))
def test_a_word_is_heard_once_it_is_known_and_until_it_is_stale(place: int, age: int, late: int) -> None:
    one = word(place, 1, closed_ns=NOW - age, at_ns=NOW + late)
    assert usable(one) == (late <= 0 and 2 * age <= 3 * LENGTHS[place])


def test_a_word_of_this_moment_is_heard_and_one_of_the_next_is_not() -> None:
    oldest = 3 * LENGTHS[1] // 2
    for changes, hears in (
        ({}, True),
        ({"at_ns": NOW + 1}, False),
        ({"at_ns": NOW - 1}, True),
        ({"closed_ns": NOW + 1, "at_ns": NOW - 1}, False),
        ({"closed_ns": NOW - oldest}, True),
        ({"closed_ns": NOW - oldest - 1}, False),
        ({"is_available": 0}, False),
    ):
        assert usable(word(1, 1, **changes)) is hears


def test_a_word_without_its_numbers_is_not_heard() -> None:
    for name in ("error_bps", "mu_bps", "alpha"):
        assert usable(word(0, 1, **{name: 5.0})) and not usable(msgspec.structs.replace(word(0, 1), **{name: math.nan}))
    assert usable(word(0, 1, error_bps=1e-300))
    assert not usable(word(0, 1, error_bps=0.0)) and not usable(word(0, 1, error_bps=-1.0))
    assert usable(word(0, 0, 0.0, mu_bps=0.0))
