"""`msb monitors`, and what runs and status tell of alarms, as a user asks for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metastackerbandit.cli.main import app
from metastackerbandit.cli.monitors import HALTED
from metastackerbandit.engine.gates import GATE_NAMES, GATES
from metastackerbandit.evaluation.monitors.catalog import NAMES
from metastackerbandit.storage.journal import Journal
from metastackerbandit.storage.run_record import words_of
from tests.cli.asking import RUNNER, candles, msb
from tests.covering import covers
from tests.evaluation.test_monitors import seed_run
from tests.storage.runs import BTC, record

SPAN = ("--symbols", "BTCUSDT", "--since", "2025-01-02", "--until", "2025-01-20")


def write_seed_run(home: Path) -> None:
    """The predecessors' run, as a journal would have kept it: 1,361 signals, 190 of them down, 137 trades, all BUY."""
    told = seed_run()
    journal = Journal.open(home)
    gates = words_of(GATES[:3])
    writer = journal.begin(record(instruments=(BTC,), gates=gates, monitors=NAMES), 1)
    writer.decisions(told.decisions, told.observed, told.limit, told.verdict)
    writer.orders(told.orders)
    writer.finish("finished", {}, 2)
    journal.close()


@covers("A01", "3.02", "3.07", "3.08", "3.15", "3.16", "K7")
def test_the_predecessors_run_is_told_in_numbers_and_words_with_exit_code_5(tmp_path: Path) -> None:
    write_seed_run(tmp_path)
    code, told, _ = msb("monitors", home=tmp_path)
    assert (code, told["status"], told["halt_pauses"]) == (HALTED, "HALT", False)
    first = next(alarm for alarm in told["alarms"] if alarm["monitor"] == "execution_side")
    assert first["text"] == "alarm at executed trade 46" and first["counted"] == 46 and first["symbol"] == "BTCUSDT"
    side = next(row for row in told["monitors"] if row["monitor"] == "execution_side")
    assert side["status"] == "HALT" and side["false_alarm_rate"] == 0.05 and side["limit"] == 1_000
    assert "137 BUY and 0 SELL" in side["evidence"]
    text = RUNNER.invoke(app, ["monitors", "--home", str(tmp_path)])
    assert text.exit_code == HALTED
    flat = " ".join(text.stdout.split())
    assert "alarm at executed trade 46" in flat and "137 BUY and 0 SELL" in flat and "a HALT is shown, and pauses nothing" in flat
    everything = RUNNER.invoke(app, ["monitors", "--all", "--home", str(tmp_path)])
    assert "UNAVAILABLE" in everything.stdout and "UNAVAILABLE" not in text.stdout


@covers("A41", "A37")
def test_the_inventory_names_every_gate_and_monitor_of_the_program(tmp_path: Path) -> None:
    write_seed_run(tmp_path)
    _, told, _ = msb("monitors", home=tmp_path)
    named = {(control["kind"], control["name"]): control["state"] for control in told["inventory"]}
    assert {name for kind, name in named if kind != "monitor"} == set(GATE_NAMES)
    assert {name for kind, name in named if kind == "monitor"} == set(NAMES)
    wired = {gate.name for gate in GATES[:3]}
    assert {name for (_, name), state in named.items() if state == "not wired"} == set(GATE_NAMES) - wired
    assert next(row for row in told["monitors"] if row["monitor"] == "inventory")["status"] == "WARN"


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a backtest and a replay of the same recorded weeks."""
    home = tmp_path_factory.mktemp("traded")
    for words in (("backtest",), ("run", "--replay")):
        code, told, _ = msb(*words, "--data", candles(), *SPAN, "--arm", "sma_cross", "--set", "monitors.burst_warn=0.9", home=home)
        assert code == 0 and isinstance(told["alarms"], list)
    return home


@covers("1.30", "1.36")
def test_a_recorded_run_is_judged_alike_from_both_drivers(traded: Path) -> None:
    answers = [msb("monitors", "--run", str(run), home=traded) for run in (1, 2)]
    assert answers[0][0] == 0
    for told in (answer[1] for answer in answers):
        del told["run"]
    assert answers[0][1] == answers[1][1]
    status = {row["monitor"]: row["status"] for row in answers[0][1]["monitors"]}
    assert status["two_books"] == status["missed_trades"] == status["execution_side"] == status["inventory"] == "OK"
    assert status["skill"] == status["model_side"] == "UNAVAILABLE"
    journal = Journal.open(traded)
    kept = [journal.run(run).alarms() for run in (1, 2)]
    assert kept[0].tobytes() == kept[1].tobytes() and len(kept[0]) == len(answers[0][1]["alarms"])
    assert np.isfinite(kept[0]["observed"]).all()


def test_a_home_without_runs_is_told_so(tmp_path: Path) -> None:
    code, told, words = msb("monitors", home=tmp_path)
    assert code == 6 and told["error"]["type"] == "NotFound" and "nothing has run" in words
