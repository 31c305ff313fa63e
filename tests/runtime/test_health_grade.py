"""Green, yellow and red by the limits of the design, and the time that a change of grade takes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.runtime.health import HealthFacts
from metastackerbandit.runtime.health_grade import WORSE, Grade, Grading, Judged, judged
from metastackerbandit.runtime.settings import HealthSettings
from tests.covering import covers

LIMITS = HealthSettings()
GOOD = HealthFacts(True, 1_000, 50_000, 0, 5.0, 0.1, 40.0, 30.0, 90.0, 20.0, 1, 1, 0, 1.0)


def grade(stood_s: float = 1_000.0, watched_s: float = 1_000.0, **changes: Any) -> Grade:
    return judged(structs.replace(GOOD, **changes), stood_s, watched_s, LIMITS).grade


@covers("C08")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "green"),
        ({"latency_ms": 200.0}, "green"),
        ({"latency_ms": 200.1}, "yellow"),
        ({"latency_ms": 500.1}, "red"),
        ({"rate": 1.0}, "green"),
        ({"rate": 58 / 60}, "green"),  # a message a second, of which the edges of the minute cut off two
        ({"rate": 57 / 60}, "yellow"),
        ({"age_s": 30.0}, "green"),
        ({"age_s": 30.1}, "red"),
        ({"uptime": 0.95}, "green"),
        ({"uptime": 0.949}, "yellow"),
        ({"is_up": False}, "red"),
        ({"frames": 0, "age_s": None}, "never received"),
        ({"is_up": False, "frames": 0}, "never received"),
        ({"latency_ms": None}, "green"),
    ],
)
def test_each_limit_is_that_of_the_design(changes: dict[str, Any], expected: Grade) -> None:
    assert grade(**changes) == expected


def test_rate_and_uptime_are_not_judged_before_they_mean_anything() -> None:
    assert grade(stood_s=59.0, rate=0.1) == "green" and grade(stood_s=61.0, rate=0.1) == "yellow"
    assert grade(watched_s=299.0, uptime=0.1) == "green" and grade(watched_s=300.0, uptime=0.1) == "yellow"


def replayed(grades: list[Grade]) -> list[Grade]:
    """The grade behind each judgement."""
    grading, told = Grading(), []
    for n, found in enumerate(grades):
        before = grading.grade
        assert grading.hear(Judged(found, "so"), n, LIMITS) == (grading.grade != before)
        told.append(grading.grade)
    return told


GRADES: st.SearchStrategy[Grade] = st.sampled_from(["green", "yellow", "red"])


@covers("C08")
@given(st.lists(GRADES, min_size=1, max_size=40))
def test_a_grade_is_one_that_was_judged_and_changes_only_after_enough_judgements_in_a_row(grades: list[Grade]) -> None:
    told = replayed(grades)
    assert told[0] == grades[0], "the first counts at once"
    for n in range(1, len(told)):
        if told[n] != told[n - 1]:
            is_worse = WORSE[told[n]] > WORSE[told[n - 1]]
            needed = LIMITS.worse_after if is_worse else LIMITS.better_after
            newest = grades[n + 1 - needed : n + 1]
            assert len(newest) == needed and all((WORSE[one] > WORSE[told[n - 1]]) == is_worse and one != told[n - 1] for one in newest)
            assert told[n] in newest


@given(st.lists(GRADES, max_size=20), GRADES)
def test_what_is_judged_for_long_enough_becomes_the_grade(before: list[Grade], at_last: Grade) -> None:
    enough = LIMITS.worse_after + LIMITS.better_after
    assert replayed([*before, *[at_last] * enough])[-1] == at_last


def test_one_spike_changes_nothing_and_green_is_timed() -> None:
    assert replayed(["green", "red", "green", "green", "red", "green"]) == ["green"] * 6
    assert replayed(["green", "red", "red", "green", "green", "yellow", "green", "green", "green"])[-3:] == ["yellow", "yellow", "green"]
    grading = Grading()
    grading.hear(Judged("green", "so"), 5 * 10**9, LIMITS)
    assert grading.green_s(8 * 10**9) == 3.0 and Grading().green_s(10**12) == 0.0
