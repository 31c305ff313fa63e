"""Try the mutants of modules on their own tests: `python -m tools.mutation.run decision risk execution`, or dotted names of modules.

Results lie in build/mutation/, a file a module, and are made again only where the module, its tests or this tool have changed.
"""

from __future__ import annotations

import os

os.environ["NUMBA_DISABLE_JIT"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import hypothesis.strategies
import msgspec
import numba
import numpy
import polars
import pytest
import scipy.stats
import sklearn.covariance

from tools.mutation.mutants import Mutant, mutants_of
from tools.mutation.own import ROOT, SOURCE, core_packages, digest_of, modules_of, own_files
from tools.mutation.trial import Trial, Verdict, hurry, limit_memory, quiet, wait_for

PRELOADED = (hypothesis, numba, numpy, polars, scipy, sklearn)  # imported once, for all forks
RESULTS = ROOT / "build" / "mutation"
FRESH_S = 90.0
OPTIONS = ["-p", "no:cacheprovider", "-p", "no:xdist", "--tb=no", "-q", "-x", "--rootdir", str(ROOT)]


class Tried(msgspec.Struct, frozen=True):
    """One mutant with its fate; `excluded` names the rule by which it does not count."""

    line: int
    function: str
    before: str
    after: str
    fate: str
    seconds: float
    by: str
    excluded: str


class Found(msgspec.Struct, frozen=True):
    """What came of one module: its own tests, those of them that were not asked, and its mutants."""

    module: str
    digest: str
    tests: tuple[str, ...]
    left_out: tuple[str, ...]
    clean_s: float
    seconds: float
    mutants: tuple[Tried, ...]


def main(words: Sequence[str] | None = None) -> int:
    """Try what is named, module by module."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("names", nargs="+", help="packages or dotted modules of the core")
    asked.add_argument("--functions-only", action="store_true", help="leave out mutants of tables and defaults, which need a process each")
    given = asked.parse_args(words)
    sys.path[:0] = [str(ROOT), str(ROOT / "src")]
    RESULTS.mkdir(parents=True, exist_ok=True)
    for module in [module for name in given.names for module in (modules_of(name) if name in core_packages() else [name])]:
        try_module(module, given.functions_only)
    return 0


def try_module(module: str, functions_only: bool) -> None:
    """Try one module in a fork of this process, unless its results stand."""
    path, tests = SOURCE.joinpath(*module.split(".")).with_suffix(".py"), own_files(module)
    digest = digest_of(module, functions_only)
    target = RESULTS / f"{module}.json"
    if target.exists() and msgspec.json.decode(target.read_bytes(), type=Found).digest == digest:
        return
    began = time.perf_counter()
    mutants = mutants_of(path)
    child = os.fork()
    if child == 0:
        found = tried(module, path, tests, mutants, functions_only, digest, began)
        target.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1))
        print(line_of(found), flush=True)
        os._exit(0)
    os.waitpid(child, 0)


def tried(module: str, path: Path, tests: list[Path], mutants: list[Mutant], functions_only: bool, digest: str, began: float) -> Found:
    """In the fork: all mutants that count."""
    counted = [mutant for mutant in mutants if not mutant.excluded and (mutant.function or not functions_only)]
    verdicts: dict[int, Verdict] = {}
    left_out: list[str] = []
    clean_s = 0.0
    if tests and counted:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            with os.fdopen(writing, "wb") as out:
                trial = Trial(f"metastackerbandit.{module}", counted, lambda one: write_line(out, one))
                with contextlib.redirect_stdout(open(os.devnull, "w")):
                    pytest.main([*OPTIONS, *map(str, tests)], plugins=[trial])
                out.write(msgspec.json.encode((trial.left_out, trial.clean_s)) + b"\n")
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as lines:
            for line in lines:
                if line.startswith(b"["):
                    left_out, clean_s = msgspec.json.decode(line)
                else:
                    one = msgspec.json.decode(line, type=Verdict)
                    verdicts[one.number] = one
        os.waitpid(child, 0)
    for mutant in counted:
        verdict = verdicts.get(mutant.number, Verdict(mutant.number, "unreached", 0.0, "no own test file" if not tests else "tests do not collect"))
        if verdict.fate == "late":
            verdict = fresh(module, path, tests, mutant, left_out)
        verdicts[mutant.number] = verdict
    done = [with_fate(one, verdicts[one.number]) for one in counted]
    done += [Tried(one.line, one.function, one.before, one.after, "excluded", 0.0, "", one.excluded) for one in mutants if one.excluded]
    names = tuple(str(test.relative_to(ROOT)) for test in tests)
    return Found(module, digest, names, tuple(left_out), round(clean_s, 2), round(time.perf_counter() - began, 1), tuple(done))


def write_line(out: IO[bytes], one: Verdict) -> None:
    """Tell a verdict at once, so that it is not lost with the process."""
    out.write(msgspec.json.encode(one) + b"\n")
    out.flush()


def with_fate(one: Mutant, verdict: Verdict) -> Tried:
    """A mutant as it is kept."""
    return Tried(one.line, one.function, one.before, one.after, verdict.fate, round(verdict.seconds, 3), verdict.by, "")


def fresh(module: str, path: Path, tests: list[Path], mutant: Mutant, left_out: list[str]) -> Verdict:
    """Try one mutant where the project is not imported yet: the changed module is what gets imported."""
    began = time.perf_counter()
    source = mutant.source if not mutant.function else in_module(path, mutant)
    child = os.fork()
    if child == 0:
        quiet()
        limit_memory()
        sys.meta_path.insert(0, Changed(f"metastackerbandit.{module}", path, source))
        slow = [f"--deselect={name.split(' (')[0]}" for name in left_out]
        code = pytest.main([*OPTIONS, *slow, *map(str, tests)], plugins=[Hurried()])
        os._exit(0 if code == 0 else 1)
    fate = wait_for(child, FRESH_S)
    return Verdict(mutant.number, fate, time.perf_counter() - began, "imported anew")


def in_module(path: Path, mutant: Mutant) -> str:
    """The module's text with the changed function in the old one's place, decorators kept."""
    import ast

    lines = path.read_text().splitlines(keepends=True)
    body: Any = ast.parse("".join(lines))
    for name in mutant.function.split("."):
        body = next(node for node in body.body if getattr(node, "name", "") == name)
    indent = " " * body.col_offset
    changed = "".join(indent + line if line.strip() else line for line in mutant.source.splitlines(keepends=True))
    return "".join([*lines[: body.lineno - 1], changed, "\n", *lines[body.end_lineno :]])


class Hurried:
    """Few examples of each law."""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            hurry(item)


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a changed text."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self.name, self.path, self.source = name, path, source

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self) if fullname == self.name else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.source, str(self.path), "exec", dont_inherit=True), vars(module))  # noqa: S102 - our own source, changed


def line_of(found: Found) -> str:
    """One module's result as a line."""
    counted = [one for one in found.mutants if one.fate != "excluded"]
    killed = sum(one.fate in ("killed", "slow") for one in counted)
    share = f"{killed / len(counted):6.1%}" if counted else "     -"
    unreached = sum(one.fate == "unreached" for one in counted)
    rate = f"{killed:>5} of {len(counted):>5} {share}"
    return f"{found.module:<36} {rate}  unreached {unreached:>4}  tests {found.clean_s:6.1f} s  all {found.seconds:6.1f} s"


if __name__ == "__main__":
    sys.exit(main())
