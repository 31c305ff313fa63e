"""What the engine remembers and what leaves it: arrays of the shapes and rows that their comments state, empty at first."""

from __future__ import annotations

import inspect
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.rows import ControlRow, DecisionRow, EquityRow, FillRow, LedgerRow, OrderRow, OutcomeRow, TripRow
from metastackerbandit.engine import world as own
from metastackerbandit.engine.world import WORKING_SLOTS, Cursor, EffectRow, Out, World, empty_out, empty_world
from metastackerbandit.stacking.consensus import OUTPUTS, SOURCES
from metastackerbandit.stacking.context import CELLS
from metastackerbandit.stacking.shadow import MOST_OUTCOMES

NUMBERS = ("int64", "float64")
STATED = re.compile(r"^    (\w+): Any  # \((.+?)\) (\w+)", re.MULTILINE)
ROOMS = {  # what fixed numbers of the comments are
    "1": 1,
    "2": MOST_OUTCOMES,
    "6": CELLS,
    "200": OUTPUTS,
    "J": len(SOURCES),
    "W": WORKING_SLOTS,
}


def stated(kind: type) -> dict[str, tuple[list[str], Any]]:
    """Field -> the letters of its shape and the dtype of its rows, as its comment has them."""
    return {
        name: ([letter.strip() for letter in shape.strip(",").split(",")], row if row in NUMBERS else layout(getattr(own, row)))
        for name, shape, row in STATED.findall(inspect.getsource(kind))
    }


@settings(max_examples=25)
@given(sizes=st.permutations(range(1, 9)))
def test_every_array_of_the_world_is_empty_and_as_large_as_its_comment_says(sizes: list[int]) -> None:
    books, symbols, arms, frames, memory, reals, sets, gates = sizes
    letters = ROOMS | {"S": books, "Y": symbols, "A": arms, "K": frames, "M": memory, "R": reals, "H": sets, "G": gates, "G + 1": gates + 1}
    comments = stated(World)
    assert tuple(comments) == World._fields
    for name, array in empty_world(*sizes)._asdict().items():
        shape, kind = comments[name]
        assert array.shape == tuple(letters[letter] for letter in shape), name
        assert array.dtype == kind, name
        assert not any(array.tobytes()), name


@settings(max_examples=25)
@given(sizes=st.permutations(range(1, 5)))
def test_what_leaves_has_room_for_traces_for_events_and_for_the_curve(sizes: list[int]) -> None:
    gates, decisions, events, curve = sizes
    traces = {"decisions": DecisionRow, "observed": "f8", "limit": "f8", "verdict": "i1"}
    happened = {
        "effects": EffectRow,
        "orders": OrderRow,
        "fills": FillRow,
        "ledger": LedgerRow,
        "trips": TripRow,
        "controls": ControlRow,
        "outcomes": OutcomeRow,
    }
    out = empty_out(gates, decisions, events, curve)
    assert out.cursor.shape == (1,) and out.cursor.dtype == layout(Cursor)
    for name, row in traces.items():
        array = getattr(out, name)
        if isinstance(row, str):
            assert array.shape == (decisions, gates) and array.dtype == row, name
        else:
            assert array.shape == (decisions,) and array.dtype == layout(row), name
    for name, kind in happened.items():
        array = getattr(out, name)
        assert array.shape == (events,) and array.dtype == layout(kind), name
    assert out.curve.shape == (curve,) and out.curve.dtype == layout(EquityRow)
    assert set(Out._fields) == {"cursor", "curve", *traces, *happened}
    assert not any(any(array.tobytes()) for array in out)


def test_a_counter_stands_for_each_kind_of_row_that_leaves() -> None:
    assert set(Cursor.__struct_fields__) == set(Out._fields) - {"cursor", "observed", "limit", "verdict"}
