"""Monitors beside a run: row by row they say what they say of the whole run, their alarms are journaled, and they pause only where told to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec import structs

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.inputs import CLOSE_EVENT, OPEN_EVENT, Control
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.rows import HALT, PAUSE
from metastackerbandit.domain.sink import Kept, MemorySink
from metastackerbandit.engine.engine import Engine
from metastackerbandit.engine.gates import GATES
from metastackerbandit.engine.plan import deposit_row, plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.evaluation.monitors.answers import answers
from metastackerbandit.evaluation.monitors.catalog import MONITORS, NAMES
from metastackerbandit.evaluation.monitors.hearing import blank_alarms
from metastackerbandit.evaluation.monitors.mirror import BESIDE_NAMES
from metastackerbandit.evaluation.monitors.whole_run import Told, Watched, watch_run
from metastackerbandit.runtime.outcomes import all_matured, labels_of
from metastackerbandit.runtime.replay import Driver, inputs_of
from metastackerbandit.runtime.watching import WatchedWriter, Watching, alarm_lines, alarm_summary, books_of, settings_of, with_pauses
from metastackerbandit.simulation.broker import SimulatedBroker, open_venue
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.storage.journal import Journal
from metastackerbandit.storage.run_record import RunRecord, words_of
from metastackerbandit.storage.standing import standing
from tests.covering import covers
from tests.evaluation.monitored import BAR_NS, predicted
from tests.markets import by_block, generated
from tests.predicted import UNRESTED, predictions_of
from tests.storage.runs import record


def record_of(recording: Recording, config: str = "", **changed: Any) -> RunRecord:
    """The record of a run over a recording."""
    return record(instruments=recording.instruments, gates=words_of(GATES), frame_ns=BAR_NS, config=config, monitors=NAMES, **changed)


class MemoryWriter(MemorySink):
    """A journal in memory."""

    def flush(self) -> None:
        """Nothing waits."""

    def heartbeat(self, now_ns: int, summary: dict[str, Any]) -> None:
        """Nobody listens."""


def streamed(recording: Recording, predictions: tuple[np.ndarray, ...], config: str = "", labels: bool = True, **arm: Any) -> tuple[Kept, Watching]:
    """A streaming run with monitors beside it."""
    plan = plan_of(recording, "5m", arm.get("arm", "model"), EngineSettings(risk=UNRESTED), frames=arm.get("frames", ()), arms=arm.get("arms", ()))
    writer = MemoryWriter()
    places = {(s, BAR_NS): s for s in range(len(recording.bars))}
    watching = Watching(record_of(recording, config), writer.alarms, labels_of(recording, places, CostSettings()) if labels else None)
    both = WatchedWriter(writer, watching)
    both.ledger(deposit_row(plan))
    driver = Driver(Engine(plan), SimulatedBroker(open_venue(plan.instruments, plan.costs, SimulationSettings())), both)
    from metastackerbandit.backtest.run import block_of

    for event in with_pauses(inputs_of(recording, block_of(recording, (), predictions).order, (), predictions), watching):
        driver.take(event)
    return writer.kept(), watching


def over_all(recording: Recording, kept: Kept, config: str = "") -> Watched:
    """The monitors over the same rows, all at once, orders by their last state as the journal has them."""
    names = ("decisions", "observed", "limit", "verdict", "predictions", "orders", "fills", "ledger", "trips", "outcomes")
    told = Told(**{name: getattr(kept, name) for name in names})
    labels = labels_of(recording, {(s, BAR_NS): s for s in range(len(recording.bars))}, CostSettings())
    told = msgspec.structs.replace(told, matured=all_matured(kept.predictions, labels, int(kept.decisions["at_ns"].max())))
    run = record_of(recording, config)
    return watch_run(told, books_of(run), [gate.name for gate in run.gates], settings_of(run))


TOUCHY = "[monitors]\nwarn_evidence = 1.5\nhalt_evidence = 3.0\nrun_warn = 0.5\nrun_halt = 1.0\nburst_warn = 0.9\n"  # so that a short run alarms


@pytest.mark.parametrize("seed", [1, 2])
def test_row_by_row_is_the_same_as_over_the_whole_run(seed: int) -> None:
    recording = generated(seed, 1_500, 2, holes=0.01, funded=True)
    predictions = predictions_of(recording, "5m", seed)
    kept, watching = streamed(recording, predictions, TOUCHY)
    whole = over_all(recording, kept, TOUCHY)
    live = watching.watched()
    assert len(whole.alarms) > 10
    assert (
        np.sort(whole.alarms, order=["at_ns", "monitor", "instrument"]).tobytes()
        == np.sort(live.alarms, order=["at_ns", "monitor", "instrument"]).tobytes()
    )
    assert kept.alarms.tobytes() == live.alarms.tobytes()
    for m in range(len(MONITORS)):
        assert whole.watch.readings[:, m].tobytes() == live.watch.readings[:, m].tobytes(), MONITORS[m].name
    assert [one.status for one in answers(whole)] == [one.status for one in answers(live)]


@covers("A01", "1.30")
def test_the_block_drivers_rows_give_the_same_alarms() -> None:
    recording = generated(3, 1_500, 2, funded=True)
    predictions = predictions_of(recording, "5m", 3)
    by_stream, _ = streamed(recording, predictions, TOUCHY)
    from_block, _ = by_block(recording, "5m", "model", EngineSettings(risk=UNRESTED), predictions=predictions)
    assert over_all(recording, by_stream, TOUCHY).alarms.tobytes() == over_all(recording, from_block, TOUCHY).alarms.tobytes()


@covers("A13", "A33")
def test_a_sound_run_has_two_books_that_agree_and_no_missed_trade() -> None:
    recording = generated(4, 2_000, 2, funded=True)
    kept, watching = streamed(recording, predictions_of(recording, "5m", 4))
    told = {(one.monitor, one.instrument): one for one in answers(watching.watched())}
    assert len(kept.trips) > 100
    for name in ("two_books", "missed_trades", "dead_input", "stale_input", "win_rate", "execution_side"):
        assert told[name, 0].status == told[name, 1].status == "OK", told[name, 0]
    assert told["skill", 0].counted > 30 and told["skill", 0].figures["e_harm"] > 1  # predictions by chance are worse than the base rate


def test_higher_frames_get_listeners_of_their_own() -> None:
    recording = generated(5, 1_200, 1)
    predictions = predictions_of(recording, "5m", 5, others=("15m",))
    kept, watching = streamed(recording, predictions, arm="aligned", frames=("15m",))
    frames = {(one.frame, one.monitor) for one in answers(watching.watched())}
    assert ("15m", "model_side") in frames and ("15m", "missed_trades") not in frames
    whole = over_all(recording, kept)
    assert whole.watch.readings["heard"].tolist() == watching.watch.readings["heard"].tolist()


def test_without_the_candles_what_needs_outcomes_is_unavailable() -> None:
    recording = generated(6, 600, 1)
    _, watching = streamed(recording, predictions_of(recording, "5m", 6), labels=False)
    told = {one.monitor: one.status for one in answers(watching.watched())}
    assert told["skill"] == told["overconfidence"] == "UNAVAILABLE" and told["model_side"] == "OK"


def one_sided(recording: Recording) -> tuple[np.ndarray, ...]:
    """A model that only ever says UP."""
    rows = predictions_of(recording, "5m", 1, silent=0.0, missing=0.0)
    for found in rows:
        found["p_up"], found["p_down"] = 0.5 + np.arange(len(found)) % 7 * 0.01, 0.1
        found["p_flat"] = 1.0 - found["p_up"] - found["p_down"]
        found["horizon"], found["long_bps"], found["short_bps"] = 1, 60.0, -60.0
    return rows


@covers("3.16", "A18")
@pytest.mark.parametrize("halts", [False, True])
def test_an_alarm_from_beside_the_rows_is_written_and_asks_for_a_pause_like_any(halts: bool) -> None:
    """Such as a twin's: its monitors stand in the run's list behind those that hear rows."""
    written: list[np.ndarray] = []
    run = structs.replace(record_of(generated(1, 50, 1), f"[monitors]\nhalt = {str(halts).lower()}\n"), monitors=(*NAMES, *BESIDE_NAMES))
    watching = Watching(run, written.append)
    alarm = blank_alarms(1)
    alarm["at_ns"], alarm["monitor"], alarm["severity"], alarm["observed"], alarm["limit"] = 5, len(NAMES), HALT, 1.0, 1.0
    alarm["frame_ns"], alarm["counted"] = BAR_NS, 57
    watching.beside(alarm)
    assert [rows.tobytes() for rows in written] == [alarm.tobytes()] and watching.asks_pause() == halts and not watching.asks_pause()
    assert alarm_lines(alarm, run) == ["1970-01-01 00:00:00Z BTCUSDT 5m HALT mirror_twin at decision 57: 1 (limit 1 differences)"]
    assert len(watching.watched().alarms) == 0, "what rows alone would raise again"


@pytest.mark.parametrize("halts", [False, True])
def test_a_halt_pauses_the_run_only_where_the_settings_say_so(halts: bool) -> None:
    recording = generated(7, 400, 1)
    kept, _ = streamed(recording, one_sided(recording), f"[monitors]\nhalt = {str(halts).lower()}\n")
    first = kept.alarms[kept.alarms["severity"] == HALT][0]
    assert NAMES[int(first["monitor"])] == "model_side"
    pauses = kept.controls[kept.controls["kind"] == PAUSE]
    assert (len(pauses) > 0) == halts
    after = kept.decisions[kept.decisions["at_ns"] > first["at_ns"] + BAR_NS]
    assert (after["sent"][after["asks_risk"] == 1] != 0).any() != halts  # a pause is no new risk
    if halts:
        assert int(pauses["at_ns"][0]) - int(first["at_ns"]) <= BAR_NS
        assert pauses["at_ns"].size == 1  # one question is answered once


def test_a_pause_stands_before_the_next_input_at_its_time() -> None:
    recording = generated(7, 400, 1)
    watching = Watching(record_of(recording, "[monitors]\nhalt = true\n"), lambda rows: None)
    events = list(inputs_of(recording, np.array([OPEN_EVENT, CLOSE_EVENT], np.int64)))
    watching.predictions(predicted(np.full(40, 0.3)))
    taken = list(with_pauses(events, watching))
    assert isinstance(taken[0], Control) and taken[0].word == "pause" and taken[1:] == events
    assert list(with_pauses(events, watching)) == events


def test_a_clock_that_goes_on_finds_a_feed_that_does_not() -> None:
    recording = generated(8, 200, 2)
    kept, watching = streamed(recording, predictions_of(recording, "5m", 8))
    last = int(kept.decisions["at_ns"].max())
    raised = len(watching.watched().alarms)
    watching.look(last + BAR_NS)
    assert len(watching.watched().alarms) == raised
    watching.look(last + 2 * BAR_NS)
    watching.look(last + 2 * BAR_NS + 1)
    watching.look(last + 4 * BAR_NS)
    fresh = watching.watched().alarms[raised:]
    assert [(int(row["instrument"]), int(row["severity"])) for row in fresh] == [(0, 1), (1, 1), (0, 2), (1, 2)]


@covers("1.36", "3.16")
def test_alarms_are_kept_in_the_journal_and_need_attention_in_status(tmp_path: Path) -> None:
    recording = generated(7, 400, 1)
    kept, _ = streamed(recording, one_sided(recording))
    journal = Journal.open(tmp_path)
    run = record_of(recording, identity="b1")
    writer = journal.begin(run, 1)
    writer.alarms(kept.alarms)
    writer.finish("finished", {}, 2)
    view = journal.run()
    assert view.alarms().tobytes() == kept.alarms.tobytes() and view.row.monitors == NAMES
    told = standing(journal, 3, lambda pid: False).attention
    assert any("model_side calls for a halt about BTCUSDT 5m" in line for line in told)
    again = np.concatenate((kept.alarms, kept.alarms, kept.alarms[:1]))
    assert [line.partition(";")[0] for line in alarm_summary(again, run)] == alarm_summary(kept.alarms, run)
    assert alarm_summary(again, run)[0].partition(";")[2].startswith(" 2 times again until 20")
    lines = alarm_lines(kept.alarms, run)
    assert any("HALT model_side at directional prediction" in line for line in lines)
