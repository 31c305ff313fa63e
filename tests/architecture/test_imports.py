"""The import table holds, and the core reaches nothing outside."""

from __future__ import annotations

from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.architecture.rules import OUTSIDE_THE_TABLE, PACKAGE, modules, table, violations
from tests.covering import covers

ROOT = Path(__file__).resolve().parents[2] / "src" / PACKAGE


@covers("A35")
def test_the_source_keeps_the_rules() -> None:
    assert violations(ROOT, table()) == []


def test_the_table_names_every_package_and_no_file_is_left_out() -> None:
    packages = {name.split(".")[0] for name in modules(ROOT)} - set(OUTSIDE_THE_TABLE)
    assert packages <= set(table()["allowed"])
    assert len(modules(ROOT)) > 100


def test_an_exemption_names_a_module_that_exists() -> None:
    assert set(table()["exempt"]) <= set(modules(ROOT))


def test_the_table_itself_has_no_circle_and_the_core_knows_only_the_core() -> None:
    allowed, core = table()["allowed"], set(table()["core"])
    assert all(set(allowed[package]) <= core for package in core)
    TopologicalSorter({package: set(names) - {"*", "*.settings"} for package, names in allowed.items()}).prepare()


@pytest.mark.parametrize(
    ("place", "text", "expected"),
    [
        ("costs/a.py", "from metastackerbandit.engine.plan import Plan", "costs may not import engine.plan.Plan"),
        ("decision/a.py", "import metastackerbandit.risk.sizing", "decision may not import risk.sizing"),
        ("config/a.py", "from metastackerbandit.risk.sizing import x", "config may not import risk.sizing.x"),
        ("config/b.py", "from metastackerbandit.risk.settings import x", ""),
        ("engine/a.py", "from . import plan", "relative import"),
        ("engine/b.py", "import time", "may not import time"),
        ("engine/c.py", "from datetime import datetime\nx = datetime.now()", "may not ask for .now"),
        ("engine/d.py", "x = open('y')", "may not call open()"),
        ("engine/e.py", "def f(is_live):\n    return is_live", "may not know is_live"),
        ("engine/f.py", "import asyncio.events", "may not import asyncio.events"),
        ("engine/g.py", "def f():\n    from importlib import import_module", "may not import importlib.import_module"),
        ("engine/h.py", "x = __import__('time')", "may not call __import__()"),
        ("engine/i.py", "ask = open", "may not call open()"),
        ("engine/j.py", "def dry_run():\n    return 1", "may not know dry_run"),
        ("engine/k.py", "x = getattr(y, 'is_backtest')", "may not know is_backtest"),
        ("engine/l.py", "f(paper_mode=True)", "may not know paper_mode"),
        ("engine/m.py", "import numpy as np\nx = np.random.rand(3)", "may not draw from random.rand"),
        ("engine/n.py", "from numpy.random import default_rng", "handed its generator"),
        ("engine/o.py", "import numpy as np\ndef f(rng: np.random.Generator) -> float:\n    return rng.random()", ""),
        ("engine/p.py", "import numba", "may not import numba"),
        ("domain/kernel.py", "import numba, os", ""),
        ("domain/kernel.py", "from metastackerbandit.costs.rates import x", "domain may not import costs.rates.x"),
        ("costs/b.py", "from metastackerbandit import engine", "costs may not import engine"),
        ("costs/c.py", "import metastackerbandit", "import the module that is meant"),
        ("runtime/a.py", "from metastackerbandit.cli import main", "runtime may not import cli.main"),
        ("__init__.py", "from metastackerbandit.engine.plan import Plan", "before it is asked for"),
        ("__init__.py", "def __getattr__(name):\n    from metastackerbandit.notebook import backtest\n    return backtest", ""),
        ("risk/__init__.py", "x = 1", "__init__.py files are empty"),
        ("nowhere/a.py", "x = 1", "no package nowhere"),
    ],
)
def test_a_break_of_the_rules_is_seen(tmp_path: Path, place: str, text: str, expected: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_text(text)
    found = violations(tmp_path, table())
    assert any(expected in line for line in found) if expected else found == []


@pytest.mark.parametrize("library", ["asyncio", "threading", "time", "random", "os", "pathlib", "logging", "socket", "sqlite3", "subprocess", "aiohttp"])
@pytest.mark.parametrize("package", table()["core"])
def test_no_package_of_the_core_may_reach_outside(tmp_path: Path, package: str, library: str) -> None:
    (tmp_path / package).mkdir()
    (tmp_path / package / "a.py").write_text(f"def late():\n    import {library}\n")
    assert violations(tmp_path, table()) == [f"{package}.a:2: the core may not import {library}"]


@pytest.mark.parametrize(
    "back",
    [
        "from metastackerbandit.domain.a import x",
        "import metastackerbandit.domain.a",
        "from metastackerbandit.domain import a",
        "def late():\n    from metastackerbandit.domain.a import x",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from metastackerbandit.domain.a import x",
    ],
)
def test_a_circle_of_imports_is_seen(tmp_path: Path, back: str) -> None:
    (tmp_path / "domain").mkdir()
    (tmp_path / "domain" / "a.py").write_text("from metastackerbandit.domain.b import x")
    (tmp_path / "domain" / "b.py").write_text(back)
    assert violations(tmp_path, table()) == ["cycle: domain.a -> domain.b -> domain.a"]
