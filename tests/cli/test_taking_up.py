"""Which killed run is taken up: one that had begun to trade."""

from __future__ import annotations

from pathlib import Path

import pytest

from metastackerbandit.cli.taking_up import has_begun
from metastackerbandit.domain.inputs import BarOpened, Control, Input
from metastackerbandit.storage.input_log import InputLog, input_log_path, snapshot_path

PAUSE, RESUME, PRICE = Control(1, "pause"), Control(3, "resume"), BarOpened(0, 2, 100)


@pytest.mark.parametrize(
    ("inputs", "begun"),
    [([], False), ([PAUSE], False), ([PAUSE, PRICE], False), ([PAUSE, PRICE, RESUME], True), ([PRICE], True), ([RESUME], True)],
)
def test_a_run_that_was_killed_while_it_warmed_up_has_asked_for_nothing(tmp_path: Path, inputs: list[Input], begun: bool) -> None:
    log = InputLog(input_log_path(tmp_path, 1))
    for one in inputs:
        log.append(one)
    log.close()
    assert has_begun(tmp_path, 1) is begun


def test_a_snapshot_is_taken_of_runs_that_trade(tmp_path: Path) -> None:
    InputLog(input_log_path(tmp_path, 1)).close()
    snapshot_path(tmp_path, 1).write_bytes(b"")
    assert has_begun(tmp_path, 1)
