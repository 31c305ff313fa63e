"""A pytest plugin that tries mutants on the collected tests: a fork each, the mutant's code put into the function, first failure ends it.

Every importer of a function holds the same object, so that a change of its code reaches all of them. What runs while modules are imported
(composers, tables, defaults) cannot be reached so: those mutants get a process that imports the changed module anew (`run.py`).
"""

from __future__ import annotations

import functools
import gc
import importlib
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import CodeType, FrameType, FunctionType
from typing import Any

import msgspec
import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import HypothesisException

from tools.mutation.mutants import Mutant

EXAMPLES = 25  # of a law, for each mutant
SLOW_S = 2.0  # a test that takes more of the processor is not asked
PATIENCE_S = 6.0  # after which such a test is ended
LEAST_S, TIMES = 2.0, 3.0  # a mutant may take so much, or so many times what the tests take without it, of the processor
WAIT_S = 180.0  # and this long on the clock, however busy the machine is
MEMORY = 3 << 30  # beyond what the process has


class Verdict(msgspec.Struct, frozen=True):
    """What came of one mutant: `fate` is killed, survived, slow (killed by the clock), unreached (no own test calls the function), or late
    (runs at import, to be tried in a process of its own)."""

    number: int
    fate: str
    seconds: float
    by: str


class Trial:
    """Runs once over the items as they are, then once for each mutant over the tests that reach it."""

    def __init__(self, module: str, mutants: Sequence[Mutant], tell: Callable[[Verdict], None]) -> None:
        self.module, self.mutants, self.tell = module, mutants, tell
        self.at_import: set[str] = set()
        self.left_out: list[str] = []
        self.clean_s = 0.0
        self.failed: bool = False
        self._watching = True
        self._file = importlib.util.find_spec(module).origin  # type: ignore[union-attr]
        sys.setprofile(self._importing)

    def _importing(self, frame: FrameType, event: str, _given: Any) -> None:
        if event == "call" and frame.f_code.co_filename == self._file:
            self.at_import.add(frame.f_code.co_qualname)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        sys.setprofile(None)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed = self.failed or report.failed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for item in session.items:
            hurry(item)
        gc.collect()
        gc.freeze()  # forks share what is there
        reached = self._clean(session.items)
        for mutant in self.mutants:
            outer = mutant.function
            if not outer or outer in self.at_import or any(name.startswith(f"{outer}.<locals>") for name in self.at_import):
                self.tell(Verdict(mutant.number, "late", 0.0, ""))
                continue
            times = reached.get(outer, {})
            asked = sorted((times[item.nodeid], place) for place, item in enumerate(session.items) if item.nodeid in times)
            self.tell(self._tried(mutant, [session.items[place] for _, place in asked], sum(times.values())))
        return True

    def _clean(self, items: list[pytest.Item]) -> dict[str, dict[str, float]]:
        """Function -> the tests that call it, with their seconds. Tests that fail as things are, or are slow, are left out."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            quiet()
            signal.signal(signal.SIGVTALRM, too_slow)
            with os.fdopen(writing, "wb") as out:
                for place, item in enumerate(items):
                    seen: set[str] = set()

                    def look(frame: FrameType, event: str, _given: Any, seen: set[str] = seen) -> None:
                        if event == "call" and frame.f_code.co_filename == self._file:
                            seen.add(frame.f_code.co_qualname.split(".<locals>")[0])

                    began = time.process_time()
                    sys.setprofile(look)
                    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE_S, 1.0)
                    reports = runtestprotocol(item, nextitem=items[place + 1] if place + 1 < len(items) else None, log=False)
                    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
                    sys.setprofile(None)
                    passed = all(report.passed for report in reports)
                    out.write(msgspec.json.encode((item.nodeid, time.process_time() - began, passed, sorted(seen))) + b"\n")
                    out.flush()
            os._exit(0)
        os.close(writing)
        found: dict[str, dict[str, float]] = {}
        with os.fdopen(reading, "rb") as lines:
            for line in lines:
                name, seconds, passed, seen = msgspec.json.decode(line)
                if not passed or seconds > SLOW_S:
                    self.left_out.append(f"{name} ({'fails or is skipped' if not passed else f'{seconds:.1f} s'})")
                    continue
                self.clean_s += seconds
                for function in seen:
                    found.setdefault(function, {})[name] = seconds
        os.waitpid(child, 0)
        return found

    def _tried(self, mutant: Mutant, asked: list[pytest.Item], usual_s: float) -> Verdict:
        if not asked:
            return Verdict(mutant.number, "unreached", 0.0, "")
        reading, writing = os.pipe()
        began = time.perf_counter()
        child = os.fork()
        if child == 0:
            os.close(reading)
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(LEAST_S + TIMES * usual_s), resource.RLIM_INFINITY))
            self._run(mutant, asked, writing)
        os.close(writing)
        fate = wait_for(child, WAIT_S)
        with os.fdopen(reading, "rb") as said:
            by = said.read().decode()
        return Verdict(mutant.number, fate, time.perf_counter() - began, by)

    def _run(self, mutant: Mutant, asked: list[pytest.Item], writing: int) -> None:
        """In the child: never returns."""
        quiet()
        limit_memory()
        try:
            put(self.module, mutant)
        except Exception as broken:  # noqa: BLE001 - a mutant that cannot be defined is dead
            os.write(writing, f"not to be defined: {broken!r}".encode())
            os._exit(1)
        for item in asked:
            end_at_failure(item, writing)
        for place, item in enumerate(asked):
            reports = runtestprotocol(item, nextitem=asked[place + 1] if place + 1 < len(asked) else None, log=False)
            if any(report.failed for report in reports):
                os.write(writing, item.nodeid.encode())
                os._exit(1)
        os._exit(0)


def too_slow(_number: int, _frame: FrameType | None) -> None:
    """Ends a test that takes too long."""
    raise TimeoutError(f"longer than {PATIENCE_S:.0f} s")


def hurry(item: pytest.Item) -> None:
    """Few examples of a law, the same each time, and no search for a smaller one."""
    test = getattr(item, "obj", None)
    test = getattr(test, "__func__", test)
    item.repr_failure = lambda *_given, **_named: ""  # type: ignore[method-assign]  # nobody reads why a mutant died
    if getattr(test, "is_hypothesis_test", False):
        usual = getattr(test, "_hypothesis_internal_use_settings", None) or settings.get_profile("default")
        test._hypothesis_internal_use_settings = settings(  # type: ignore[union-attr]
            usual,
            max_examples=min(usual.max_examples, EXAMPLES),
            derandomize=True,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )


def end_at_failure(item: pytest.Item, writing: int) -> None:
    """A law that fails once ends the process: hypothesis would play the example again, and word it."""
    handle = getattr(getattr(item, "obj", None), "hypothesis", None)
    if handle is None:
        return
    inner = handle.inner_test

    @functools.wraps(inner)
    def asked(*given: Any, **named: Any) -> Any:
        try:
            return inner(*given, **named)
        except HypothesisException:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the mutant is dead
            os.write(writing, item.nodeid.encode())
            os._exit(1)

    handle.inner_test = asked


def put(module: str, mutant: Mutant) -> None:
    """Give the function of a mutant its changed code and defaults."""
    made = importlib.import_module(module)
    scope = dict(vars(made))
    code = compile(f"from __future__ import annotations\n{mutant.source}", "<mutant>", "exec", dont_inherit=True)
    exec(code, scope)  # noqa: S102 - our own source, changed by the mutation tool
    *owners, name = mutant.function.split(".")
    changed: FunctionType = scope[name]
    held: Any = made
    for owner in owners:
        held = vars(held)[owner]
    function = plain(vars(held)[name])
    _fits(function.__code__, changed.__code__)
    function.__code__, function.__defaults__, function.__kwdefaults__ = changed.__code__, changed.__defaults__, changed.__kwdefaults__


def _fits(old: CodeType, new: CodeType) -> None:
    if old.co_freevars != new.co_freevars:
        raise ValueError(f"the tool cannot put {new.co_name} in place: it closes over {old.co_freevars}")


def plain(function: Any) -> Any:
    """The function behind a static method, property or cache."""
    while not isinstance(function, FunctionType):
        function = getattr(function, "__func__", None) or getattr(function, "fget", None) or function.__wrapped__
    return function


def wait_for(child: int, seconds: float) -> str:
    """How a child ended: survived, killed (it failed), slow (it was ended by us)."""
    ends = time.perf_counter() + seconds
    pause = 0.001
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
                return "slow"
            return "survived" if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0 else "killed"
        if time.perf_counter() > ends:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "slow"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)


def quiet() -> None:
    """A child prints nothing."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def limit_memory() -> None:
    """A mutant that fills memory dies of it (where the system tells how much there is)."""
    if not os.path.exists("/proc/self/statm"):
        return
    with open("/proc/self/statm") as text:
        pages = int(text.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (pages + MEMORY, resource.RLIM_INFINITY))
