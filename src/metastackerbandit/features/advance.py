"""One kernel that takes a closed bar through every family, or those that are asked for, written from the catalog."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from msgspec import Struct, defstruct

from metastackerbandit.domain.kernel import kernel, rows, written
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.features.catalog import FAMILIES, FEATURES
from metastackerbandit.features.funding import CELLS as SETTLEMENT_CELLS
from metastackerbandit.features.heard import Heard, listen
from metastackerbandit.features.seen import Seen, look
from metastackerbandit.features.spans import LONGEST_LOSS, LONGEST_SILENCE, RING
from metastackerbandit.features.spec import Family


def _memory(name: str, first: tuple[str, type[Struct]], families: Sequence[Family]) -> type[Struct]:
    """One record of what these families remember."""
    return defstruct(name, [first, *((family.name, family.memory) for family in families if family.memory is not None)], frozen=True)


HEARING = tuple(family for family in FAMILIES if family.hears is not None)
Memory = _memory("Memory", ("seen", Seen), [family for family in FAMILIES if family.hears is None])
Hearing = _memory("Hearing", ("heard", Heard), HEARING)
CELLS = sum(family.cells for family in FAMILIES)
REALS = sum(family.reals for family in FAMILIES)
INTEGERS = sum(family.integers for family in FAMILIES)
COUNT = len(FEATURES)


class State(Struct, frozen=True, eq=False):
    """All that features remember: records (1,) of Setup and Memory, the ring of closes, families' cells, and the settlements; of the book
    what was heard, a record (1,) of Hearing, and the cells of its families.

    `blank` (1,) is a Memory that has seen nothing, `silent` (1,) a Hearing that has heard nothing.
    """

    setup: np.ndarray
    memory: np.ndarray
    blank: np.ndarray
    past: np.ndarray
    reals: np.ndarray
    integers: np.ndarray
    settlements: np.ndarray
    hearing: np.ndarray
    silent: np.ndarray
    cells: np.ndarray


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
        rows(Hearing, 1),
        rows(Hearing, 1),
        np.zeros(max(CELLS, 1)),
    )


def _taken(function: Any, known: dict[str, str]) -> str:
    """What a kernel takes, by the names of its parameters."""
    return ", ".join(known[name] for name in inspect.signature(getattr(function, "py_func", function)).parameters)


def _arguments(family: Family, reals: int, integers: int, cells: int, column: int) -> str:
    """What a family's step takes."""
    known = {
        "bar": "bar",
        "seen": "mine.seen",
        "past": "past",
        "mine": f"{'mine' if family.hears is None else 'told'}.{family.name}",
        "heard": "told.heard",
        "cells": f"cells[{cells} : {cells + family.cells}]",
        "reals": f"reals[{reals} : {reals + family.reals}]",
        "integers": f"integers[{integers} : {integers + family.integers}]",
        "settlements": "settlements",
        "out": f"values[n, {column} : {column + len(family.specs)}]",
    }
    return _taken(family.step, known)


def _source(families: tuple[Family, ...]) -> str:
    count = sum(len(family.specs) for family in families)
    lines = [
        "def advance(bars, place, setup, memory, blank, past, reals, integers, settlements, hearing, cells, values, valid, n):",
        "    bar = bars[place]",
        "    mine = memory[0]",
        "    told = hearing[0]",
        "    if mine.seen.bars > 0 and bar.opened_ns - mine.seen.closed_ns > setup[0].longest_hole_ns:",
        "        memory[0] = blank[0]",
        "        reals[:] = 0.0",
        "        integers[:] = 0",
        f"    for column in range({count}):",
        "        values[n, column] = nan",
        "    look(bar, setup[0], mine.seen, past)",
        f"    is_heard = setup[0].has_book and told.heard.seconds > 0 and bar.known_ns - told.heard.closed_ns <= {LONGEST_SILENCE * SECOND_NS}",
    ]
    reals = integers = cells = column = 0
    for family in FAMILIES:
        if family in families:
            where = "    " if family.hears is None else "    if is_heard:\n        "
            lines.append(f"{where}{family.name}({_arguments(family, reals, integers, cells, column)})")
            column += len(family.specs)
        reals += family.reals
        integers += family.integers
        cells += family.cells
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
    """advance(bars (N,), place, setup, memory, blank, past, reals, integers, settlements, hearing, cells, values (M, F), valid (M, F), n) -> None.

    Takes bars[place] through these families of the catalog, in its order, and writes row n; after a hole longer than the setup allows, all but
    the settlements and what was heard of the book starts anew. A family's columns do not depend on which others are asked.
    """
    names = {"look": look, "nan": np.nan, "inf": np.inf, **{family.name: family.step for family in families}}
    return kernel(written("advance", _source(families), names, __name__))


def _hearing_source(families: tuple[Family, ...]) -> str:
    lines = [
        "def hear(seconds, place, hearing, silent, cells):",
        "    second = seconds[place]",
        "    told = hearing[0]",
        "    if second.is_trusted == 0 or second.closed_ns <= told.heard.closed_ns:",
        "        return",
        f"    if told.heard.seconds > 0 and second.closed_ns - told.heard.closed_ns > {LONGEST_LOSS * SECOND_NS}:",
        "        hearing[0] = silent[0]",
        "        cells[:] = 0.0",
        "    listen(second, told.heard)",
    ]
    cells = 0
    for family in HEARING:
        if family in families:
            known = {"second": "second", "heard": "told.heard", "mine": f"told.{family.name}", "cells": f"cells[{cells} : {cells + family.cells}]"}
            lines.append(f"    hear_{family.name}({_taken(family.hears, known)})")
        cells += family.cells
    return "\n".join(lines) + "\n"


@cache
def hear_of(families: tuple[Family, ...]) -> Any:
    """hear(seconds (N,), place, hearing, silent, cells) -> None: takes seconds[place] of a book through those of the families that hear them.

    One without a trusted book, and one that is not newer than the newest, is left out; after a loss of more than LONGEST_LOSS seconds all that
    was heard starts anew.
    """
    names = {"listen": listen, **{f"hear_{family.name}": family.hears for family in HEARING if family in families}}
    return kernel(written("hear", _hearing_source(families), names, __name__))


advance: Any = advance_of(FAMILIES)
hear: Any = hear_of(FAMILIES)
