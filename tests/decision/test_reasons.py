"""Every answer has one code from one catalog, every code can be reached, and every limit names the setting that really holds it."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from metastackerbandit.config.outline import keys
from metastackerbandit.decision.reasons import catalog_of, decision_code, decision_reasons, gate_code, gate_reasons, state_of
from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN, GateSpec
from metastackerbandit.domain.kernel import struct_of
from metastackerbandit.domain.prediction import SILENCE_NAMES, SILENCES
from metastackerbandit.domain.rows import (
    ENTER,
    EXIT,
    HOLD,
    INCREASE,
    KEEP,
    ON_FLAT,
    ON_KILL,
    ON_OPPOSITE,
    ON_RESIZE,
    ON_SIGNAL,
    ON_TIME,
    REDUCE,
    DecisionRow,
)
from metastackerbandit.engine.gates import GATE_NAMES, GATES
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.storage.run_record import GateWords, words_of
from tests.covering import covers
from tests.decision.tuned import tuned
from tests.markets import by_block, generated
from tests.predicted import predictions_of

NO_SETTING = {  # thresholds whose limit is not one setting
    "warm": "the arm's own need",
    "legal_order": "the venue's rule",
    "consensus": "all sources while one that opposes has earned its veto, else none",
    "conformal": "a level that follows how often the sets missed the truth",
}

A_ROW = DecisionRow(1, 0, 1, 1, 300 * 10**9, 1, 0, 1, 1, HOLD, 1.0, 0, 0, 0, 0, 0, ON_SIGNAL, -1, -1, 0, 0.5, 10**12)
OUTCOMES: list[tuple[dict[str, Any], str]] = [
    ({"asks_risk": 1, "binding": 2, "blocked": 1}, "HOLD_BLOCKED"),
    ({"binding": 2}, "HOLD_ORDER_NOT_LEGAL"),
    ({"reason": ON_KILL, "side": 0}, "HOLD_KILLED"),
    ({"signal": KEEP, "side": 0}, "HOLD_KEEPS_TARGET"),
    ({"signal": -1, "side": 0}, "HOLD_SIDE_NOT_SOLD_HERE"),
    ({"signal": 0, "side": 0}, "HOLD_NO_OPINION"),
    ({"position": 5}, "HOLD_AT_TARGET"),
    ({"kind": ENTER}, "ENTER_ON_SIGNAL"),
    ({"kind": ENTER, "reason": ON_OPPOSITE}, "ENTER_ON_OPPOSITE_SIGNAL"),
    ({"kind": INCREASE, "reason": ON_RESIZE}, "INCREASE_ON_RESIZE"),
    ({"kind": REDUCE, "reason": ON_RESIZE}, "REDUCE_ON_RESIZE"),
    ({"kind": EXIT, "reason": ON_FLAT}, "EXIT_ON_FLAT_SIGNAL"),
    ({"kind": EXIT, "reason": ON_OPPOSITE}, "EXIT_ON_OPPOSITE_SIGNAL"),
    ({"kind": EXIT, "reason": ON_TIME}, "EXIT_ON_TIME"),
    ({"kind": EXIT, "reason": ON_KILL}, "EXIT_ON_KILL_SWITCH"),
]


def answers_of(gate: GateSpec) -> list[tuple[float, int]]:
    """An observation and a verdict for everything that a gate can say."""
    states = [float(place) for place, state in enumerate(gate.states) if state] or [0.0]
    return [(math.nan, NA), (1.0, PASS), (math.nan, UNKNOWN), *((state, BLOCK) for state in states)]


@covers("A36")
@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_every_code_of_a_gate_can_be_reached_and_none_is_missing(gate: GateSpec) -> None:
    said = {gate_code(gate, observed, verdict) for observed, verdict in answers_of(gate)}
    assert said == {reason.code for reason in gate_reasons(gate)}
    assert all(code.startswith(gate.name.upper() + "_") for code in said)


@covers("A36")
def test_every_code_of_an_outcome_can_be_reached_and_none_is_missing() -> None:
    for changed, code in OUTCOMES:
        assert decision_code(msgspec.structs.replace(A_ROW, **changed)) == code
    assert {code for _, code in OUTCOMES} == {reason.code for reason in decision_reasons()}


@covers("A36")
def test_codes_are_unique_and_say_which_result_they_belong_to() -> None:
    catalog = catalog_of(GATES)
    assert len({reason.code for reason in catalog}) == len(catalog)
    assert all(reason.meaning and reason.result for reason in catalog)
    assert {"NET_EDGE_BELOW_LIMIT", "MODEL_SILENT_WARMING_UP", "VOLATILITY_CAP_ABOVE_LIMIT", "OPERATOR_PAUSED", "FUNDING_UNKNOWN"} <= {
        reason.code for reason in catalog
    }


def test_silences_have_a_name_each() -> None:
    assert len(SILENCE_NAMES) == len(SILENCES) == len(set(SILENCE_NAMES))


@pytest.mark.parametrize("arm", ["momentum", "model"])
def test_what_runs_say_is_in_the_catalog(arm: str) -> None:
    recording = generated(4, 400, symbols=2, funded=True)
    predictions = predictions_of(recording, "5m", 4) if arm == "model" else ()
    kept, _ = by_block(recording, "5m", arm, EngineSettings(), predictions=predictions)
    known = {reason.code for reason in catalog_of(GATES)}
    assert {decision_code(struct_of(DecisionRow, one)) for one in kept.decisions} <= known
    for place, gate in enumerate(GATES):
        pairs = {(float(seen), int(found)) for seen, found in zip(kept.observed[:, place], kept.verdict[:, place], strict=True)}
        assert {gate_code(gate, seen, found) for seen, found in pairs} <= known


def test_every_reason_says_whose_it_is_and_which_result_it_belongs_to() -> None:
    gate = GateWords("model", "", "at most", "why it is silent", states=("", "SILENT_WARMING_UP"))
    assert [(one.code, one.of, one.result, one.meaning) for one in gate_reasons(gate)] == [
        ("MODEL_PASSED", "model", "PASS", "why it is silent: within its limit"),
        ("MODEL_SILENT_WARMING_UP", "model", "BLOCK", "why it is silent: silent warming up"),
        ("MODEL_UNKNOWN", "model", "UNKNOWN", "why it is silent: not known, though it should be"),
        ("MODEL_NOT_APPLICABLE", "model", "N/A", "why it is silent: cannot exist here, or nothing asks for it"),
    ]
    for one in decision_reasons():
        assert one.of == "decision" and one.result == one.code.split("_")[0]
    assert {one.code: one.meaning for one in decision_reasons()}["ENTER_ON_OPPOSITE_SIGNAL"] == "ENTER on opposite signal"


def test_a_state_is_named_by_its_place_and_larger_or_unknown_ones_by_the_last() -> None:
    gate = GateWords("operator", "", "at most", "stopped", states=("", "PAUSED", "KILLED"))
    assert [state_of(gate, seen) for seen in (-3.0, 0.0, 1.0, 2.0, 9.0, math.nan)] == ["KILLED", "KILLED", "PAUSED", "KILLED", "KILLED", "KILLED"]
    assert state_of(GateWords("tripped", "", "at most", "tripped", states=("FIRST", "SECOND")), 0.0) == "FIRST"
    assert state_of(GateWords("alpha", "", "at least", "alpha"), 1.0) == ""


def test_the_first_gate_of_the_catalog_can_be_what_stopped_it() -> None:
    assert decision_code(msgspec.structs.replace(A_ROW, asks_risk=1, binding=0)) == "HOLD_BLOCKED"
    assert decision_code(msgspec.structs.replace(A_ROW, binding=0)) == "HOLD_ORDER_NOT_LEGAL"


# -- settings ----------------------------------------------------------------------------------------------------------


@covers("A36")
@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_a_gate_names_a_setting_that_exists_or_says_why_it_is_no_threshold(gate: GateSpec) -> None:
    for suffix in ("", "_buy", "_sell") if gate.by_side else ("",):
        assert not gate.setting or gate.setting + suffix in keys()
    assert gate.setting or gate.states or gate.name in NO_SETTING


def stricter(gate: GateSpec, default: Any) -> Any:
    """A value that asks for more than the default does, so that it is the limit whatever else is derived."""
    least = gate.sense == "at least"
    if isinstance(default, int):
        return default + 1 if least else default - 1
    if default is None:
        return 0.99 if gate.unit in ("share", "probability", "p-value") else 50.0
    return default + 0.125 if least else 0.5 * default


@pytest.mark.parametrize("gate", [gate for gate in GATES if gate.setting and not gate.states], ids=lambda gate: gate.name)
def test_the_named_setting_holds_the_limit(gate: GateSpec) -> None:
    recording = generated(3, 40, symbols=1, funded=True)
    key = gate.setting + ("_buy" if gate.by_side else "")
    value = stricter(gate, keys()[key].default)
    settings = tuned(EngineSettings(), {"decision.thresholds": "profile", "decision.allow_model_only_when_mood_neutral": False, key: value})
    kept, _ = by_block(recording, "5m", "model", settings, predictions=predictions_of(recording, "5m", 3))
    limits = kept.limit[:, GATE_NAMES.index(gate.name)]
    own = kept.decisions["side"] == 1 if gate.by_side else np.ones(len(limits), bool)
    assert len(limits[own]) and np.all(limits[own] == value + gate.lead)


def test_the_journal_keeps_what_a_gate_says_of_its_limit() -> None:
    for kept, gate in zip(words_of(GATES), GATES, strict=True):
        assert (kept.setting, kept.by_side, kept.lead, kept.states) == (gate.setting, gate.by_side, gate.lead, gate.states)
