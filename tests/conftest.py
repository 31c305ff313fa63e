"""Remembers which checklist items the tests of this run cover, and how they went."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("shared machine", deadline=None)  # first calls compile
settings.load_profile("shared machine")

RESULTS = Path(__file__).resolve().parents[1] / "build" / "coverage_items.json"
_WORST = ("failed", "skipped", "passed")
_items: dict[str, dict[str, str]] = {}


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own installation and overrides do not reach the tests."""
    for name in list(os.environ):
        if name.startswith("MSB_") and name not in ("MSB_KERNEL_CACHE", "MSB_SHARED"):
            monkeypatch.delenv(name)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Carry the marks to the process that writes the results."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    covered = [name for mark in item.iter_markers("covers") for name in mark.args]
    if covered:
        report.user_properties.append(("covers", covered))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep the worst outcome of a test, over its phases and parameters."""
    if report.when != "call" and report.passed:
        return
    test = report.nodeid.split("[")[0]
    for name, covered in report.user_properties:
        for item in covered if name == "covers" and isinstance(covered, list) else ():
            seen = _items.setdefault(item, {})
            seen[test] = min(report.outcome, seen.get(test, "passed"), key=_WORST.index)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what a whole run found; a run of a few tests leaves the last results alone."""
    whole = not session.config.args or session.config.args == session.config.getini("testpaths")
    if whole and _items and not hasattr(session.config, "workerinput"):
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(_items, indent=1, sort_keys=True))
