"""One kernel that takes a closed bar through every family, or those that are asked for, written from the catalog."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import numpy as np
from msgspec import Struct, defstruct

from metastackerbandit.domain.kernel import kernel, rows, written
from metastackerbandit.features.catalog import FAMILIES, FEATURES
from metastackerbandit.features.funding import CELLS as SETTLEMENT_CELLS
from metastackerbandit.features.seen import Seen, look
from metastackerbandit.features.spans import RING
from metastackerbandit.features.spec import Family

Memory: type[Struct] = defstruct(
    "Memory", [("seen", Seen), *((family.name, family.memory) for family in FAMILIES if family.memory is not None)], frozen=True
)
REALS = sum(family.reals for family in FAMILIES)
INTEGERS = sum(family.integers for family in FAMILIES)
COUNT = len(FEATURES)


class State(Struct, frozen=True, eq=False):
    """All that features remember: records (1,) of Setup and Memory, the ring of closes, families' cells, and the settlements.

    `blank` (1,) is a Memory that has seen nothing.
    """

    setup: np.ndarray
    memory: np.ndarray
    blank: np.ndarray
    past: np.ndarray
    reals: np.ndarray
    integers: np.ndarray
    settlements: np.ndarray


def state_of(setup: np.ndarray) -> State:
    """The state before the first bar."""
    return State(
        setup,
        rows(Memory, 1),
        rows(Memory, 1),
        np.zeros(RING),
        np.zeros(max(REALS, 1)),
        np.zeros(max(INTEGERS, 1), np.int64),
        np.zeros(SETTLEMENT_CELLS, np.int64),
    )


def _arguments(family: Family, reals: int, integers: int, column: int) -> str:
    """What a family's step takes, by the names of its parameters."""
    known = {
        "bar": "bar",
        "seen": "mine.seen",
        "past": "past",
        "mine": f"mine.{family.name}",
        "reals": f"reals[{reals} : {reals + family.reals}]",
        "integers": f"integers[{integers} : {integers + family.integers}]",
        "settlements": "settlements",
        "out": f"values[n, {column} : {column + len(family.specs)}]",
    }
    taken = inspect.signature(getattr(family.step, "py_func", family.step)).parameters
    return ", ".join(known[name] for name in taken)


def _source(families: tuple[Family, ...]) -> str:
    count = sum(len(family.specs) for family in families)
    lines = [
        "def advance(bars, place, setup, memory, blank, past, reals, integers, settlements, values, valid, n):",
        "    bar = bars[place]",
        "    mine = memory[0]",
        "    if mine.seen.bars > 0 and bar.opened_ns - mine.seen.closed_ns > setup[0].longest_hole_ns:",
        "        memory[0] = blank[0]",
        "        reals[:] = 0.0",
        "        integers[:] = 0",
        f"    for column in range({count}):",
        "        values[n, column] = nan",
        "    look(bar, setup[0], mine.seen, past)",
    ]
    reals = integers = column = 0
    for family in FAMILIES:
        if family in families:
            lines.append(f"    {family.name}({_arguments(family, reals, integers, column)})")
            column += len(family.specs)
        reals += family.reals
        integers += family.integers
    lines += [
        f"    for column in range({count}):",
        "        if abs(values[n, column]) < inf:",
        "            valid[n, column] = True",
        "        else:",
        "            values[n, column] = nan",
        "            valid[n, column] = False",
    ]
    return "\n".join(lines) + "\n"


@cache
def advance_of(families: tuple[Family, ...]) -> Any:
    """advance(bars (N,), place, setup, memory, blank, past, reals, integers, settlements, values (M, F), valid (M, F), n) -> None.

    Takes bars[place] through these families of the catalog, in its order, and writes row n; after a hole longer than the setup allows, all but
    the settlements starts anew. A family's columns do not depend on which others are asked.
    """
    names = {"look": look, "nan": np.nan, "inf": np.inf, **{family.name: family.step for family in families}}
    return kernel(written("advance", _source(families), names, __name__))


advance: Any = advance_of(FAMILIES)
