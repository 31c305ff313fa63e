"""Which test files are a module's own: tests/<package>/test_<module>.py, or what tests/architecture/own_tests.toml says instead."""

from __future__ import annotations

import ast
import hashlib
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "metastackerbandit"
TESTS = ROOT / "tests"
RULES = TESTS / "architecture"


def core_packages() -> list[str]:
    """The packages of the core, as the import table names them."""
    names: list[str] = tomllib.loads((RULES / "imports.toml").read_text())["core"]
    return names


def stated() -> dict[str, Any]:
    """The suites of whole catalogs, and where tables without a function are tested."""
    return tomllib.loads((RULES / "own_tests.toml").read_text())


def modules_of(package: str) -> list[str]:
    """Dotted names, below the project's package, of a package's modules that hold anything."""
    paths = sorted((SOURCE / package).rglob("*.py"))
    return [".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in paths if path.name != "__init__.py"]


def own_file(module: str) -> Path:
    """Where a module's own tests stand by the rule; a member of a catalog shares the catalog's suite."""
    package, _, name = module.rpartition(".")
    own = TESTS.joinpath(*package.split("."), f"test_{name}.py")
    suite = stated()["catalogs"].get(package)
    return own if suite is None or own.exists() else TESTS / suite


def own_files(module: str) -> list[Path]:
    """The test files that count for a module: its own, or for a table those that are stated."""
    own = own_file(module)
    if own.exists():
        return [own]
    return [TESTS / place for place in stated()["tables"].get(module, ()) if (TESTS / place).exists()]


def has_code(module: str) -> bool:
    """Whether the module has a function; a table of settings, shapes or members has none."""
    tree = ast.parse(SOURCE.joinpath(*module.split(".")).with_suffix(".py").read_text())
    return any(isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) for node in ast.walk(tree))


def digest_of(module: str, functions_only: bool) -> str:
    """Changes when the module, its tests, or the rules by which mutants are made and tried do."""
    path = SOURCE.joinpath(*module.split(".")).with_suffix(".py")
    made = hashlib.sha256(str(functions_only).encode())
    for one in (path, *own_files(module), *(Path(__file__).parent / name for name in ("mutants.py", "trial.py"))):
        made.update(one.read_bytes())
    return made.hexdigest()[:16]
