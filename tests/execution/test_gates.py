"""Every gate of execution under one contract: when it is asked, what it compares with what, and that equality passes."""

from __future__ import annotations

import math
from typing import Any

import pytest

from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN, GateSpec
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.execution.catalog import AFTER_EXPOSURE, BEFORE_EXPOSURE
from metastackerbandit.execution.settings import ExecutionSettings
from tests.gated import answer, limits_under

GATES = {gate.name: gate for gate in (*BEFORE_EXPOSURE, *AFTER_EXPOSURE)}

# For each gate, a state and limits in which it is asked, and the field that it observes with a value on its limit: (seen, limits, field, at).
ASKED: dict[str, tuple[dict[str, float], dict[str, float], str, float]] = {
    "cooldown": ({}, {"cooldown_bars": 2}, "since_exit", 3),
    "flip_gap": ({"side": 1, "last_side": -1}, {"flip_gap_bars": 2}, "since_exit", 3),
    "new_signal": ({"asks": 1}, {}, "is_new_signal", 1),
    "minimum_change": ({"asks": 1}, {"min_change_bps": 5.0}, "change_bps", 5.0),
    "impact": ({"asks": 1, "has_volume": 1}, {"max_impact_bps": 10.0}, "impact_bps", 10.0),
    "orders_a_day": ({}, {"max_orders_a_day": 200}, "orders_today", 200),
    "order_volume": ({"asks": 1, "has_volume": 1}, {"max_order_volume": 0.005}, "participation", 0.005),
    "day_volume": ({"asks": 1, "has_volume": 1}, {"max_day_volume": 0.02}, "day_participation", 0.02),
    "legal_order": ({"moves": 1, "least_lots": 3.0}, {}, "legal_lots", 3.0),
}
# Ways in which there is nothing to look at: what is otherwise in the state.
NOT_ASKED: list[tuple[str, dict[str, float]]] = [
    ("cooldown", {"since_exit": -1}),
    ("flip_gap", {"since_exit": -1}),
    ("flip_gap", {"last_side": 1}),
    ("flip_gap", {"last_side": 0}),
    ("new_signal", {"asks": 0}),
    ("minimum_change", {"asks": 0}),
    ("impact", {"asks": 0}),
    ("impact", {"has_volume": 0}),
    ("order_volume", {"asks": 0}),
    ("order_volume", {"has_volume": 0}),
    ("day_volume", {"asks": 0}),
    ("day_volume", {"has_volume": 0}),
    ("legal_order", {"moves": 0}),
]
each = pytest.mark.parametrize("gate", GATES.values(), ids=lambda gate: gate.name)


def test_the_contract_names_every_gate_of_the_catalog_in_its_order() -> None:
    assert list(ASKED) == list(GATES)


@each
def test_at_its_limit_a_gate_passes_and_a_little_beyond_it_blocks(gate: GateSpec) -> None:
    seen, limits, field, at = ASKED[gate.name]
    worse = -1e-9 if gate.sense == "at least" else 1e-9
    assert answer(gate, seen | {field: at}, limits) == (at, at, PASS)
    assert answer(gate, seen | {field: at - 1e6 * worse}, limits)[2] == PASS
    assert answer(gate, seen | {field: at + worse}, limits) == (at + worse, at, BLOCK)


@each
def test_what_is_not_known_is_unknown(gate: GateSpec) -> None:
    seen, limits, field, _ = ASKED[gate.name]
    assert answer(gate, seen | {field: math.nan}, limits)[2] == UNKNOWN


@pytest.mark.parametrize(("name", "instead"), NOT_ASKED)
def test_where_there_is_nothing_to_look_at_a_gate_shows_its_limit_and_is_not_asked(name: str, instead: dict[str, float]) -> None:
    seen, limits, field, at = ASKED[name]
    observed, limit, verdict = answer(GATES[name], seen | {field: at} | instead, limits)
    assert math.isnan(observed) and (limit, verdict) == (at, NA)


@pytest.mark.parametrize("name", ["cooldown", "flip_gap"])
def test_an_exit_at_this_very_close_is_no_bar_ago(name: str) -> None:
    seen, limits, _, _ = ASKED[name]
    assert answer(GATES[name], seen | {"since_exit": 0.0}, limits)[2] == BLOCK


def test_a_sell_after_a_buy_waits_as_a_buy_after_a_sell_does() -> None:
    for side in (1, -1):
        assert answer(GATES["flip_gap"], {"side": side, "last_side": -side, "since_exit": 1}, {"flip_gap_bars": 1})[2] == BLOCK
        assert answer(GATES["flip_gap"], {"side": side, "last_side": side, "since_exit": 1}, {"flip_gap_bars": 1})[2] == NA


@pytest.mark.parametrize("name", [gate.name for gate in GATES.values() if gate.setting])
def test_the_setting_that_a_gate_names_is_the_one_that_moves_its_limit(name: str) -> None:
    gate = GATES[name]
    section, _, key = gate.setting.partition(".")
    assert section == "execution"
    value = getattr(ExecutionSettings(), key)
    changed: Any = value / 2 if isinstance(value, float) else value + 3
    limits = limits_under(EngineSettings(execution=ExecutionSettings(**{key: changed})))
    seen, _, field, at = ASKED[name]
    assert answer(gate, seen | {field: at}, {key: getattr(limits, key)})[1] == changed + gate.lead


@each
def test_a_gate_observes_nothing_outside_its_domain_and_can_reach_both_ends(gate: GateSpec) -> None:
    low, high = gate.domain
    is_count = gate.name == "orders_a_day"  # this order is among them
    assert (low, high) == ((1.0, math.inf) if is_count else (0.0, 1.0) if gate.states else (0.0, math.inf))
    assert gate.is_off(low - gate.lead) is (gate.sense == "at least")
    assert gate.kind == "safety" and gate.sense in ("at least", "at most")
