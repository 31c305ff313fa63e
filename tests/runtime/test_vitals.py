"""What a run takes of its machine: figures are those of this very process, each window its own, and what is not known is said to be so."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metastackerbandit.runtime import vitals as module
from metastackerbandit.runtime.lags import HANDLED, LOOP, TAKEN, empty_lags, note
from metastackerbandit.runtime.vitals import Depths, Vitals

WAITS: dict[str, int] = {"changes": 0}


class Scene:
    """Vitals of this process over a folder, with lags and queues of the test's own; a minute of ours is `rate` of the clock that stamps."""

    def __init__(self, home: Path, rate: float = 1.0) -> None:
        self.lags, self.waits, self.gone = empty_lags(), dict(WAITS), dict(WAITS)
        self.raw = home / "raw"
        self.raw.mkdir()
        files = {"raw": [self.raw], "inputs": [home / "inputs.log"]}
        self.vitals = Vitals(home, files, self.lags, lambda: Depths(self.waits, self.gone), lambda venue_ms: venue_ms / rate)

    def measured(self) -> dict[str, Any]:
        """What is told now."""
        return self.vitals.measured()


def test_memory_files_and_sockets_are_this_process_s(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    before = scene.measured()
    with ExitStack() as stack:
        ours, theirs = (stack.enter_context(one) for one in socket.socketpair())
        for place in range(3):
            stack.enter_context((tmp_path / f"{place}").open("w"))
        kept = np.ones(8 * 2**20)
        theirs.send(b"x" * 1_000)
        now = scene.measured()
        assert now["open_files"] == before["open_files"] + 5
        assert now["memory_bytes"] >= before["memory_bytes"] + kept.nbytes // 2
        assert now["waiting"]["socket_bytes"] == before["waiting"]["socket_bytes"] + 1_000
        ours.recv(1_000)
        assert scene.measured()["waiting"]["socket_bytes"] == before["waiting"]["socket_bytes"]
    assert scene.vitals.peaks["waiting.socket_bytes"] == now["waiting"]["socket_bytes"] and now["unknown"] == {}


def test_a_window_has_the_lags_since_the_last_and_the_whole_has_all(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    for late_ms in (1, 2, 300):
        note(scene.lags, TAKEN, late_ms * 10**6)
    first = scene.measured()["lags"]["taken"]
    note(scene.lags, TAKEN, 5 * 10**6)
    second = scene.measured()
    assert (first["count"], first["p50_ms"], first["max_ms"]) == (3, 2.0, 300.0)
    assert second["lags"]["taken"] == {"count": 1, "p50_ms": 5.0, "p99_ms": 5.0, "max_ms": 5.0}
    assert scene.measured()["lags"] == dict.fromkeys(("received", "handled", "taken", "loop")), "nothing came: nothing is told"
    whole = scene.vitals.whole()["lags"]["taken"]
    assert (whole["count"], whole["max_ms"]) == (4, 300.0)
    assert second["frames"]["taken"] == 4
    assert [second["frames_at_most"]["taken"][edge] for edge in ("1", "2", "5", "200", "500")] == [1, 2, 3, 3, 4]


def test_lags_of_a_quicker_clock_are_told_in_our_milliseconds_and_those_of_the_loop_as_they_are(tmp_path: Path) -> None:
    scene = Scene(tmp_path, rate=60.0)
    note(scene.lags, HANDLED, 60 * 10**6)
    note(scene.lags, LOOP, 60 * 10**6)
    told = scene.measured()
    assert (told["lags"]["handled"]["max_ms"], told["lags"]["loop"]["max_ms"]) == (1.0, 60.0)
    assert told["frames_at_most"]["handled"]["1"] == 1


def test_files_are_told_by_how_much_they_have_grown_since_the_start(tmp_path: Path) -> None:
    (tmp_path / "inputs.log").write_bytes(b"x" * 50)
    scene = Scene(tmp_path)
    (scene.raw / "1").write_bytes(b"x" * 10)
    (scene.raw / "2").write_bytes(b"x" * 5)
    (tmp_path / "inputs.log").write_bytes(b"x" * 57)
    assert scene.measured()["written_bytes"] == {"raw": 15, "inputs": 7}


def test_what_waits_is_told_and_its_peak_stays(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.waits["changes"], scene.gone["changes"] = 9, 4
    assert scene.measured()["waiting"]["changes"] == 9
    scene.waits["changes"] = 2
    told = scene.measured()
    assert (told["waiting"]["changes"], told["let_go"]) == (2, {"changes": 4}) and scene.vitals.whole()["peaks"]["waiting.changes"] == 9


def test_what_the_system_does_not_tell_is_nothing_with_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(tmp_path)
    for name in ("_DESCRIPTORS", "_MEMORY"):
        monkeypatch.setattr(module, name, str(tmp_path / "nothing"))
    told = scene.measured()
    assert (told["memory_bytes"], told["open_files"], told["waiting"]["socket_bytes"]) == (None, None, None)
    assert set(told["unknown"]) == {"memory_bytes", "open_files", "waiting.socket_bytes"} and all(told["unknown"].values())
    assert "memory_bytes" not in scene.vitals.peaks
