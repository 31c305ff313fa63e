"""Which connection is taken from: laws over all that connections can be, and the cases that operators ask about."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.runtime.health_grade import WORSE
from metastackerbandit.runtime.line_choice import Candidate, choose
from tests.covering import covers

HOLD_S = 60.0
CANDIDATES = st.lists(
    st.builds(
        Candidate,
        rank=st.just(0),
        is_up=st.booleans(),
        is_behind=st.booleans(),
        grade=st.sampled_from(sorted(WORSE)),
        latency_ms=st.none() | st.floats(0.0, 2_000.0),
        green_s=st.floats(0.0, 120.0),
        is_ready=st.booleans(),
    ),
    min_size=1,
    max_size=4,
).map(lambda several: [structs.replace(one, rank=rank) for rank, one in enumerate(several)])


def one(rank: int, *, up: bool = True, behind: bool = False, grade: str = "green", late: float | None = 10.0, green_s: float = 0.0) -> Candidate:
    return Candidate(rank, up, behind, grade, late, green_s)  # type: ignore[arg-type]


@given(candidates=CANDIDATES, data=st.data())
def test_whatever_can_be_used_is_used_and_nothing_else(candidates: list[Candidate], data: st.DataObject) -> None:
    active = data.draw(st.none() | st.integers(0, len(candidates) - 1))
    found = choose(candidates, active, HOLD_S)
    if any(candidate.is_usable for candidate in candidates):
        assert found.place is not None and candidates[found.place].is_usable
    else:
        assert found.place is None
    if active is not None and found.place != active:
        assert found.why, "a change has a reason"


@given(candidates=CANDIDATES, data=st.data())
def test_a_choice_that_was_made_stands_while_nothing_changes(candidates: list[Candidate], data: st.DataObject) -> None:
    active = data.draw(st.none() | st.integers(0, len(candidates) - 1))
    first = choose(candidates, active, HOLD_S)
    second = choose(candidates, first.place, HOLD_S)
    assert second.place == first.place or second.is_return
    assert choose(candidates, second.place, HOLD_S).place == second.place


@given(candidates=CANDIDATES, data=st.data())
def test_a_failure_is_followed_by_the_least_late_of_the_best_grade(candidates: list[Candidate], data: st.DataObject) -> None:
    active = data.draw(st.integers(0, len(candidates) - 1))
    failed = [structs.replace(c, is_up=c.is_up and place != active) for place, c in enumerate(candidates)]
    found = choose(failed, active, HOLD_S)
    if found.place is not None:
        chosen = failed[found.place]
        late = math.inf if chosen.latency_ms is None else chosen.latency_ms
        assert chosen.is_ready or not any(other.is_usable and other.is_ready for other in failed)
        for other in failed:
            if other.is_usable and other.is_ready == chosen.is_ready:
                assert WORSE[chosen.grade] <= WORSE[other.grade]
                if other.grade == chosen.grade:
                    assert late <= (math.inf if other.latency_ms is None else other.latency_ms)


@covers("0.37")
def test_the_first_is_gone_back_to_only_when_it_was_green_for_long_enough() -> None:
    backup = one(1, green_s=500.0)
    assert choose([one(0, green_s=59.0), backup], 1, HOLD_S).place == 1
    found = choose([one(0, green_s=60.0), backup], 1, HOLD_S)
    assert (found.place, found.is_return, found.is_free) == (0, True, True)
    assert choose([one(0, grade="yellow", green_s=0.0), backup], 1, HOLD_S).place == 1
    assert choose([one(0, behind=True, green_s=90.0), backup], 1, HOLD_S).place == 1


def test_red_is_left_for_green_and_yellow_but_not_for_what_never_spoke() -> None:
    found = choose([one(0, grade="red"), one(1, grade="yellow")], 0, HOLD_S)
    assert (found.place, found.is_return, found.is_free) == (1, False, True)
    assert not choose([one(0, up=False), one(1)], 0, HOLD_S).is_free
    assert choose([one(0, grade="red"), one(1, grade="never received", late=None)], 0, HOLD_S).place == 0
    assert choose([one(0, grade="red"), one(1, grade="red", late=1.0)], 0, HOLD_S).place == 0
    assert choose([one(0, grade="yellow", late=499.0), one(1)], 0, HOLD_S).place == 0, "yellow is no failure"


def test_a_connection_that_has_only_just_come_to_stand_is_not_chosen_freely() -> None:
    new = structs.replace(one(0, green_s=90.0), is_ready=False)
    assert choose([new, one(1, grade="red")], 1, HOLD_S).place == 1
    assert choose([new, one(1)], 1, HOLD_S).place == 1
    assert choose([new, one(1, up=False)], 1, HOLD_S).place == 0, "there is no other"


def test_each_reason_is_said() -> None:
    assert choose([one(0, up=False), one(1)], 0, HOLD_S).why == "the former ended"
    assert choose([one(0, behind=True), one(1)], 0, HOLD_S).why == "the former is behind"
    assert choose([one(0, grade="red"), one(1)], 0, HOLD_S).why == "the former is red"
    assert choose([one(0), one(1)], None, HOLD_S).why == "it stands"
