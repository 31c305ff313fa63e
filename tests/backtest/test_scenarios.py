"""The incident as a scenario: what the predecessors took weeks to find is named by the funnel, and alarmed by trade 46."""

from __future__ import annotations

from pathlib import Path

import pytest

from metastackerbandit.backtest.scenarios import BOUGHT, DOWN, SCENARIOS, SIGNALS, scenario_named
from metastackerbandit.domain.errors import NotFound
from tests.cli.asking import msb
from tests.covering import covers


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


@covers("K7")
@pytest.mark.parametrize("name", ["consensus-soft", "consensus-earned"])
def test_a_mood_that_earned_no_veto_stops_no_side(tmp_path: Path, name: str) -> None:
    _, told, _ = msb("backtest", "--scenario", name, home=tmp_path)
    assert (told["funnel"]["BUY"]["fill"], told["funnel"]["SELL"]["fill"]) == (BOUGHT, DOWN)
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
