"""Every gate of risk under one contract: caps answer by their room, breakers by whether they tripped, and each shows its number beside its limit."""

from __future__ import annotations

import math
from typing import Any

import pytest

from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN, GateSpec
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.risk.caps import CAPS
from metastackerbandit.risk.catalog import BREAKERS, EXPOSURE
from metastackerbandit.risk.settings import RiskSettings
from tests.covering import covers
from tests.gated import answer, limits_of, limits_under, seen_of

# For each cap: what it observes, the room that decides, and its limit.
ROOMS: dict[str, tuple[str, str, str]] = {
    "gross_exposure": ("gross_exposure", "gross_room", "max_gross_exposure"),
    "symbol_exposure": ("symbol_exposure", "symbol_room", "max_symbol_exposure"),
    "side_exposure": ("side_exposure", "side_room", "max_side_exposure"),
    "net_exposure": ("net_exposure", "net_room", "max_net_exposure"),
    "heat": ("heat", "heat_room", "max_heat"),
    "correlated_heat": ("correlated_heat", "correlated_room", "max_correlated_heat"),
}
# For each breaker: what it observes, its limit, and what says that it tripped.
TRIPS: dict[str, tuple[str, str, dict[str, float]]] = {
    "daily_loss": ("daily_loss", "max_daily_loss", {"daily_tripped": 1}),
    "weekly_loss": ("weekly_loss", "max_weekly_loss", {"weekly_tripped": 1}),
    "drawdown": ("drawdown", "max_drawdown", {"drawdown_tripped": 1}),
    "loss_streak": ("loss_streak", "rests__streak", {"rests": 1}),
    "volatility_spike": ("volatility_spike", "rests__ratio", {"rests": 2}),
    "data_quality": ("data_quality", "rests__bad_share", {"rests": 4}),
    "drift": ("drift", "rests__excess", {"rests": 8}),
}
SPEAKING: dict[str, float] = {"has_model": 1}  # the drift of a rule is not asked about
CAPPED = {gate.name: gate for gate in EXPOSURE}
BROKEN = {gate.name: gate for gate in BREAKERS if gate.name != "operator"}
caps = pytest.mark.parametrize("gate", EXPOSURE, ids=lambda gate: gate.name)
breakers = pytest.mark.parametrize("gate", BROKEN.values(), ids=lambda gate: gate.name)


def test_the_contract_names_every_gate_of_the_catalog() -> None:
    assert list(ROOMS) == list(CAPPED) and set(CAPPED) == set(CAPS)
    assert [*TRIPS, "operator"] == [gate.name for gate in BREAKERS]
    assert all(gate.kind == "safety" and gate.sense == "at most" for gate in (*EXPOSURE, *BREAKERS))


@caps
def test_a_cap_passes_what_its_room_holds_and_no_lot_more(gate: GateSpec) -> None:
    observed, room, limit = ROOMS[gate.name]
    state = {"asks": 1, observed: 0.25, room: 7.0}
    assert answer(gate, state | {"cap_lots": 7.0}, {limit: 0.5}) == (0.25, 0.5, PASS)
    seen, against, verdict = answer(gate, state | {"cap_lots": 8.0, observed: 0.75}, {limit: 0.5})
    assert (seen, against, verdict) == (0.75, 0.5, BLOCK)


@covers("A06")
@caps
def test_a_cap_is_asked_about_new_risk_only_and_blocks_what_it_cannot_know(gate: GateSpec) -> None:
    observed, room, limit = ROOMS[gate.name]
    state = {"asks": 1, observed: 0.25, room: 7.0, "cap_lots": 1.0}
    seen, against, verdict = answer(gate, state | {"asks": 0}, {limit: 0.5})
    assert math.isnan(seen) and (against, verdict) == (0.5, NA)
    assert answer(gate, state | {room: math.nan}, {limit: 0.5})[1:] == (0.5, UNKNOWN)
    assert answer(gate, state | {observed: math.nan}, {limit: 0.5})[1:] == (0.5, UNKNOWN)


@covers("A16")
@breakers
def test_a_breaker_blocks_while_it_is_tripped_whatever_its_number_and_only_then(gate: GateSpec) -> None:
    field, limit, tripped = TRIPS[gate.name]
    for number in (0.0, 3.0):
        assert answer(gate, SPEAKING | {field: number} | tripped, {limit: 2}) == (number, 2.0, BLOCK)
        assert answer(gate, SPEAKING | {field: number}, {limit: 2}) == (number, 2.0, PASS)


@pytest.mark.parametrize("name", ["loss_streak", "volatility_spike", "data_quality", "drift"])
def test_a_book_s_breaker_is_not_tripped_by_another_one_s(name: str) -> None:
    field, limit, tripped = TRIPS[name]
    others = 15 - int(tripped["rests"])
    assert answer(BROKEN[name], SPEAKING | {field: 1.0, "rests": others}, {limit: 2})[2] == PASS
    assert answer(BROKEN[name], SPEAKING | {field: 1.0, "rests": 15}, {limit: 2})[2] == BLOCK


def test_the_volatility_s_ratio_must_be_known_and_drift_is_asked_of_models_with_a_record() -> None:
    assert answer(BROKEN["volatility_spike"], {"volatility_spike": math.nan}, {"rests__ratio": 2})[1:] == (2.0, UNKNOWN)
    for state in ({"has_model": 0, "drift": 1.0}, {"has_model": 1, "drift": math.nan}):
        seen, against, verdict = answer(BROKEN["drift"], state | {"rests": 8}, {"rests__excess": 2})
        assert math.isnan(seen) and (against, verdict) == (2.0, NA)


def test_the_operator_s_pause_and_kill_stop_new_risk() -> None:
    operator = BREAKERS[-1]
    assert [answer(operator, {"stopped": stopped}, {}) for stopped in (0, 1, 2)] == [(0.0, 0.0, PASS), (1.0, 0.0, BLOCK), (2.0, 0.0, BLOCK)]
    assert [operator.states[stopped] for stopped in (1, 2)] == ["PAUSED", "KILLED"]


@pytest.mark.parametrize("gate", [*EXPOSURE, *BROKEN.values()], ids=lambda gate: gate.name)
def test_the_setting_that_a_gate_names_is_the_one_that_moves_its_limit(gate: GateSpec) -> None:
    section, _, key = gate.setting.partition(".")
    assert section == "risk"
    value = getattr(RiskSettings(), key)
    changed: Any = value * 0.75 if isinstance(value, float) else value + 3
    made = limits_of(limits_under(EngineSettings(risk=RiskSettings(**{key: changed}))))
    seen: dict[str, float] = SPEAKING | {"asks": 1}
    assert float(gate.ask(seen_of(**seen), made)[1]) == changed


@caps
def test_an_exposure_has_no_upper_end_and_only_a_net_one_may_be_below_nothing(gate: GateSpec) -> None:
    least = -math.inf if gate.name == "net_exposure" else 0.0  # what offsets the trade counts against it
    assert gate.domain == (least, math.inf) and not gate.states
    assert gate.unit == ("share" if "heat" in gate.name else "x equity")


@breakers
def test_a_breaker_is_a_state_named_tripped(gate: GateSpec) -> None:
    assert gate.states == ("TRIPPED",)
    shares = ("daily_loss", "weekly_loss", "drawdown", "data_quality")
    assert gate.domain == ((0.0, 1.0) if gate.name in shares else (0.0, math.inf))
