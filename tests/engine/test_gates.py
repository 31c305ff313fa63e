"""Every gate is asked, in one order; the first that blocks new risk binds, and those about a prediction alone can be asked apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.decision.catalog import GATES as OPINION_GATES
from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN, GateSpec
from metastackerbandit.engine.gates import GATE_NAMES, GATES, LEGAL_GATE, PREDICTION_GATES, ask_all, asking, would_pass
from metastackerbandit.engine.seen import Seen
from metastackerbandit.execution.catalog import AFTER_EXPOSURE, BEFORE_EXPOSURE
from metastackerbandit.risk.catalog import BREAKERS, EXPOSURE
from tests.gated import limits_of, seen_of

NUMBERS = [name for name, kind in Seen.__annotations__.items() if kind == "float"]
Told = tuple[float, float, int]


def saying(place: int, told: Told) -> GateSpec:
    """A gate that says this whatever it sees."""
    ask: Callable[..., Told] = lambda seen, limits: told  # noqa: E731 - a gate's kernel, as short as it can be
    return GateSpec(f"gate_{place}", "", "at most", "safety", "", ask)


def blocks(verdict: int, lenient: int) -> bool:
    """A gate that blocks, or does not know and is not waved through."""
    return verdict == BLOCK or (verdict == UNKNOWN and lenient == 0)


TOLD = st.tuples(st.floats(-9, 9), st.floats(-9, 9), st.sampled_from([NA, PASS, BLOCK, UNKNOWN]), st.integers(0, 1))


@settings(max_examples=50)
@given(told=st.lists(TOLD, max_size=5), row=st.integers(0, 2))
def test_all_are_asked_the_first_that_blocks_binds_and_all_that_block_are_counted(told: list[tuple[float, float, int, int]], row: int) -> None:
    ask = asking(tuple(saying(place, one[:3]) for place, one in enumerate(told)))
    observed, limit = np.full((3, len(told)), 77.0), np.full((3, len(told)), 77.0)
    verdicts = np.full((3, len(told)), 77, np.int8)
    lenient = np.array([one[3] for one in told], np.int64)
    binding, blocked = ask(None, None, lenient, observed, limit, verdicts, row)
    stopped = [place for place, one in enumerate(told) if blocks(one[2], one[3])]
    assert (binding, blocked) == (stopped[0] if stopped else -1, len(stopped))
    assert list(zip(observed[row], limit[row], verdicts[row], strict=True)) == [one[:3] for one in told]
    others = [n for n in range(3) if n != row]
    assert (observed[others] == 77).all() and (limit[others] == 77).all() and (verdicts[others] == 77).all()  # nothing but the decision's row


def test_a_gate_sees_what_is_seen_and_the_limits() -> None:
    both: Callable[..., Any] = lambda seen, limits: (seen, limits, PASS)  # noqa: E731
    observed, limit, verdicts = np.zeros((1, 1)), np.zeros((1, 1)), np.zeros((1, 1), np.int8)
    asked = asking((GateSpec("both", "", "at most", "safety", "", both),))(3.0, 5.0, np.zeros(1, np.int64), observed, limit, verdicts, 0)
    assert asked == (-1, 0) and (observed[0, 0], limit[0, 0]) == (3.0, 5.0)


def test_opinions_come_first_then_the_order_the_exposure_what_trading_leaves_and_breakers() -> None:
    assert (*OPINION_GATES, *BEFORE_EXPOSURE, *EXPOSURE, *AFTER_EXPOSURE, *BREAKERS) == GATES
    assert len(set(GATE_NAMES)) == len(GATES) and GATE_NAMES[LEGAL_GATE] == "legal_order"


def judged(seen: Any, limits: Any, gate: GateSpec) -> int:
    """One gate's verdict."""
    return int(gate.ask(seen, limits)[2])


@settings(max_examples=25)
@given(
    changes=st.dictionaries(st.sampled_from(NUMBERS), st.sampled_from([-1.0, 0.0, 0.3, 1.0, 50.0, float("nan")]), max_size=30), bits=st.integers(0, 7)
)
def test_the_gates_asked_at_once_say_what_each_says_alone(changes: dict[str, float], bits: int) -> None:
    given_ = {**changes, "asks": 1, "moves": 1, "has_model": bits & 1, "side": 1 if bits & 2 else -1}
    seen, limits = seen_of(**given_), limits_of(asks_conformal=bits >> 2)
    lenient = np.arange(len(GATES)) % 3 // 2
    observed, limit, verdicts = np.zeros((1, len(GATES))), np.zeros((1, len(GATES))), np.zeros((1, len(GATES)), np.int8)
    binding, blocked = ask_all(seen, limits, lenient, observed, limit, verdicts, 0)
    assert verdicts[0].tolist() == [judged(seen, limits, gate) for gate in GATES]
    stopped = [place for place in range(len(GATES)) if blocks(int(verdicts[0, place]), int(lenient[place]))]
    assert (binding, blocked) == (stopped[0] if stopped else -1, len(stopped))
    alone = [GATE_NAMES.index(name) for name in PREDICTION_GATES]
    assert would_pass(seen, limits, lenient) == (not set(alone) & set(stopped))


@pytest.mark.parametrize("name", PREDICTION_GATES)
def test_each_gate_about_a_prediction_alone_can_stop_its_trade_and_be_waved_through_where_it_does_not_know(name: str) -> None:
    """Nothing is known of the prediction but that it has a meta-label: the named gate alone may not be waved through."""
    place = GATE_NAMES.index(name)
    nothing = dict.fromkeys(NUMBERS, float("nan")) | {"worth": 0.6}
    seen, limits = seen_of(asks=1, moves=1, has_model=1, side=1, **nothing), limits_of(asks_conformal=1)
    assert judged(seen, limits, GATES[place]) == UNKNOWN
    lenient = np.ones(len(GATES), np.int64)
    assert would_pass(seen, limits, lenient)
    lenient[place] = 0
    assert not would_pass(seen, limits, lenient)
