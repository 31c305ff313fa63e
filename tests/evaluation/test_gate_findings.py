"""What a gate's record comes to: each finding at its own limit, at the severity that the gate's kind and author give it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.evaluation.finding import CRITICAL, HIGH, LOW, MEDIUM, Book, Finding, Written
from metastackerbandit.evaluation.gate_findings import Asked, chance_of_none, gate_findings, numbers_of, silenced_side
from metastackerbandit.evaluation.gate_record import BySide, GateRecord, Spread
from metastackerbandit.evaluation.settings import PreflightSettings
from tests.evaluation.traces import gate

SETTINGS = PreflightSettings()
BTC = (Book("BTCUSDT", "5m"),)
FINE = GateRecord(
    gate="confidence",
    kind="opinion",
    unit="",
    sense="at least",
    asked=BySide(60, 40),
    passes=BySide(30, 20),
    alone=BySide(0, 0),
    unknown=0,
    not_applicable=0,
    clear=80,
    clear_passes=40,
    spells=BySide(30, 20),
    spell_passes=BySide(15, 10),
    fired=50,
    limit=0.5,
    limit_low=0.5,
    limit_high=0.5,
    off=False,
    observed=Spread(0.1, 0.2, 0.4, 0.7, 0.9),
    percentile=0.5,
)
SAFE = gate("funding", "safety", "at most", (0.0, math.inf))
MOOD, SPREAD = gate("mood"), gate("spread", "safety", "at most", (0.0, math.inf))


def told(
    spec: GateSpec = MOOD, *, longer: GateRecord | None = None, written: Written | None = None, by_hand: bool = True, **seen: Any
) -> list[Finding]:
    """The findings of a gate whose record is fine but for what is said."""
    record = structs.replace(FINE, **seen)
    asked = Asked(spec, BTC, record, written, by_hand, None if longer is None else lambda: longer)
    return gate_findings(asked, SETTINGS)


def only(found: list[Finding], kind: str, severity: str) -> Finding:
    """The one finding, of this kind and severity."""
    assert [(one.kind, one.severity) for one in found] == [(kind, severity)]
    return found[0]


def test_a_gate_that_stops_some_and_lets_some_of_both_sides_pass_is_no_finding() -> None:
    assert told() == []
    assert told(SAFE) == [], "half of a safety limit was seen"


# -- the limit and its domain ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sense", "limit", "severity", "outcome"),
    [
        ("at least", 1.5, CRITICAL, "nothing reaches it"),
        ("at least", -0.5, HIGH, "everything passes it"),
        ("at most", -0.5, CRITICAL, "nothing reaches it"),
        ("at most", 1.5, HIGH, "everything passes it"),
    ],
)
def test_a_limit_outside_of_all_that_can_be_admits_nothing_or_everything(sense: str, limit: float, severity: str, outcome: str) -> None:
    spec = gate("mood", sense=sense, domain=(0.0, 1.0))
    for found in (told(spec, limit=limit), told(spec, written=Written("decision.mood", limit), limit=math.nan)):
        one = only(found, "out_of_domain", severity)
        assert one.evidence == {"limit": limit, "domain_low": 0.0, "domain_high": 1.0} and one.gate == "mood" and one.symbol == "BTCUSDT"
        assert one.what == f"mood: the limit {limit:g} is outside of 0 to 1, which is all that its quantity can be: {outcome}"
        assert one.mend.endswith("choose a limit from 0 to 1")
    assert told(spec, written=Written("decision.mood", limit), limit=math.nan)[0].mend.startswith("decision.mood: ")


@pytest.mark.parametrize("limit", [0.0, 1.0, math.nan])
def test_a_limit_at_the_end_of_the_domain_or_not_known_is_inside(limit: float) -> None:
    assert told(limit=limit) == []


def test_the_limit_that_somebody_wrote_is_judged_before_the_one_that_decided() -> None:
    assert told(written=Written("decision.mood", 0.5), limit=7.0) == [] == told(written=Written("decision.mood", 0.5), limit=-7.0)
    for not_written in (Written("decision.mood", 0.4, by_hand=False), Written("decision.mood"), Written("decision.mood", math.inf)):
        only(told(written=not_written, limit=7.0), "out_of_domain", CRITICAL)


def test_what_is_out_of_its_domain_is_not_called_unreachable_too() -> None:
    only(told(limit=1.5, passes=BySide(0, 0)), "out_of_domain", CRITICAL)


# -- nothing passes -------------------------------------------------------------------------------------------------------


def test_an_opinion_gate_that_none_of_twenty_passes_is_unreachable_and_of_fewer_thin() -> None:
    none: dict[str, Any] = {"passes": BySide(0, 0), "clear": 0, "clear_passes": 0}
    one = only(told(asked=BySide(12, 8), written=Written("decision.mood", 0.5), **none), "unreachable", CRITICAL)
    assert one.what == "mood: at least 0.5 is asked, 0.1 to 0.9 was observed: none of 20 opinions passed"
    assert one.mend == "decision.mood: a limit near the 95th percentile of what is observed lets some pass"
    assert one.evidence == {**numbers_of(FINE), "asked_buy": 12, "asked_sell": 8, "passed_buy": 0, "passed_sell": 0}
    thin = only(told(asked=BySide(12, 7), **none), "thin", MEDIUM)
    assert thin.what == "mood: none of only 19 opinions passed; 20 are needed to call it unreachable"
    assert thin.evidence["asked_sell"] == 7 and thin.mend == "replay more days: --days"
    assert only(told(asked=BySide(1, 0), **none), "thin", MEDIUM).what.startswith("mood: none of only 1 ")
    assert told(asked=BySide(0, 0), **none) == [] == told(asked=BySide(12, 7), passes=BySide(1, 0))


def test_a_switch_is_named_and_units_and_senses_are_said() -> None:
    spec = structs.replace(gate("size", sense="at most", domain=(0.0, math.inf)), unit="bps", switch="risk.size")
    one = only(told(spec, passes=BySide(0, 0), clear_passes=0), "unreachable", CRITICAL)
    assert one.what == "size: at most 0.5 is asked, 0.1 to 0.9 bps was observed: none of 100 opinions passed"
    assert one.mend == "turn it off, or choose a limit near the 5th percentile of what is observed"


def test_nobody_wrote_a_limit_that_nothing_reaches_where_no_edge_is_seen() -> None:
    none: dict[str, Any] = {"passes": BySide(0, 0), "clear_passes": 0}
    flat = "no edge is seen after costs: nothing to mend here, it may start and stays flat"
    one = only(told(by_hand=False, **none), "unreachable", MEDIUM)
    assert one.mend == flat and one.what.endswith("none of 100 opinions passed")
    silent = Spread(0.0, 0.0, 0.0, 0.0, 0.0)
    assert only(told(observed=silent, **none), "unreachable", MEDIUM).mend == flat, "at the failing end of its domain, any limit would stop it"
    only(told(observed=structs.replace(silent, max=1e-9), **none), "unreachable", CRITICAL)
    most = gate("mood", sense="at most", domain=(0.0, 1.0))
    only(told(most, observed=Spread(1.0, 1.0, 1.0, 1.0, 1.0), **none), "unreachable", MEDIUM)
    only(told(most, observed=Spread(0.9, 1.0, 1.0, 1.0, 1.0), **none), "unreachable", CRITICAL)


def test_a_gate_that_stops_all_that_the_others_let_pass_is_unreachable_where_it_counts() -> None:
    one = only(told(clear=20, clear_passes=0), "unreachable", CRITICAL)
    assert one.what.endswith("none of the 20 opinions that all other gates let pass passed")
    assert only(told(clear=20, clear_passes=0, by_hand=False), "unreachable", MEDIUM).mend.startswith("its limit is the default")
    assert told(clear=19, clear_passes=0) == [], "of fewer than twenty that is luck"


def test_a_safety_gate_is_judged_where_the_opinion_was_good_enough() -> None:
    none: dict[str, Any] = {"passes": BySide(30, 20), "clear": 20, "clear_passes": 0, "fired": 1}
    one = only(told(SPREAD, sense="at most", **none), "unreachable", CRITICAL)
    assert one.what.endswith("none of 20 decisions that asked for new risk passed") and one.what.startswith("spread: at most 0.5 is asked")
    only(told(SPREAD, by_hand=False, **none), "unreachable", CRITICAL)
    only(told(SPREAD, observed=Spread(math.inf, 1.0, 1.0, 1.0, math.inf), **none), "unreachable", CRITICAL)
    assert told(SPREAD, clear=19, clear_passes=0) == [], "too few say nothing, not even that they are few"
    assert told(SPREAD, passes=FINE.asked, clear_passes=80) == [], "a guard that stops nothing is no fault"
    assert told(SPREAD, clear=20, clear_passes=1, asked=BySide(40, 40), passes=BySide(40, 0), spell_passes=BySide(15, 0)) == []


def test_a_gate_that_lets_hardly_any_pass_is_tight() -> None:
    """Two of a hundred are enough."""
    one = only(told(clear=101, clear_passes=2, asked=BySide(80, 80)), "tight", MEDIUM)
    assert one.what.endswith("was observed: 2 of the 101 opinions that all other gates let pass passed")
    assert one.mend == "nothing, if so few trades are meant; else a limit near the 95th percentile of what is observed lets some pass"
    assert told(clear=100, clear_passes=2, asked=BySide(80, 80)) == []
    strict = structs.replace(SETTINGS, least_clear=0.9)
    assert [len(gate_findings(Asked(MOOD, BTC, structs.replace(FINE, clear=count, clear_passes=count // 2)), strict)) for count in (19, 20)] == [0, 1]


# -- everything passes ----------------------------------------------------------------------------------------------------


def test_a_gate_that_everything_passes_is_vacuous_and_a_note_where_nobody_chose_it() -> None:
    everything: dict[str, Any] = {"passes": FINE.asked, "clear_passes": 80, "spell_passes": FINE.spells}
    one = only(told(written=Written("decision.mood", 0.5), **everything), "vacuous", HIGH)
    assert one.what == "mood: at least 0.5 is asked, 0.1 to 0.9 was observed: all 100 opinions passed, so it stops nothing"
    assert one.mend.startswith("decision.mood: tighten it") and one.evidence["passed_sell"] == 40
    note = only(told(by_hand=False, **everything), "vacuous", LOW)
    assert note.mend.startswith("nothing: ") and note.what == one.what
    assert told(off=True, **everything) == []
    only(told(passes=FINE.asked, clear=80, clear_passes=80, asked=FINE.asked), "vacuous", HIGH)


def test_what_is_always_as_good_as_can_be_no_limit_could_stop() -> None:
    everything: dict[str, Any] = {"passes": FINE.asked, "clear_passes": 80}
    assert told(observed=Spread(1.0, 1.0, 1.0, 1.0, 1.0), **everything) == []
    only(told(observed=Spread(0.999, 1.0, 1.0, 1.0, 1.0), **everything), "vacuous", HIGH)
    most = gate("mood", sense="at most", domain=(0.0, 1.0))
    assert told(most, observed=Spread(0.0, 0.0, 0.0, 0.0, 0.0), **everything) == []
    only(told(most, observed=Spread(0.0, 0.0, 0.0, 0.0, 0.001), **everything), "vacuous", HIGH)


# -- one side -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "other"), [("BUY", "SELL"), ("SELL", "BUY")])
def test_a_side_that_never_passes_while_the_other_does_is_named(side: str, other: str) -> None:
    def sided(own: int, others: int) -> BySide:
        return BySide(own, others) if side == "BUY" else BySide(others, own)

    seen: dict[str, Any] = {"asked": sided(1_200, 2_500), "passes": sided(0, 900), "spells": sided(25, 50), "spell_passes": sided(0, 40)}
    one = only(told(clear=0, written=Written("decision.mood", 0.5), **seen), "one_sided", CRITICAL)
    chance = chance_of_none(25, 50, 40)
    assert one.evidence["chance"] == chance < 0.001 and one.evidence["asked_buy"] == seen["asked"].buy
    assert one.what == f"mood stops 1,200 of 1,200 {side} opinions and lets 900 of 2,500 {other} pass (by luck: {chance:.1g})"
    assert one.mend == f"decision.mood: give {side} a limit that it can reach, or mend the source that never speaks for it"
    assert silenced_side(structs.replace(FINE, **seen), SETTINGS) == side


@pytest.mark.parametrize(
    ("own", "own_passed", "others", "others_passed", "is_silenced"),
    [
        (20, 0, 50, 40, True),
        (19, 0, 50, 40, False),
        (20, 1, 50, 40, False),
        (20, 0, 50, 0, False),
        (20, 0, 50, 5, False),
        (20, 0, 40, 14, False),
        (20, 0, 40, 15, True),
        (1_200, 0, 1, 1, True),
    ],
)
def test_a_side_is_silenced_where_twenty_spells_fail_and_luck_does_not_explain_it(
    own: int, own_passed: int, others: int, others_passed: int, is_silenced: bool
) -> None:
    for turned in (False, True):
        spells, passed = (BySide(*(pair[::-1] if turned else pair)) for pair in ((own, others), (own_passed, others_passed)))
        found = silenced_side(structs.replace(FINE, spells=spells, spell_passes=passed), SETTINGS)
        assert found == (("SELL" if turned else "BUY") if is_silenced else "")


def test_luck_is_compared_with_the_limit_of_the_settings() -> None:
    record = structs.replace(FINE, spells=BySide(20, 20), spell_passes=BySide(0, 20))
    luck = chance_of_none(20, 20, 20)
    assert silenced_side(record, structs.replace(SETTINGS, one_sided=luck)) == ""
    assert silenced_side(record, structs.replace(SETTINGS, one_sided=2 * luck)) == "BUY"


@given(asked=st.integers(0, 25), others=st.integers(0, 25), share=st.floats(0.0, 1.0))
def test_luck_is_the_share_of_all_ways_to_choose_who_passes(asked: int, others: int, share: float) -> None:
    passed = round(share * others)
    ways = math.comb(others, passed) / math.comb(asked + others, passed)  # all who pass are among the others
    assert chance_of_none(asked, others, passed) == pytest.approx(ways, rel=1e-9, abs=0.0)


def test_fishers_test_at_its_corner_has_the_known_answer() -> None:
    alone = math.comb(1171, 137) / math.comb(1361, 137)  # of 137 that passed none was among the 190 sells
    assert alone == pytest.approx(3.4e-10, rel=0.01, abs=0.0)
    assert chance_of_none(190, 1171, 137) == pytest.approx(alone, rel=1e-6, abs=0.0)
    assert chance_of_none(5, 5, 0) == 1.0
    assert chance_of_none(3, 3, 3) == pytest.approx(1 / 20)
    assert chance_of_none(4, 3, 4) == 0.0, "more passed than there are others"


# -- the longer record ----------------------------------------------------------------------------------------------------


def test_only_what_the_days_alone_condemn_is_looked_up_and_judged_again() -> None:
    none: dict[str, Any] = {"passes": BySide(0, 0), "clear": 0, "clear_passes": 0}
    longer = structs.replace(FINE, asked=BySide(600, 400), **none)
    assert told(longer=FINE, **none) == []
    assert only(told(longer=longer, **none), "unreachable", CRITICAL).what.endswith("none of 1,000 opinions passed")
    assert told(longer=longer) == [] == told(SPREAD, longer=longer) == told(longer=longer, passes=FINE.asked, off=True)
    assert told(longer=FINE, asked=BySide(2, 1), **none)[0].kind == "thin"
    only(told(longer=structs.replace(FINE, passes=FINE.asked), **none), "vacuous", HIGH)
    only(told(SPREAD, longer=structs.replace(FINE, clear=90, clear_passes=0), clear_passes=0, fired=1), "unreachable", CRITICAL)
    cases: tuple[tuple[str, dict[str, Any]], ...] = (
        ("tight", {"clear": 1_000, "clear_passes": 1, "asked": BySide(900, 900)}),
        ("one_sided", {"asked": BySide(80, 40), "passes": BySide(0, 20), "spells": BySide(40, 40), "spell_passes": BySide(0, 20)}),
    )
    for word, seen in cases:
        (one,) = told(longer=structs.replace(FINE, **seen), **none)
        assert one.kind == word and one.evidence["asked_buy"] == seen["asked"].buy


# -- data, distance, effect -----------------------------------------------------------------------------------------------


def test_a_gate_without_data_is_critical_where_it_never_had_any() -> None:
    one = only(told(unknown=1_500), "no_data", MEDIUM)
    assert one.what == "mood had no data for 1,500 of 1,600 opinions" and one.evidence == {"unknown": 1_500, "judged": 100}
    assert one.mend == 'give it its input, or let it pass knowingly: decision.unknown_passes = ["mood"]'
    nothing = BySide(0, 0)
    blind = told(SPREAD, unknown=1, asked=nothing, passes=nothing, clear=0, clear_passes=0, spells=nothing, spell_passes=nothing)
    assert only(blind, "no_data", CRITICAL).what == "spread had no data for 1 of 1 decisions that asked for new risk"


@pytest.mark.parametrize(("most", "is_far"), [(0.2, True), (0.2499, True), (0.25, False), (0.3, False), (math.nan, False)])
def test_a_safety_limit_that_was_not_half_reached_is_noted(most: float, is_far: bool) -> None:
    spec = structs.replace(SAFE, unit="bps")
    found = told(spec, fired=0, observed=structs.replace(FINE.observed, max=most))
    assert [(one.kind, one.severity) for one in found] == ([("far", LOW)] if is_far else [])
    if is_far:
        assert found[0].what == f"funding: the largest seen is {most:.4g} bps, and the limit 0.5 bps never came near"
        assert found[0].evidence["max"] == most and found[0].mend


@pytest.mark.parametrize(
    ("spec", "seen"),
    [
        (SAFE, {"fired": 1}),
        (SAFE, {"limit": 0.0, "observed": Spread(-9.0, -9.0, -9.0, -9.0, -9.0)}),
        (SAFE, {"limit": math.nan}),
        (structs.replace(SAFE, sense="at least"), {}),
        (gate("mood", sense="at most"), {}),
    ],
)
def test_only_a_safety_limit_from_above_that_never_fired_is_far(spec: GateSpec, seen: dict[str, Any]) -> None:
    assert told(spec, **{"fired": 0, "observed": structs.replace(FINE.observed, max=0.01), **seen}) == []


@pytest.mark.parametrize(
    ("sense", "low", "high", "value", "is_idle"),
    [
        ("at least", 0.6, 0.7, 0.5, True),
        ("at least", 0.5, 0.7, 0.5, False),
        ("at least", 0.5 + 1e-10, 0.7, 0.5, False),
        ("at least", 0.1, 0.2, 0.5, False),
        ("at most", 0.3, 0.4, 0.5, True),
        ("at most", 0.3, 0.5, 0.5, False),
        ("at most", 0.3, 0.5 - 1e-10, 0.5, False),
        ("at most", 0.6, 0.7, 0.5, False),
    ],
)
def test_a_written_limit_that_a_stricter_one_overrules_is_noted(sense: str, low: float, high: float, value: float, is_idle: bool) -> None:
    spec = gate("mood", sense=sense)
    seen: dict[str, Any] = {"limit": low, "limit_low": low, "limit_high": high}
    found = told(spec, written=Written("decision.mood", value), **seen)
    assert [(one.kind, one.severity) for one in found] == ([("without_effect", LOW)] if is_idle else [])
    if is_idle:
        assert found[0].what == f"decision.mood = 0.5 has no effect: the limit that decides is {low:g} to {high:g}"
        assert found[0].evidence == numbers_of(structs.replace(FINE, **seen)) and found[0].mend
    for silent in (None, Written("decision.mood", value, by_hand=False), Written("decision.mood")):
        assert told(spec, written=silent, **seen) == []
    assert told(spec, written=Written("decision.mood", value), **{**seen, "limit": math.nan}) == []


def test_everything_that_is_found_is_said_in_order() -> None:
    found = told(written=Written("decision.mood", 0.3), passes=BySide(0, 0), clear_passes=0, unknown=3, gate="mood")
    assert [one.kind for one in found] == ["unreachable", "no_data", "without_effect"]
    far = told(SAFE, fired=0, unknown=3, observed=structs.replace(FINE.observed, max=0.1), written=Written("risk.funding", 0.9))
    assert [one.kind for one in far] == ["no_data", "far", "without_effect"]


def test_numbers_are_those_of_the_record() -> None:
    assert numbers_of(FINE) == {
        "limit": 0.5, "limit_low": 0.5, "limit_high": 0.5, "min": 0.1, "p05": 0.2, "p50": 0.4, "p95": 0.7, "max": 0.9,
        "percentile": 0.5, "asked_buy": 60, "asked_sell": 40, "passed_buy": 30, "passed_sell": 20,
    }  # fmt: skip
    apart = structs.replace(FINE, limit=1.0, limit_low=2.0, limit_high=3.0, percentile=4.0)
    assert [numbers_of(apart)[name] for name in ("limit", "limit_low", "limit_high", "percentile")] == [1.0, 2.0, 3.0, 4.0]
