"""The policy: what a position should become, mirrored exactly, and what a veto leaves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.decision.policy import vetoed, wish
from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN
from metastackerbandit.domain.kernel import row
from metastackerbandit.domain.rows import ENTER, EXIT, HOLD, INCREASE, KEEP, ON_FLAT, ON_OPPOSITE, REDUCE
from metastackerbandit.engine.book_limits import limits_of
from metastackerbandit.engine.gates import GATE_NAMES, GATES, ask_all
from metastackerbandit.engine.plan import plan_of
from metastackerbandit.engine.seen import Seen
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.risk.catalog import BREAKERS
from metastackerbandit.stacking.arm import prepared
from tests.covering import covers
from tests.markets import generated

LOTS = st.integers(-1_000_000, 1_000_000)
SIDES = st.sampled_from([-1, 0, 1])


@covers("B09")
@given(position=LOTS, side=SIDES, target=st.integers(-1, 1_000_000), resizes=st.booleans(), band=st.floats(0, 2), flips=st.booleans())
def test_buying_and_selling_are_mirror_images(position: int, side: int, target: int, resizes: bool, band: float, flips: bool) -> None:
    kind, wanted, asks, reason = wish(position, side, target, resizes, band, flips)
    assert wish(-position, -side, target, resizes, band, flips) == (kind, -wanted, asks, reason)
    after = vetoed(kind, position, side)
    assert vetoed(kind, -position, -side) == (after[0], -after[1])


@given(position=LOTS, side=st.sampled_from([-1, 0, 1, KEEP]), target=st.integers(-1, 1_000_000), band=st.floats(0, 2), flips=st.booleans())
def test_only_new_risk_asks_and_everything_else_shrinks_or_stays(position: int, side: int, target: int, band: float, flips: bool) -> None:
    kind, wanted, asks, _ = wish(position, side, target, True, band, flips)
    if asks:
        assert kind in (ENTER, INCREASE)
    elif kind == HOLD:
        assert wanted == position
    else:
        assert kind in (REDUCE, EXIT)
        assert abs(wanted) < abs(position) and wanted * position >= 0


@covers("A05")
@given(position=LOTS, side=SIDES, target=st.integers(0, 1_000_000), flips=st.booleans())
def test_a_veto_keeps_the_position_or_leaves_the_other_side(position: int, side: int, target: int, flips: bool) -> None:
    kind, _, asks, _ = wish(position, side, target, True, 0.25, flips)
    if asks:
        after, wanted = vetoed(kind, position, side)
        assert (after, wanted) == ((EXIT, 0) if position * side < 0 else (HOLD, position))


@pytest.mark.parametrize(
    ("position", "side", "target", "expected"),
    [
        (0, 1, 10, (ENTER, 10, 1)),
        (0, -1, 10, (ENTER, -10, 1)),
        (10, -1, 10, (EXIT, 0, 0)),
        (10, 0, 0, (EXIT, 0, 0)),
        (10, 1, 20, (INCREASE, 20, 1)),
        (10, 1, 5, (REDUCE, 5, 0)),
        (10, 1, 11, (HOLD, 10, 0)),
        (10, 1, -1, (HOLD, 10, 0)),
        (10, KEEP, 0, (HOLD, 10, 0)),
        (0, KEEP, 0, (HOLD, 0, 0)),
        (0, 0, 10, (HOLD, 0, 0)),
        (0, 1, 0, (ENTER, 0, 1)),  # the gates tell why nothing comes of it
        (0, 1, -1, (ENTER, 0, 1)),
        (1, 1, 2, (INCREASE, 2, 1)),
        (-1, -1, 2, (INCREASE, -2, 1)),
        (2, 1, 1, (REDUCE, 1, 0)),
        (1, -1, 5, (EXIT, 0, 0)),
        (10, 1, 0, (REDUCE, 0, 0)),
        (4, 1, 5, (INCREASE, 5, 1)),  # a change as large as the band is worth an order
        (4, 1, 3, (REDUCE, 3, 0)),
        (5, 1, 6, (HOLD, 5, 0)),
    ],
)
def test_wishes_by_example(position: int, side: int, target: int, expected: tuple[int, int, int]) -> None:
    assert wish(position, side, target, True, 0.25, False)[:3] == expected
    if side != KEEP:
        kind, wanted, asks = expected
        assert wish(-position, -side, target, True, 0.25, False)[:3] == (kind, -wanted, asks)


@given(position=st.integers(1, 1_000), target=st.integers(-1, 1_000), side=st.sampled_from([-1, 1]))
def test_a_flip_takes_the_whole_size_of_the_other_side_and_otherwise_it_leaves_first(position: int, target: int, side: int) -> None:
    size = max(target, 0)
    assert wish(-side * position, side, target, True, 0.25, True) == (ENTER, side * size, 1, ON_OPPOSITE)
    assert wish(-side * position, side, target, True, 0.25, False) == (EXIT, 0, 0, ON_OPPOSITE)


@given(position=st.integers(1, 1_000), target=st.integers(0, 1_000))
def test_without_a_band_every_change_is_worth_an_order_and_without_resizing_none_is(position: int, target: int) -> None:
    kind = HOLD if target == position else INCREASE if target > position else REDUCE
    assert wish(position, 1, target, True, 0.0, False)[0] == kind
    assert wish(position, 1, target, False, 0.0, False)[:3] == (HOLD, position, 0)


def test_a_flat_word_and_an_opposite_word_give_their_own_reason() -> None:
    assert wish(5, 0, 0, False, 0.0, False)[3] == ON_FLAT
    assert wish(5, -1, 5, False, 0.0, False)[3] == ON_OPPOSITE


@st.composite
def seens(draw: st.DrawFn) -> dict[str, float]:
    """A random state of everything that gates look at."""
    number = st.one_of(st.floats(0, 10), st.just(math.nan))
    values: dict[str, float] = {}
    for name, kind in Seen.__annotations__.items():
        values[name] = draw(number) if kind == "float" else draw(st.integers(0, 1))
    values["side"], values["last_side"] = draw(SIDES), draw(SIDES)
    return values


def asked(values: dict[str, float]) -> tuple[int, int, np.ndarray, np.ndarray, np.ndarray]:
    """Ask every gate about a state under the default limits."""
    recording = generated(1, 5, symbols=1)
    plan = plan_of(recording, "5m", "sma_cross", EngineSettings())
    limits = row(limits_of(plan, plan.books[0], [prepared([0], 0, [], 50)], 1.0))
    seen = row(Seen(**values))  # type: ignore[arg-type]
    observed, limit, verdict = np.zeros((1, len(GATES))), np.zeros((1, len(GATES))), np.zeros((1, len(GATES)), np.int8)
    binding, blocked = ask_all(seen[0], limits[0], np.zeros(len(GATES), np.int64), observed, limit, verdict, 0)
    return binding, blocked, observed[0], limit[0], verdict[0]


@covers("2.110")
@given(values=seens())
def test_every_gate_is_asked_and_the_first_refusal_binds(values: dict[str, float]) -> None:
    binding, blocked, _, _, verdict = asked(values)
    refused = np.flatnonzero((verdict == BLOCK) | (verdict == UNKNOWN))
    assert blocked == len(refused)
    assert binding == (refused[0] if len(refused) else -1)
    assert set(verdict) <= {NA, PASS, BLOCK, UNKNOWN}


@covers("0.25", "E01")
@given(values=seens())
def test_a_verdict_follows_from_its_numbers_and_equality_admits(values: dict[str, float]) -> None:
    _, _, observed, limit, verdict = asked(values)
    for place, gate in enumerate(GATES):
        if verdict[place] == NA or gate in BREAKERS[:-1]:  # a tripped breaker blocks whatever the number does
            continue
        if math.isnan(observed[place]) or math.isnan(limit[place]):
            assert verdict[place] == UNKNOWN
        else:
            passes = observed[place] <= limit[place] if gate.sense == "at most" else observed[place] >= limit[place]
            assert verdict[place] == (PASS if passes else BLOCK)


@covers("B09", "A15")
@given(values=seens())
def test_gates_see_a_mirrored_row_the_same_way(values: dict[str, float]) -> None:
    mirrored = values | {name: -values[name] for name in ("side", "held_side", "last_side")}
    one, other = asked(values), asked(mirrored)
    assert one[:2] == other[:2]
    assert one[4].tobytes() == other[4].tobytes()


def test_gate_names_are_unique_and_described() -> None:
    assert len(set(GATE_NAMES)) == len(GATE_NAMES)
    for gate in GATES:
        assert gate.meaning and gate.sense in ("at most", "at least") and gate.kind in ("safety", "opinion")
