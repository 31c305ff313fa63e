"""The incident as a scenario: what the predecessors took weeks to find is named by the funnel, and alarmed by trade 46."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from metastackerbandit.backtest.scenarios import BOUGHT, DOWN, SCENARIOS, SIGNALS, WARM_UP, scenario_named
from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.domain.errors import NotFound
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.storage.journal import Journal
from tests.cli.asking import msb
from tests.covering import covers
from tests.runtime.twinned import by_twin


@pytest.fixture(scope="module")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the incident has run."""
    home = tmp_path_factory.mktemp("incident")
    code, told, _ = msb("backtest", "--scenario", "consensus-kills-sells", home=home)
    assert code == 0
    assert told["funnel"]["BUY"]["fill"] == BOUGHT and told["funnel"]["SELL"]["fill"] == 0
    return home


@covers("K7", "A01", "A02", "3.07", "3.08", "3.09")
def test_the_funnel_names_consensus_as_the_sole_blocker_of_every_sell(incident: Path) -> None:
    _, told, _ = msb("funnel", home=incident)
    assert (told["BUY"]["opinion"], told["SELL"]["opinion"]) == (SIGNALS - DOWN, DOWN)
    assert told["blocked_by"]["consensus"] == {"BUY": 0, "SELL": DOWN, "sole": {"BUY": 0, "SELL": DOWN}, "unknown": 0}
    assert f"consensus alone stopped {DOWN} of {DOWN} SELL" in told["findings"]


@covers("K7", "A01", "3.02", "3.16")
def test_a_monitor_alarms_by_executed_trade_46(incident: Path) -> None:
    _, told, _ = msb("monitors", home=incident)
    executed = [alarm for alarm in told["alarms"] if alarm["monitor"] == "execution_side"]
    assert executed and executed[0]["counts"] == "executed trade" and executed[0]["counted"] <= 46
    symmetry = [alarm for alarm in told["alarms"] if alarm["monitor"] == "gate_symmetry"]
    assert symmetry and symmetry[0]["at_ns"] < executed[0]["at_ns"]


@covers("K7", "A01")
def test_the_mirror_twin_alarms_in_under_100_decisions_and_names_the_gate(incident: Path) -> None:
    """The engine is fair: mirrored with its mood it decides the mirrored thing. The source is not: of the mirrored market it says up as well."""
    twin = Journal.open(incident).run("last").row.summary["twin"]
    assert twin["mismatches"] == {} and twin["first"] is None
    assert 0 < twin["alarm_decision"] < 100 and "mood's source" in twin["alarm"] and twin["alarm"].endswith("turns gate consensus")
    assert twin["mood"]["unmirrored"] == twin["mood"]["answers"] == twin["decisions"]
    assert twin["source_stages"] == {"gate consensus": SIGNALS}, "every signal, of either side"
    first = twin["source_first"]
    assert (first["stage"], first["decision"]) == ("gate consensus", WARM_UP + 1), (
        "the first signal, so under 100 decisions after there is anything to stop"
    )
    assert first["one"] > first["mirrored"]
    _, told, _ = msb("monitors", home=incident)
    (alarm,) = [one for one in told["alarms"] if one["monitor"] == "mirror_source"]
    assert (alarm["symbol"], alarm["frame"], alarm["counts"]) == ("MADEUSDT", "5m", "answer of the mood") and alarm["counted"] < 100
    status = {one["monitor"]: (one["status"], one["evidence"]) for one in told["monitors"] if one["symbol"] is None}
    assert status["mirror_source"][0] == "WARN" and f"{SIGNALS:,} at gate consensus" in status["mirror_source"][1]
    assert status["mirror_twin"][0] == "OK"


@covers("K7")
def test_the_same_mood_without_the_fault_is_fair() -> None:
    """With a source that turns around with the market, the very same run has nothing to alarm about."""
    scenario = scenario_named("consensus-kills-sells")
    (mood,) = scenario.recording.mood
    assert mood is not None and (mood["mirror"] == mood["mood"]).all() and (mood["mood"] > 0).all()
    fair = mood.copy()
    fair["mirror"] = -fair["mood"]
    settings = EngineSettings(decision=DecisionSettings(consensus="hard", veto_unearned=True, conformal=False, max_volatility=100.0))
    for series, stages in ((fair, {}), (mood, {"gate consensus"})):
        recording = structs.replace(scenario.recording, mood=(series,))
        seen = by_twin(recording, "5m", "model", settings, scenario.predictions, stop=lambda seen: seen.decisions == WARM_UP + 100)
        assert set(seen.source_stages) == set(stages) and bool(seen.alarm) == bool(stages) and seen.mismatches == {}


@covers("K7")
@pytest.mark.parametrize("name", ["consensus-soft", "consensus-earned"])
def test_a_mood_that_earned_no_veto_stops_no_side(tmp_path: Path, name: str) -> None:
    _, told, _ = msb("backtest", "--scenario", name, home=tmp_path)
    assert (told["funnel"]["BUY"]["fill"], told["funnel"]["SELL"]["fill"]) == (BOUGHT, DOWN)
    assert told["twin"]["source_stages"] == {"sizing": SIGNALS}, "the same source makes trades smaller, and turns no gate"
    assert "a made market" in told["notices"][0]


def test_scenarios_are_the_same_whenever_they_are_made() -> None:
    for name in SCENARIOS:
        one, other = scenario_named(name), scenario_named(name)
        assert one.predictions[0].tobytes() == other.predictions[0].tobytes()
        assert one.recording.bars[0].tobytes() == other.recording.bars[0].tobytes()
        assert one.name == name


def test_an_unknown_scenario_is_refused_with_those_there_are() -> None:
    with pytest.raises(NotFound, match="no scenario"):
        scenario_named("consensus")
