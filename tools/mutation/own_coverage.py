"""Lines of core modules that their own tests do not reach: `python -m tools.mutation.own_coverage [package ...]`, all of the core by default."""

from __future__ import annotations

import os

os.environ["NUMBA_DISABLE_JIT"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")

import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import coverage
import hypothesis.strategies
import msgspec
import numba
import numpy
import polars
import pytest
import scipy.stats

from tools.mutation.own import ROOT, SOURCE, core_packages, modules_of, own_file, own_files
from tools.mutation.run import OPTIONS, Hurried
from tools.mutation.trial import PATIENCE_S, quiet, too_slow

PRELOADED = (hypothesis, numba, numpy, polars, scipy)
RESULTS = ROOT / "build" / "mutation" / "coverage.json"


class Reached(msgspec.Struct, frozen=True):
    """What a module's own tests reach: lines in all, those that are missed, and which tests these are."""

    lines: int
    missed: tuple[int, ...]
    tests: tuple[str, ...]
    is_own: bool


class Patient:
    """Ends a test that takes too long."""

    def pytest_runtest_setup(self) -> None:
        signal.signal(signal.SIGVTALRM, too_slow)
        signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE_S, 1.0)

    def pytest_runtest_teardown(self) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def main(words: Sequence[str] | None = None) -> int:
    """A line for each module that is not fully reached, and all of them in build/mutation/coverage.json."""
    names = list(words if words is not None else sys.argv[1:]) or core_packages()
    sys.path[:0] = [str(ROOT), str(ROOT / "src")]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    found = msgspec.json.decode(RESULTS.read_bytes(), type=dict[str, Reached]) if RESULTS.exists() else {}
    for module in [module for name in names for module in (modules_of(name) if name in core_packages() else [name])]:
        one = found[module] = reached(module)
        if one.missed or not one.is_own:
            kind = "own file" if one.is_own else "no own file"
            print(f"{module:<40} {kind:<11}  missed {len(one.missed)} of {one.lines}: {list(one.missed)[:20]}", flush=True)
        RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1))
    return 0


def reached(module: str) -> Reached:
    """Run a module's own tests in a fork, and see which of its lines they reach."""
    path, tests = SOURCE.joinpath(*module.split(".")).with_suffix(".py"), own_files(module)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        quiet()
        os.close(reading)
        watch = coverage.Coverage(include=[str(path)], data_file=None, config_file=False)
        with contextlib.suppress(BaseException):
            watch.start()
            __import__(f"metastackerbandit.{module}")
            if tests:
                pytest.main([one for one in OPTIONS if one != "-x"] + [*map(str, tests)], plugins=[Hurried(), Patient()])
        watch.stop()
        _, lines, missing, _ = watch.analysis(str(path))
        os.write(writing, msgspec.json.encode((len(lines), missing)))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        count, missed = msgspec.json.decode(said.read(), type=tuple[int, tuple[int, ...]])
    os.waitpid(child, 0)
    return Reached(count, missed, tuple(str(Path(test).relative_to(ROOT)) for test in tests), own_file(module).exists())


if __name__ == "__main__":
    sys.exit(main())
