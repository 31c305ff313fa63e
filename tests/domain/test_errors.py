"""Every error says where, what and the mend, and its class says who must act and with which exit code the process ends."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain import errors
from metastackerbandit.domain.errors import Fault, MsbError, OperatorError, SupervisorError

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, MsbError)]
WORDS = st.text("ab7 :()", max_size=6)


@settings(max_examples=40)
@given(kind=st.sampled_from(KINDS), what=WORDS.filter(bool), where=WORDS, mend=WORDS)
def test_an_error_keeps_its_three_parts_and_tells_those_that_there_are(kind: type[MsbError], what: str, where: str, mend: str) -> None:
    error = kind(what, where=where, mend=mend)
    assert (error.what, error.where, error.mend, error.args) == (what, where, mend, (what,))
    assert str(error) == (f"{where}: {what}" if where else what) + (f" ({mend})" if mend else "")


def test_place_and_mend_may_be_left_out() -> None:
    error = MsbError("the disk is full")
    assert (error.where, error.mend, str(error)) == ("", "", "the disk is full")
    assert str(MsbError("7 is odd", where="lots", mend="write 8")) == "lots: 7 is odd (write 8)"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_exit_code_is_4_where_the_operator_must_act_and_1_elsewhere_but_for_two_that_have_their_own(kind: type[MsbError]) -> None:
    own = {"UsageError": 2, "NotFound": 6}
    assert kind.exit_code == own.get(kind.__name__, 4 if issubclass(kind, OperatorError) else 1)


def test_one_of_three_must_act() -> None:
    acting = (OperatorError, SupervisorError, Fault)
    assert all(sum(issubclass(kind, one) for one in acting) == 1 for kind in KINDS if kind is not MsbError)
