"""One benchmark, measured: peers opened and held equal first, then all sides by turns, and the figures as one JSON object."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from metastackerbandit.bench import machine
from metastackerbandit.bench.interleaved import FEWEST, Lap, interleave, timed
from metastackerbandit.bench.peers import Playing, folder
from metastackerbandit.bench.spec import OURS, Asked, Benchmark, Prepared, Unequal
from metastackerbandit.domain.errors import Fault, UsageError

Say = Callable[[str], None]


def _silent(line: str) -> None:
    """Nobody is told how far it is."""


def measure(benchmark: Benchmark, data: Path | None, *, rounds: int | None = None, with_peers: bool = True, say: Say = _silent) -> dict[str, Any]:
    """Run it and its peers; `absent` names those that could not run or gave another answer, with the reason.

    Raises:
        UsageError: fewer rounds than a median needs.
    """
    turns = benchmark.rounds if rounds is None else rounds
    if turns < FEWEST:
        raise UsageError(f"{turns} rounds are too few for a median", where="--rounds", mend=f"give {FEWEST} or more")
    with ExitStack() as stack:
        say(f"{benchmark.name}: preparing")
        ready = benchmark.prepare(stack, data)
        ours = ready.run()  # untimed: compiled kernels are loaded, caches warm
        waits = Waits(ready)
        sides: dict[str, Callable[[], Lap]] = {OURS: lambda: _own_lap(ready, waits)}
        versions, equal, absent = {OURS: machine.versions()}, {}, {}
        unequal: list[str] = []
        for name, asked in ready.peers.items() if with_peers else ():
            try:
                playing, versions[name], equal[name] = _opened(stack, name, asked, ready, ours, say)
                sides[name] = _lap_of(playing, name, waits)
            except UsageError as error:
                absent[name] = str(error)
            except Unequal as error:
                absent[name] = str(error)
                unequal.append(name)
        before = machine.load()
        say(f"{benchmark.name}: {turns} rounds of {', '.join(sides)}")
        laps = interleave(sides, turns)
        amounts = {name: asked.amount or ready.amount for name, asked in ready.peers.items()} | {OURS: ready.amount}
        figures = {name: run.figures(amounts[name], ready.unit) for name, run in laps.items()}
        for name, measured in waits.of.items():
            figures[name] |= _percentiles(np.concatenate(measured))
        if ready.steps_ms is not None:
            figures[OURS] |= _percentiles(ready.steps_ms())
        facts = {name: float(value) for name, value in (ready.facts() if ready.facts is not None else {}).items()}  # numpy's are no JSON
    peers = {name: figures[name] | {"equal": equal[name]} for name in figures if name != OURS}
    told = {
        "name": benchmark.name,
        "work": benchmark.work,
        "ours": figures[OURS],
        "peers": peers,
        **_ratios(figures[OURS], peers),
        "facts": facts,
        "absent": absent,
        "unequal": unequal,
        "notes": list(ready.notes),
        "amount": ready.amount,
        "versions": versions,
        "load": {"before": before, "after": machine.load()},
        "machine": machine.processor(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": machine.code(),
    }
    return told | {"target": _judged(benchmark, told)}


def _opened(stack: ExitStack, name: str, asked: Asked, ready: Prepared, ours: Any, say: Say) -> tuple[Playing, dict[str, str], str]:
    """A peer at work whose answer was held against ours."""
    if not (folder() / asked.home / asked.script).is_file():
        raise UsageError(f"there is no benchmarks/peers/{asked.home}/{asked.script}")
    playing = stack.enter_context(Playing(asked.home, asked.script))
    versions = playing.prepare(asked.kind, asked.job if asked.check is None else asked.check)
    answer = playing.run()["answer"]
    same = ready.equal(name, ours, answer) if ready.equal is not None else "not comparable"
    say(f"  {name}: {same}")
    if asked.check is not None:
        playing.prepare(asked.kind, asked.job)
        playing.run()
    return playing, versions, same


class Waits:
    """The waits of each side, a run after the other, where a benchmark is of waits."""

    def __init__(self, ready: Prepared) -> None:
        self._ready = ready
        self.of: dict[str, list[np.ndarray]] = {}

    def lap(self, side: str, answer: Any, took: Lap) -> Lap:
        """A run as it counts: as long as it took, or as the median of what it waited.

        Raises:
            Fault: it has waited for nothing, so that there is nothing to tell.
        """
        if self._ready.waits_ms is None:
            return took
        waits_ms = self._ready.waits_ms(side, answer)
        if not len(waits_ms):
            raise Fault(f"a run of {side} has no wait to tell: nothing of what it sent arrived", where="bench")
        self.of.setdefault(side, []).append(waits_ms)
        return Lap(float(np.median(waits_ms)) / 1e3, took.cpu_s / len(waits_ms))


def _own_lap(ready: Prepared, waits: Waits) -> Lap:
    answers = []
    took = timed(lambda: answers.append(ready.run()), ready.cpu_s)
    return waits.lap(OURS, answers[0], took)


def _lap_of(playing: Playing, name: str, waits: Waits) -> Callable[[], Lap]:
    def lap() -> Lap:
        told = playing.run()
        return waits.lap(name, told["answer"], Lap(told["wall_s"], told["cpu_s"]))

    return lap


def _percentiles(steps_ms: np.ndarray) -> dict[str, float]:
    middle, late = np.percentile(steps_ms, (50, 99))
    return {"p50_ms": float(middle), "p99_ms": float(late)}


def _ratios(ours: dict[str, Any], peers: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """How many times our rate is that of the quickest peer: by medians on the clock, by the least, by the least CPU time; null without peers."""
    ratios: dict[str, Any] = {"ratio_to_best_peer": None, "ratio_by_least": None, "ratio_by_cpu": None, "best_peer": None}
    if peers:
        ratios["best_peer"] = max(peers, key=lambda name: peers[name]["rate"])
        for ratio, figure in (("ratio_to_best_peer", "rate"), ("ratio_by_least", "best_rate"), ("ratio_by_cpu", "cpu_rate")):
            ratios[ratio] = ours[figure] / max(peer[figure] for peer in peers.values())
    return ratios


def _judged(benchmark: Benchmark, told: dict[str, Any]) -> dict[str, Any] | None:
    """The target, what was seen of it, and whether it is met; null where it could not be seen."""
    target = benchmark.target
    if target is None:
        return None
    known = {"ratio": told["ratio_to_best_peer"], "rate": told["ours"]["rate"], "wall_s": told["ours"]["wall_s"], **told["facts"]}
    seen = known[target.figure]
    return {"text": target.text, "seen": seen, "met": None if seen is None else target.met(seen)}
