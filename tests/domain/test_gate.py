"""A verdict: PASS on the limit's own side and on the limit itself, UNKNOWN where a number is missing, and never a guess."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN, VERDICTS, GateSpec, at_least, at_most, not_asked, of_wanted

FEW = settings(max_examples=50)
KNOWN = st.floats(allow_nan=False)
NUMBERS = st.one_of(st.floats(), st.integers(-2, 2).map(float))


def same(one: float, other: float) -> bool:
    """Whether two numbers are the same one, or both missing."""
    return one == other or (math.isnan(one) and math.isnan(other))


@FEW
@given(observed=NUMBERS, limit=NUMBERS)
def test_a_gate_shows_what_it_compared_and_knows_only_what_is_there(observed: float, limit: float) -> None:
    for ask, passes in ((at_most, observed <= limit), (at_least, observed >= limit)):
        seen, compared, verdict = ask(observed, limit)
        assert same(seen, observed) and same(compared, limit)
        if math.isnan(observed) or math.isnan(limit):
            assert verdict == UNKNOWN
        else:
            assert verdict == (PASS if passes else BLOCK)


@FEW
@given(observed=KNOWN, limit=KNOWN)
def test_the_two_senses_are_mirror_images(observed: float, limit: float) -> None:
    assert at_most(observed, limit)[2] == at_least(-observed, -limit)[2]


@pytest.mark.parametrize(("observed", "most", "least"), [(0.5, PASS, PASS), (0.6, BLOCK, PASS), (0.4, PASS, BLOCK), (math.nan, UNKNOWN, UNKNOWN)])
def test_the_limit_itself_passes(observed: float, most: int, least: int) -> None:
    assert (at_most(observed, 0.5)[2], at_least(observed, 0.5)[2]) == (most, least)


def test_a_gate_without_anything_to_look_at_shows_its_limit_and_no_observation() -> None:
    observed, limit, verdict = not_asked(0.7)
    assert math.isnan(observed) and (limit, verdict) == (0.7, NA)
    assert [VERDICTS[verdict] for verdict in (NA, PASS, BLOCK, UNKNOWN)] == ["n/a", "pass", "BLOCK", "UNKNOWN"]


@FEW
@given(side=st.sampled_from([-1, 0, 1]), buy=NUMBERS, sell=NUMBERS)
def test_a_side_has_its_own_limit_and_without_one_the_stricter_that_is_given_counts(side: int, buy: float, sell: float) -> None:
    given_ = [limit for limit in (buy, sell) if not math.isnan(limit)]
    expected = {1: buy, -1: sell, 0: max(given_, default=math.nan)}[side]
    assert same(of_wanted(side, buy, sell), expected)


def test_limits_of_two_sides() -> None:
    assert [of_wanted(side, 0.6, 0.55) for side in (1, 0, -1)] == [0.6, 0.6, 0.55]
    assert [of_wanted(0, *limits) for limits in ((0.5, 0.6), (math.nan, 0.4), (0.4, math.nan))] == [0.6, 0.4, 0.4]
    assert math.isnan(of_wanted(1, math.nan, 0.6)) and math.isnan(of_wanted(-1, 0.6, math.nan)) and math.isnan(of_wanted(0, math.nan, math.nan))


def gate(sense: str, low: float = -math.inf, high: float = math.inf, off: float = math.nan) -> GateSpec:
    """A gate of one sense, with the values that its quantity can have and the limit that switches it off."""
    return GateSpec("a", "unit", sense, "safety", "a meaning", at_least if sense == "at least" else at_most, domain=(low, high), off=off)


@FEW
@given(limit=st.one_of(KNOWN, st.floats(-1, 2)), sense=st.sampled_from(["at least", "at most"]), observed=st.floats(0, 1))
def test_a_gate_that_is_off_lets_every_value_of_its_domain_pass(limit: float, sense: str, observed: float) -> None:
    spec = gate(sense, 0.0, 1.0)
    if spec.is_off(limit):
        assert spec.ask(observed, limit)[2] == PASS
    else:
        assert spec.ask(0.0 if sense == "at least" else 1.0, limit)[2] == BLOCK


@pytest.mark.parametrize(
    ("spec", "off", "on"),
    [
        (gate("at least", 0.0, 1.0), (0.0, -0.1, -math.inf), (1e-9, 1.0, math.inf)),
        (gate("at most", 0.0, 1.0), (1.0, 1.1, math.inf), (0.999, 0.0, -math.inf)),
        (gate("at least", 0.0, 1.0, off=0.5), (0.5, 0.0), (0.51,)),
        (gate("at most", 0.0, 1.0, off=0.5), (0.5, 0.6), (0.49,)),
        (gate("at least"), (-math.inf,), (0.0, -1e300)),
        (gate("at most"), (math.inf,), (0.0, 1e300)),
    ],
)
def test_a_gate_is_off_from_the_end_of_its_domain_or_the_limit_that_says_so(spec: GateSpec, off: tuple[float, ...], on: tuple[float, ...]) -> None:
    assert all(spec.is_off(limit) for limit in off)
    assert not any(spec.is_off(limit) for limit in (*on, math.nan))
