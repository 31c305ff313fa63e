"""What a benchmark tells: sides by turns, peers only after their answer was held against ours, and what was measured on what."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from metastackerbandit.bench.interleaved import Lap, Laps, interleave
from metastackerbandit.bench.measure import measure
from metastackerbandit.bench.spec import Asked, Benchmark, Prepared, Target, Unequal
from metastackerbandit.domain.errors import Fault, UsageError
from tests.bench.peering import peer

SCRIPT = """
from serving import serve

def sums(job):
    return lambda: sum(range(job["n"])) + job.get("off", 0)

serve({"sums": sums}, versions=())
"""
N = 20_000


def test_every_side_runs_once_a_round_and_none_always_first() -> None:
    ran: list[str] = []

    def side(name: str) -> Callable[[], Lap]:
        def lap() -> Lap:
            ran.append(name)
            return Lap(float(len(ran)), 1.0)

        return lap

    laps = interleave({name: side(name) for name in "abc"}, 4)
    assert "".join(ran) == "abc" + "bca" + "cab" + "abc"
    assert {name: len(run.laps) for name, run in laps.items()} == {"a": 4, "b": 4, "c": 4}


def test_figures_are_medians_and_least_times() -> None:
    told = Laps(tuple(Lap(wall, wall / 2) for wall in (4.0, 1.0, 2.0, 8.0, 3.0))).figures(12.0, "bars")
    assert (told["rate"], told["best_rate"], told["cpu_rate"], told["unit"], told["runs"]) == (4.0, 12.0, 24.0, "bars/s", 5)
    assert (told["wall_s"], told["least_wall_s"], told["cpu_s"], told["least_cpu_s"], told["p50_ms"]) == (3.0, 1.0, 1.5, 0.5, 3_000.0)
    assert told["p99_ms"] == pytest.approx(np.percentile([1e3, 2e3, 3e3, 4e3, 8e3], 99))


def summing(peers: dict[str, Asked], target: Target | None = None) -> Benchmark:
    def equal(name: str, ours: int, theirs: int) -> str:
        if ours != theirs:
            raise Unequal(f"{name} differs from ours: {theirs} against {ours}")
        return "the sum is equal"

    def prepare(stack: ExitStack, data: Path | None) -> Prepared:
        return Prepared(lambda: sum(range(N)), float(N), "numbers", peers, equal, facts=lambda: {"one": np.float64(1.0)}, notes=("a note",))

    return Benchmark("sums", "adding numbers", prepare, target, rounds=5)


def asked(home: str, **job: Any) -> Asked:
    return Asked(home, "sums", {"n": N, **job})


def test_a_peer_is_timed_where_its_answer_is_ours_and_named_where_it_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = peer(tmp_path, "mirror", SCRIPT, monkeypatch)
    said: list[str] = []
    sides = {"same": asked(home), "other": asked(home, off=1), "gone": asked("moon")}
    told = measure(summing(sides, Target("ratio", 1e-6, "any")), None, say=said.append)
    assert list(told["peers"]) == ["same"] and told["best_peer"] == "same"
    assert told["peers"]["same"]["equal"] == "the sum is equal" and told["peers"]["same"]["runs"] == told["ours"]["runs"] == 5
    assert told["unequal"] == ["other"] and "differs from ours: 199990001" in told["absent"]["other"]
    assert "benchmarks/peers/moon/play.py" in told["absent"]["gone"]
    assert told["ratio_to_best_peer"] == told["ours"]["rate"] / told["peers"]["same"]["rate"]
    assert told["target"]["met"] is True and msgspec.json.encode(told["facts"]) == b'{"one":1.0}' and told["notes"] == ["a note"]
    assert told["versions"]["ours"]["numpy"] == np.__version__ and "python" in told["versions"]["same"]
    assert set(told) >= {"name", "ours", "peers", "ratio_to_best_peer", "versions", "load", "machine", "at", "code"}
    assert said[0] == "sums: preparing" and said[-1] == "sums: 5 rounds of ours, same"


def test_a_peer_that_does_part_of_the_work_is_compared_by_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = peer(tmp_path, "mirror", SCRIPT, monkeypatch)
    part = Asked(home, "sums", {"n": N}, amount=N / 4)
    told = measure(summing({"part": part}), None)
    assert told["peers"]["part"]["rate"] == pytest.approx(N / 4 / told["peers"]["part"]["wall_s"])


def test_without_peers_there_is_no_ratio_and_a_target_on_it_is_not_seen() -> None:
    told = measure(summing({"same": asked("mirror")}, Target("ratio", 3.0, "three times")), None, with_peers=False)
    assert told["peers"] == {} and told["absent"] == {} and told["ratio_to_best_peer"] is None
    assert told["target"] == {"text": "three times", "seen": None, "met": None}


def test_a_target_may_be_a_limit_from_above() -> None:
    least = measure(summing({}, Target("one", 0.5, "at most half", at_most=True)), None)
    assert least["target"] == {"text": "at most half", "seen": 1.0, "met": False}


def waiting(waits_ms: list[float], peers: dict[str, Asked]) -> Benchmark:
    def prepare(stack: ExitStack, data: Path | None) -> Prepared:
        def waited(side: str, answer: int) -> np.ndarray:
            return np.array(waits_ms if side == "ours" else [answer / N])

        return Prepared(lambda: sum(range(N)), 1.0, "orders", peers, waits_ms=waited)

    return Benchmark("waits", "waiting", prepare, rounds=5)


def test_where_waits_are_measured_a_run_counts_as_their_median(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = peer(tmp_path, "mirror", SCRIPT, monkeypatch)
    told = measure(waiting([4.0, 1.0, 2.0], {"same": asked(home)}), None)
    ours, theirs = told["ours"], told["peers"]["same"]
    assert (ours["wall_s"], ours["rate"], ours["p50_ms"]) == (0.002, 500.0, 2.0)
    assert ours["p99_ms"] == pytest.approx(np.percentile([1.0, 2.0, 4.0] * 5, 99))
    assert theirs["p50_ms"] == theirs["p99_ms"] == sum(range(N)) / N == theirs["wall_s"] * 1e3
    assert told["ratio_to_best_peer"] == pytest.approx(theirs["wall_s"] / 0.002)


def test_a_run_that_waited_for_nothing_is_a_fault() -> None:
    with pytest.raises(Fault, match="nothing of what it sent arrived"):
        measure(waiting([], {}), None)


def test_fewer_than_five_rounds_are_refused() -> None:
    with pytest.raises(UsageError, match="4 rounds are too few"):
        measure(summing({}), None, rounds=4)
