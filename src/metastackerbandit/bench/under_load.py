"""A loopback exchange and a paper run that trades it, each a process of its own, looked at from outside while they last."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import msgspec
from msgspec import Struct

from metastackerbandit.domain.errors import Fault
from metastackerbandit.storage.journal import Journal

_MSB = (sys.executable, "-m", "metastackerbandit")
_PATIENCE_S = 300.0  # until every book is live, and for an orderly end
_LOOK_S = 1.0  # heartbeats are as far apart


class Load(Struct, frozen=True):
    """What is asked of both: symbols, a market of `msb venue --flow`, and candles from before."""

    symbols: int
    flow: str
    history: int = 300
    days: int = 3

    @property
    def names(self) -> tuple[str, ...]:
        """The symbols."""
        return tuple(f"M{place:03d}USDT" for place in range(self.symbols))


class Look(Struct, frozen=True):
    """One look: when, what the run's newest heartbeat says of itself, processor seconds so far, the exchange's resident bytes (None: not told)."""

    at_s: float
    heartbeat_ns: int
    vitals: dict[str, Any]
    run_cpu_s: float | None
    venue_cpu_s: float | None
    venue_bytes: int | None


class UnderLoad:
    """Both processes while they run; `looks` are all so far, `ended` what the run answered once it was stopped."""

    def __init__(self, load: Load, home: Path, venue: subprocess.Popen[bytes], run: subprocess.Popen[bytes], problems: Path) -> None:
        self._load, self._home, self._venue, self._run, self._problems = load, home, venue, run, problems
        self.looks: list[Look] = []
        self._ended: dict[str, Any] = {}

    def wait_until_live(self) -> None:
        """Until every book of the run is live.

        Raises:
            Fault: that takes too long, or a process is gone.
        """
        until_s = time.monotonic() + _PATIENCE_S
        while (live := len(self._heartbeat()[1].get("live", ()))) < self._load.symbols:
            self._require(time.monotonic() < until_s, f"of {self._load.symbols} books {live} are live after {_PATIENCE_S:g} s")
            time.sleep(_LOOK_S)

    def watch(self, seconds: float) -> None:
        """Look once a second for so long."""
        until_s = time.monotonic() + seconds
        self.looks += [] if self.looks else [self._look()]
        while (left_s := until_s - time.monotonic()) > 0.0:
            time.sleep(min(_LOOK_S, left_s))
            self.looks.append(self._look())

    def cpu_s(self) -> float:
        """Processor seconds of the run so far."""
        return _cpu_s(self._run.pid) or 0.0

    def ended(self) -> dict[str, Any]:
        """What the run answers when it is asked to stop; asked once."""
        if not self._ended:
            self._run.terminate()
            out, _ = self._run.communicate(timeout=_PATIENCE_S)
            self._require(self._run.returncode == 0, "the run did not end in order")
            self._ended = msgspec.json.decode(out)
        return self._ended

    def _look(self) -> Look:
        heartbeat_ns, summary = self._heartbeat()
        self._require("vitals" in summary and self._run.poll() is None and self._venue.poll() is None, "a process is gone")
        return Look(time.monotonic(), heartbeat_ns, summary["vitals"], _cpu_s(self._run.pid), _cpu_s(self._venue.pid), _memory_bytes(self._venue.pid))

    def _heartbeat(self) -> tuple[int, dict[str, Any]]:
        """The run's newest heartbeat, and what it said; nothing before there is one."""
        self._require(self._run.poll() is None or bool(self._ended), "the run is gone")
        if not (self._home / "journal.sqlite").exists():
            return 0, {}
        with Journal.open(self._home, create=False) as journal:
            runs = journal.runs()
        return (runs[-1].heartbeat_ns, runs[-1].summary) if runs else (0, {})

    def _require(self, is_so: bool, what: str) -> None:
        if not is_so:
            told = self._problems.read_text()[-500:]
            raise Fault(f"{what}: {told}" if told else what, where="a run under load")


@contextmanager
def under_load(load: Load) -> Iterator[UnderLoad]:
    """Both, for as long as this lasts; their files are gone after it.

    Raises:
        Fault: the exchange does not begin.
    """
    with TemporaryDirectory(prefix="msb-load-") as folder:
        home, problems = Path(folder) / "home", Path(folder) / "problems"
        with problems.open("wb") as told:
            venue = _begun(["venue", "--port", "0", *_venue_words(load)], told)
            try:
                assert venue.stdout is not None
                first = venue.stdout.readline()
                if not first:
                    raise Fault(f"the exchange did not begin: {problems.read_text()[-500:]}", where="msb venue")
                url = msgspec.json.decode(first)["url"]
                run = _begun(["run", "--home", str(home), "--url", url, *_run_words(load)], told)
                try:
                    yield UnderLoad(load, home, venue, run, problems)
                finally:
                    _stop(run)
            finally:
                _stop(venue)


def _venue_words(load: Load) -> list[str]:
    """The clock's own speed, and a market that moves as often as its streams tell."""
    flow = ["--flow", load.flow, "--days", f"{load.days}", "--symbols", ",".join(load.names)]
    return ["--market", "spot", "--speed", "1", "--step", "0.1", *flow, "--json"]


def _run_words(load: Load) -> list[str]:
    """Every symbol on its own books, by a rule; snapshots as deep as the made books are, so that 200 fit into a venue's weight."""
    sets = ["--set", f"live_run.history_bars={load.history}", "--set", "live.snapshot_levels=100"]
    trades = ["--venue", "loopback", "--own-broker", "--market", "spot", "--frames", "1m", "--arm", "momentum"]
    return [*trades, "--symbols", ",".join(load.names), *sets, "--json"]


def _begun(words: Sequence[str], problems: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*_MSB, *words], stdout=subprocess.PIPE, stderr=problems)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a process in order, else at once."""
    if process.poll() is None:
        process.terminate()
        try:
            process.communicate(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _cpu_s(pid: int) -> float | None:
    """Processor seconds of a process so far; None where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_bytes(pid: int) -> int | None:
    """Resident bytes of a process; None where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None
