"""Names of our orders: the same for the same decision, different for different ones, in the narrowest form of any venue, and read back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.execution.client_ids import LONGEST, PREFIX, client_id, numbers_of, run_mark, trade_number
from tests.covering import covers

numbers = st.integers(0, 36**7 - 1)
NARROWEST = re.compile(r"^[.A-Z:/a-z0-9_-]{1,36}$")


@covers("2.124")
@given(run=st.text(max_size=40), decision=numbers, order=numbers, leg=numbers)
def test_a_name_fits_any_venue_and_is_read_back(run: str, decision: int, order: int, leg: int) -> None:
    made = client_id(run_mark(run), decision, order, leg)
    assert NARROWEST.match(made) and made.startswith(PREFIX) and len(made) <= LONGEST
    assert numbers_of(made) == (run_mark(run), decision, order, leg)
    assert made == client_id(run_mark(run), decision, order, leg)


@given(st.tuples(numbers, numbers, numbers), st.tuples(numbers, numbers, numbers))
def test_two_names_are_equal_only_for_one_leg(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    assert (client_id("a" * 8, *one) == client_id("a" * 8, *other)) == (one == other)


def test_marks_are_as_they_always_were() -> None:
    assert (run_mark("run-1"), client_id(run_mark("run-1"), 7, 40, 1)) == ("3m7i7odx", "msb-3m7i7odx-7-14-1")
    assert run_mark("run-1") != run_mark("run-2") and len(run_mark("")) == 8


@pytest.mark.parametrize(
    "name",
    ["", "web_abc", "msb-", "msb-3m7i7odx-7-14", "msb-3m7i7odx-7-14-1-2", "MSB-3m7i7odx-7-14-1", "xmsb-3m7i7odx-7-14-1", "msb-3m7i7odx-7-14-1\n"],
)
def test_names_of_others_are_not_ours(name: str) -> None:
    assert numbers_of(name) is None


@pytest.mark.parametrize("numbers", [(-1, 0, 0), (0, 36**7, 0), (0, 0, 36**7)])
def test_a_number_that_does_not_fit_is_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        client_id("a" * 8, *numbers)


@given(st.text(max_size=40), st.text(max_size=40))
def test_the_number_of_a_fill_fits_and_tells_one_from_another(one: str, other: str) -> None:
    first, second = trade_number(one), trade_number(other)
    assert 0 < first < 2**63 and (first == second) == (one == other or (one.isdecimal() and other.isdecimal() and int(one) == int(other)))


def test_a_number_is_its_own_number() -> None:
    assert trade_number("7") == 7 and trade_number(str(2**63 - 1)) == 2**63 - 1
    assert trade_number(str(2**63)) < 2**63 and trade_number("0") > 0
