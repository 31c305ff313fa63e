"""The import table holds, and the core reaches nothing outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.rules import PACKAGE, modules, table, violations
from tests.covering import covers

ROOT = Path(__file__).resolve().parents[2] / "src" / PACKAGE


@covers("A35")
def test_the_source_keeps_the_rules() -> None:
    assert violations(ROOT, table()) == []


def test_the_table_names_every_package_and_no_file_is_left_out() -> None:
    packages = {name.split(".")[0] for name in modules(ROOT)} - {"", "__main__", "__init__", PACKAGE}
    assert packages <= set(table()["allowed"])
    assert len(modules(ROOT)) > 100


@pytest.mark.parametrize(
    ("place", "text", "expected"),
    [
        ("costs/a.py", "from metastackerbandit.engine.plan import Plan", "costs may not import engine.plan.Plan"),
        ("decision/a.py", "import metastackerbandit.risk.sizing", "decision may not import risk.sizing"),
        ("config/a.py", "from metastackerbandit.risk.sizing import x", "config may not import risk.sizing.x"),
        ("config/b.py", "from metastackerbandit.risk.settings import x", ""),
        ("config/c.py", "from metastackerbandit.decision.profiles import x", ""),
        ("config/d.py", "from metastackerbandit.decision.policy import x", "config may not import decision.policy.x"),
        ("engine/a.py", "from . import plan", "relative import"),
        ("engine/b.py", "import time", "may not import time"),
        ("engine/c.py", "from datetime import datetime\nx = datetime.now()", "may not ask for .now"),
        ("engine/d.py", "x = open('y')", "may not call open()"),
        ("engine/e.py", "def f(is_live):\n    return is_live", "may not know is_live"),
        ("engine/f.py", "import asyncio.events", "may not import asyncio.events"),
        ("risk/__init__.py", "x = 1", "__init__.py files are empty"),
        ("nowhere/a.py", "x = 1", "no package nowhere"),
    ],
)
def test_a_break_of_the_rules_is_seen(tmp_path: Path, place: str, text: str, expected: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_text(text)
    found = violations(tmp_path, table())
    assert any(expected in line for line in found) if expected else found == []


def test_a_circle_of_imports_is_seen(tmp_path: Path) -> None:
    (tmp_path / "domain").mkdir()
    (tmp_path / "domain" / "a.py").write_text("from metastackerbandit.domain.b import x")
    (tmp_path / "domain" / "b.py").write_text("from metastackerbandit.domain.a import x")
    assert any(line.startswith("cycle: ") for line in violations(tmp_path, table()))
