"""A finding has the same id tomorrow, stands or is noted by its severity, and passes by a waiver that names it and is in force."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.evaluation.finding import (
    CRITICAL,
    HIGH,
    LOW,
    MEDIUM,
    NOTED,
    OPEN,
    SEVERITIES,
    WAIVED,
    Book,
    Evidence,
    Finding,
    Waiver,
    finding,
    gravest_first,
    waived,
)

BOOKS = (Book("BTCUSDT", "5m"), Book("ETHUSDT", "5m", is_spot=True))
NOW, KEY = 1_000, "decision.min_confidence"
FOUND = finding("unreachable", "confidence", BOOKS[:1], CRITICAL, "none passed", {"limit": 0.55}, "choose another")


def test_a_finding_says_what_it_is_and_where() -> None:
    two = finding("vacuous", "mood", BOOKS, HIGH, "all passed", {"limit": 0.0}, "tighten it")
    assert two == Finding(
        "vacuous.mood.BTCUSDT,ETHUSDT.5m", "vacuous", "mood", "BTCUSDT,ETHUSDT", "5m", HIGH, OPEN, "all passed", {"limit": 0.0}, "tighten it", ""
    )
    assert finding("gaps", "", BOOKS[:1], HIGH, "", {}, "").id == "gaps.BTCUSDT.5m"
    assert str(BOOKS[1]) == "ETHUSDT 5m"


def test_numbers_that_are_none_are_told_as_none() -> None:
    given_numbers: Evidence = {"a": math.nan, "b": math.inf, "c": -math.inf, "d": 0.0, "e": 3, "f": "text", "g": None}
    told = finding("far", "", BOOKS, LOW, "", given_numbers, "").evidence
    assert told == {"a": None, "b": None, "c": None, "d": 0.0, "e": 3, "f": "text", "g": None}


def test_the_low_are_noted_and_only_the_open_and_grave_stand_against_a_start() -> None:
    made = [finding("far", "funding", BOOKS, severity, "", {}, "") for severity in SEVERITIES]
    assert [one.status for one in made] == [OPEN, OPEN, OPEN, NOTED]
    assert [one.is_error for one in made] == [True, True, False, False]
    assert not any(structs.replace(one, status=status).is_error for one in made for status in (WAIVED, NOTED))


NAMES = ("unreachable.confidence.BTCUSDT.5m", "unreachable", "unreachable.confidence", "confidence")
SCOPED = (KEY, f"frames.5m.{KEY}", f"symbols.BTCUSDT.{KEY}", f"symbols.BTCUSDT.frames.5m.{KEY}")
STRANGE = ("", "alpha", "vacuous.confidence", "frames.5m", "frames.5m.", f"frames.1h.{KEY}", f"symbols.ETHUSDT.{KEY}", "decision")


@pytest.mark.parametrize("name", NAMES + SCOPED)
def test_a_waiver_may_name_the_finding_its_kind_its_gate_or_the_setting_here(name: str) -> None:
    found = waived(FOUND, KEY, [Waiver(name, NOW + 1, "on paper only")], NOW)
    assert found == structs.replace(FOUND, status=WAIVED, waiver=f"{name}: on paper only")
    assert not found.is_error
    assert (waived(FOUND, "", [Waiver(name, NOW + 1, "")], NOW).status == WAIVED) == (name in NAMES), "no setting is known"


@given(st.lists(st.sampled_from(STRANGE), max_size=4))
def test_a_waiver_of_something_else_waives_nothing(names: list[str]) -> None:
    waivers = [Waiver(name, NOW + 1, "") for name in names]
    assert waived(FOUND, KEY, waivers, NOW) is FOUND and waived(FOUND, "", waivers, NOW) is FOUND
    plain = finding("gaps", "", BOOKS[:1], HIGH, "", {}, "")
    assert waived(plain, "", waivers, NOW) is plain


def test_the_first_waiver_in_force_counts_and_what_is_not_open_stays() -> None:
    waivers = [Waiver("alpha", NOW + 9, "a"), Waiver(KEY, NOW, "too late"), Waiver("confidence", NOW + 1, "b"), Waiver(KEY, NOW + 9, "c")]
    assert waived(FOUND, KEY, waivers, NOW).waiver == "confidence: b"
    assert waived(FOUND, KEY, waivers[:2], NOW) is FOUND
    noted = finding("far", "confidence", BOOKS[:1], LOW, "", {}, "")
    assert waived(noted, KEY, waivers, NOW) is noted


@given(st.permutations(range(7)))
def test_the_gravest_come_first_then_by_place(order: list[int]) -> None:
    def at(severity: str, frame: str, symbol: str, gate: str, kind: str) -> Finding:
        return finding(kind, gate, (Book(symbol, frame),), severity, "", {}, "")

    ranked = [
        at(CRITICAL, "5m", "Z", "z", "z"),
        at(HIGH, "1h", "Z", "z", "z"),
        at(HIGH, "5m", "A", "z", "z"),
        at(HIGH, "5m", "Z", "a", "z"),
        at(HIGH, "5m", "Z", "z", "a"),
        at(MEDIUM, "1h", "A", "a", "a"),
        at(LOW, "1h", "A", "a", "a"),
    ]
    assert gravest_first([ranked[place] for place in order]) == tuple(ranked)
