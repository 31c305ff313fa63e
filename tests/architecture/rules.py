"""Reads a source tree and says where it breaks the import table or reaches the outside world."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = "metastackerbandit"


def table() -> dict[str, Any]:
    """The rules as data."""
    return tomllib.loads((Path(__file__).parent / "imports.toml").read_text())


@cache
def modules(root: Path) -> dict[str, ast.Module]:
    """Dotted names below the package -> syntax trees; a tree is read once in a process."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = ast.parse(path.read_text(), str(path))
    return found


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of everything imported; relative imports begin with a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def violations(root: Path, rules: dict[str, Any]) -> list[str]:
    """Every break of the rules, as `module:line: what`."""
    found: list[str] = []
    trees = modules(root)
    for name, tree in trees.items():
        package = name.split(".")[0]
        for line, imported in imports(tree):
            if imported.startswith("."):
                found.append(f"{name}:{line}: relative import {imported}")
            elif imported.startswith(f"{PACKAGE}.") and package in rules["allowed"]:
                target = imported.removeprefix(f"{PACKAGE}.")
                if not _may(package, target, rules["allowed"][package]):
                    found.append(f"{name}:{line}: {package} may not import {target}")
        if package not in rules["allowed"] and name not in ("__init__", "__main__", "", "notebook", PACKAGE):
            found.append(f"{name}:1: no package {package} in the table")
        if package in rules["core"] and name not in rules["exempt"]:
            found += _outside(name, tree, rules["forbidden"])
    for path in root.rglob("__init__.py"):
        if path.parent != root and path.read_text().strip():
            found.append(f"{path.relative_to(root)}: __init__.py files are empty")
    return found + _cycles(trees)


def _may(package: str, target: str, allowed: list[str]) -> bool:
    first, *rest = target.split(".")
    if first == package or first in allowed or "*" in allowed or ".".join([first, *rest[:1]]) in allowed:
        return True
    return "*.settings" in allowed and rest[:1] == ["settings"]


def _outside(name: str, tree: ast.AST, forbidden: dict[str, list[str]]) -> Iterator[str]:
    for line, imported in imports(tree):
        if imported.split(".")[0] in forbidden["modules"]:
            yield f"{name}:{line}: the core may not import {imported}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in forbidden["calls"]:
            yield f"{name}:{node.lineno}: the core may not call {node.func.id}()"
        if isinstance(node, ast.Attribute) and node.attr in forbidden["attributes"]:
            yield f"{name}:{node.lineno}: the core may not ask for .{node.attr}"
        for word in (getattr(node, "id", None), getattr(node, "arg", None), getattr(node, "attr", None)):
            if word in forbidden["names"]:
                yield f"{name}:{getattr(node, 'lineno', 1)}: the core may not know {word}"


def _cycles(trees: dict[str, ast.Module]) -> list[str]:
    """Circles of imports at module level (inside functions they are late, and allowed)."""
    edges = {name: {target for target in _top_level(tree, trees) if target != name} for name, tree in trees.items()}
    found: list[str] = []
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            found.append("cycle: " + " -> ".join((*trail[trail.index(name) :], name)))
        elif name not in done:
            for target in sorted(edges[name]):
                visit(target, (*trail, name))
            done.add(name)

    for name in sorted(edges):
        visit(name, ())
    return found


def _top_level(tree: ast.Module, trees: dict[str, ast.Module]) -> Iterator[str]:
    for node in tree.body:
        for _, imported in imports(node) if isinstance(node, ast.Import | ast.ImportFrom) else ():
            target = imported.removeprefix(f"{PACKAGE}.")
            for name in (target, target.rpartition(".")[0]):
                if imported.startswith(f"{PACKAGE}.") and name in trees:
                    yield name
                    break
