"""Reason codes: one word for every answer of every gate and for every outcome of a decision, from one enumerated catalog.

A gate's code is its name and what it found: NET_EDGE_BELOW_LIMIT, MODEL_SILENT_WARMING_UP, OPERATOR_PAUSED. The catalog is made
from the gates themselves, so a gate cannot answer without a code, and a code that no gate can give does not exist.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN
from metastackerbandit.domain.rows import (
    ENTER,
    EXIT,
    HOLD,
    INCREASE,
    KEEP,
    KINDS,
    ON_FLAT,
    ON_KILL,
    ON_OPPOSITE,
    ON_RESIZE,
    ON_SIGNAL,
    ON_TIME,
    REASONS,
    REDUCE,
    DecisionRow,
)

RESULTS = {NA: "N/A", PASS: "PASS", BLOCK: "BLOCK", UNKNOWN: "UNKNOWN"}

_FOUND = {NA: "NOT_APPLICABLE", PASS: "PASSED", UNKNOWN: "UNKNOWN"}
_ACTS = (
    (ENTER, ON_SIGNAL),
    (ENTER, ON_OPPOSITE),
    (INCREASE, ON_RESIZE),
    (REDUCE, ON_RESIZE),
    (EXIT, ON_FLAT),
    (EXIT, ON_OPPOSITE),
    (EXIT, ON_TIME),
    (EXIT, ON_KILL),
)  # what a decision does and on what; stops and targets are orders at the venue, not decisions
_SIDE_OF_LIMIT = {"at least": "BELOW_LIMIT", "at most": "ABOVE_LIMIT"}


class NamedGate(Protocol):
    """A gate's words: a GateSpec, or what the journal kept of one."""

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def sense(self) -> str: ...
    @property
    def meaning(self) -> str: ...
    @property
    def setting(self) -> str: ...
    @property
    def by_side(self) -> bool: ...
    @property
    def lead(self) -> float: ...
    @property
    def states(self) -> tuple[str, ...]: ...


class Reason(Struct, frozen=True):
    """One entry of the catalog: the code, whose it is (a gate, or "decision"), the result it belongs to, and what it means."""

    code: str
    of: str
    result: str
    meaning: str


def gate_code(gate: NamedGate, observed: float, verdict: int) -> str:
    """The code of one gate's answer; of a gate with states a block is named by the state observed, the last one for larger numbers."""
    found = _FOUND[verdict] if verdict != BLOCK else state_of(gate, observed) or _SIDE_OF_LIMIT[gate.sense]
    return f"{gate.name.upper()}_{found}"


def state_of(gate: NamedGate, observed: float) -> str:
    """The state in which a gate without a threshold blocks; empty for a threshold."""
    if not gate.states:
        return ""
    last = len(gate.states) - 1
    place = last if math.isnan(observed) else int(min(max(observed, 0.0), last))
    return gate.states[place] or gate.states[last]


def decision_code(row: DecisionRow) -> str:
    """The code of a decision's outcome: what was done and on what, or why nothing was."""
    if row.kind != HOLD:
        return _acted(row.kind, row.reason)
    if row.asks_risk != 0 and row.binding >= 0:
        return "HOLD_BLOCKED"
    if row.binding >= 0:
        return "HOLD_ORDER_NOT_LEGAL"
    if row.reason == ON_KILL:
        return "HOLD_KILLED"
    if row.signal == KEEP:
        return "HOLD_KEEPS_TARGET"
    if row.side == 0:
        return "HOLD_NO_OPINION" if row.signal == 0 else "HOLD_SIDE_NOT_SOLD_HERE"
    return "HOLD_AT_TARGET"


def gate_reasons(gate: NamedGate) -> tuple[Reason, ...]:
    """Every code that a gate can give."""
    name = gate.name.upper()
    blocks = [state for state in gate.states if state] or [_SIDE_OF_LIMIT[gate.sense]]
    return (
        Reason(f"{name}_PASSED", gate.name, "PASS", f"{gate.meaning}: within its limit"),
        *(Reason(f"{name}_{state}", gate.name, "BLOCK", f"{gate.meaning}: {plain_state(state)}") for state in blocks),
        Reason(f"{name}_UNKNOWN", gate.name, "UNKNOWN", f"{gate.meaning}: not known, though it should be"),
        Reason(f"{name}_NOT_APPLICABLE", gate.name, "N/A", f"{gate.meaning}: cannot exist here, or nothing asks for it"),
    )


def decision_reasons() -> tuple[Reason, ...]:
    """Every code that a decision's outcome can have."""
    acted = (Reason(_acted(kind, reason), "decision", KINDS[kind], f"{KINDS[kind]} on {REASONS[reason]}") for kind, reason in _ACTS)
    held = (
        ("HOLD_BLOCKED", "new risk was asked, and a gate stopped it"),
        ("HOLD_ORDER_NOT_LEGAL", "the change of position is not an order that the venue takes"),
        ("HOLD_KILLED", "the kill switch is thrown, and there is nothing to leave"),
        ("HOLD_KEEPS_TARGET", "the arm keeps its target"),
        ("HOLD_SIDE_NOT_SOLD_HERE", "the arm says SELL, which this market cannot hold"),
        ("HOLD_NO_OPINION", "no opinion, and no position"),
        ("HOLD_AT_TARGET", "the position is already what the opinion asks for"),
    )
    return (*(Reason(code, "decision", "HOLD", meaning) for code, meaning in held), *acted)


def catalog_of(gates: Iterable[NamedGate]) -> tuple[Reason, ...]:
    """Every code there is, decisions first, then gate by gate in the order in which they are asked."""
    return (*decision_reasons(), *(reason for gate in gates for reason in gate_reasons(gate)))


def _acted(kind: int, reason: int) -> str:
    return f"{KINDS[kind]}_ON_{REASONS[reason].upper().replace(' ', '_')}"


def plain_state(state: str) -> str:
    """A state's name as words."""
    return state.lower().replace("_", " ")
