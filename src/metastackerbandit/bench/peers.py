"""Other people's engines in environments of their own: made from a lock on demand, spoken to over a pipe, never imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Self

from metastackerbandit.domain.errors import UsageError

ENVIRONMENT = "MSB_PEERS"  # a folder of peers other than the checkout's
COMMON = "common"  # modules that every peer's script may import; beside no peer's folder, which would pass for a package of its name
QUIET = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "NUMBA_NUM_THREADS": "1"}

TOLD = 2000  # characters of what a failed peer said


class PeerFailed(UsageError):
    """A peer's environment could not be made, or its script failed: what it said is in the message."""


def folder() -> Path:
    """Where the peers' folders lie, each with `requirements.lock` and `play.py`.

    Raises:
        UsageError: there is none: peers come with the source, not with the installed package.
    """
    named = os.environ.get(ENVIRONMENT)
    found = Path(named) if named else Path(__file__).parents[3] / "benchmarks" / "peers"
    if not (found / COMMON / "serving.py").is_file():
        raise UsageError(f"no peers at {found}: run from a checkout of the source, or name the folder in {ENVIRONMENT}")
    return found


def names() -> list[str]:
    """Every peer that has a lock and a script, in order of name."""
    return sorted(lock.parent.name for lock in folder().glob("*/requirements.lock") if (lock.parent / "play.py").is_file())


def python_of(name: str) -> Path:
    """The interpreter of a peer's environment, made first where it is missing or older than its lock."""
    home = folder() / name
    lock, python = home / "requirements.lock", home / ".venv" / "bin" / "python"
    if not lock.is_file():
        raise UsageError(f"no peer {name}: there are {', '.join(names())}")
    ready = home / ".venv" / ".ready"
    if not ready.is_file() or ready.stat().st_mtime < lock.stat().st_mtime:
        print(f"making the environment of {name} (once)", file=sys.stderr, flush=True)
        _said(name, [sys.executable, "-m", "venv", "--clear", str(home / ".venv")])
        _said(name, [*_installer(python), "--quiet", "--require-hashes", "-r", str(lock)])
        ready.touch()
    return python


def _installer(python: Path) -> list[str]:
    """uv where this environment has it, which takes seconds where pip takes minutes; else the peer's own pip."""
    uv = Path(sys.executable).with_name("uv")
    return [str(uv), "pip", "install", "--python", str(python)] if uv.is_file() else [str(python), "-m", "pip", "install"]


def _said(name: str, command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise PeerFailed(f"the environment of {name} could not be made: {' '.join(command)}\n{done.stderr[-TOLD:]}")


class Playing:
    """A peer's script at work: prepared once, run as often as wanted; a context manager.

    Raises:
        PeerFailed: the script stopped or answered with an error.
    """

    def __init__(self, name: str, script: str = "play.py") -> None:
        home = folder() / name
        self.name = name
        self._said = TemporaryFile("w+")  # noqa: SIM115 (closed with the script)
        self._process = subprocess.Popen(
            [str(python_of(name)), str(home / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            cwd=home,
            env={**os.environ, **QUIET, "PYTHONPATH": str(folder() / COMMON)},
        )

    def prepare(self, work: str, job: dict[str, Any]) -> dict[str, str]:
        """Read the job's data and get ready, untimed; answers the versions of Python and of the peer."""
        versions: dict[str, str] = self._ask({"prepare": work, "job": job})["versions"]
        return versions

    def run(self) -> dict[str, Any]:
        """Do the prepared work once: `{"answer", "wall_s", "cpu_s"}`."""
        return self._ask({"run": True})

    def _ask(self, what: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = self._process.wait()
            self._said.seek(0)
            raise PeerFailed(f"{self.name} stopped without an answer, exit code {code}; it said:\n{self._said.read()[-TOLD:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._said.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, what: BaseException | None, where: TracebackType | None) -> None:
        self.close()
