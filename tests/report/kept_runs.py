"""Runs in a journal for tests of reports: generated markets (never shown as data), with what the block driver left of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs

from metastackerbandit.backtest.report import Report, report_of
from metastackerbandit.cli.funnel import counted_of
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.sink import Kept
from metastackerbandit.domain.timeframe import frame_ns
from metastackerbandit.engine.gates import GATES
from metastackerbandit.engine.plan import plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.report.facts import Facts, facts_of
from metastackerbandit.report.reading import Beside, Reading, Signals, read
from metastackerbandit.runtime.outcomes import labels_of
from metastackerbandit.storage.journal import Journal
from metastackerbandit.storage.lookup import EVERY
from metastackerbandit.storage.run_record import words_of
from tests.markets import by_block, generated
from tests.predicted import predictions_of
from tests.storage.runs import record

SETTINGS = EngineSettings()


class KeptRun:
    """A run as a journal has it, and beside it what the driver left in memory."""

    def __init__(self, home: Path, recording: Recording, kept: Kept, report: Report, number: int) -> None:
        self.home, self.recording, self.kept, self.report, self.number = home, recording, kept, report, number

    def reading(self, *, candles: bool = True) -> Reading:
        """What a report reads of it, with its candles or without."""
        view = Journal.open(self.home, create=False).run(self.number)
        symbols = tuple(dict.fromkeys(view.row.symbols))
        beside = Beside(no_candles="none are at hand", no_labels="no candles")
        if candles:
            said = self.kept.predictions
            places = {
                (int(one["instrument"]), int(one["frame_ns"])): symbols.index(view.row.symbols[int(one["instrument"])])
                for one in np.unique(said[["instrument", "frame_ns"]])
            }
            beside = Beside(self.recording, "", labels_of(self.recording, places, SETTINGS.costs), "")
        return read(view, Signals(*counted_of(view, EVERY)), beside)

    def facts(self, *, candles: bool = True) -> Facts:
        """The facts of its report."""
        return facts_of(self.reading(candles=candles))


def keep_run(
    home: Path,
    seed: int = 1,
    *,
    count: int = 1_200,
    symbols: int = 2,
    frame: str = "5m",
    arm: str = "sma_cross",
    funded: bool = True,
    ends: bool = True,
    summary: dict[str, Any] | None = None,
    settings: EngineSettings = SETTINGS,
    **changed: Any,
) -> KeptRun:
    """Trade a generated market with a block driver and keep it; `ends` false leaves the run as a killed process does."""
    recording = generated(seed, count, symbols, funded=funded)
    predictions = predictions_of(recording, frame, seed) if arm == "model" else ()
    kept, result = by_block(recording, frame, arm, settings, predictions=predictions)
    account = result.world.account[0]
    report = report_of(plan_of(recording, frame, arm, settings), kept, int(account.cash + account.marked))
    length = frame_ns(frame)
    given = {
        "instruments": recording.instruments,
        "frames": (length,) * symbols,
        "frame_ns": length,
        "base_ns": recording.base_ns,
        "arm": arm,
        "gates": words_of(GATES),
        "config": "",
        "source": "generated",
        "models": ("stack-5m-test-0001",) if arm == "model" else (),
        "notices": (),
    }
    journal = Journal.open(home)
    writer = journal.begin(structs.replace(record(), **{**given, **changed}), 1)
    if len(kept.decisions):
        writer.decisions(kept.decisions, kept.observed, kept.limit, kept.verdict)
    for name in ("orders", "fills", "ledger", "trips", "controls", "outcomes", "predictions"):
        getattr(writer, name)(getattr(kept, name))
    writer.flush()
    if ends:
        writer.finish("finished", {"equity": report.equity} if summary is None else summary, 2)
    journal.close()
    return KeptRun(home, recording, kept, report, writer.run)
