"""Reads a source tree and says where it breaks the import table or reaches the outside world."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGE = "metastackerbandit"
OUTSIDE_THE_TABLE = ("__init__", "__main__", "notebook")  # the top of the package: anything may be imported there, lazily


def table() -> dict[str, Any]:
    """The rules as data."""
    return tomllib.loads((Path(__file__).parent / "imports.toml").read_text())


def modules(root: Path) -> dict[str, ast.Module]:
    """Dotted names below the package -> syntax trees."""
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
        if package in rules["allowed"]:
            found += _imported(name, tree, rules["allowed"][package])
        elif name not in OUTSIDE_THE_TABLE:
            found.append(f"{name}:1: no package {package} in the table")
        if package in rules["core"] and name not in rules["exempt"]:
            found += [*_libraries(name, tree, rules["outside"]["libraries"]), *_reached(name, tree, rules["forbidden"])]
    return found + _inits(root) + _cycles(trees)


def _imported(name: str, tree: ast.Module, allowed: list[str]) -> Iterator[str]:
    """Imports inside the package that the table does not allow."""
    package = name.split(".")[0]
    for line, imported in imports(tree):
        if imported.startswith("."):
            yield f"{name}:{line}: relative import {imported}"
        elif imported == PACKAGE:
            yield f"{name}:{line}: import the module that is meant, not {PACKAGE}"
        elif imported.startswith(f"{PACKAGE}."):
            target = imported.removeprefix(f"{PACKAGE}.")
            if not _may(package, target, allowed):
                yield f"{name}:{line}: {package} may not import {target}"


def _may(package: str, target: str, allowed: list[str]) -> bool:
    first, *rest = target.split(".")
    if first == package or first in allowed or "*" in allowed:
        return True
    return "*.settings" in allowed and rest[:1] == ["settings"]


def _libraries(name: str, tree: ast.Module, allowed: list[str]) -> Iterator[str]:
    """Imports from outside the package that the core does not need."""
    for line, imported in imports(tree):
        if imported.split(".")[0] not in (PACKAGE, *allowed) and not imported.startswith("."):
            yield f"{name}:{line}: the core may not import {imported}"
        elif imported.startswith("numpy.random"):
            yield f"{name}:{line}: the core may not import {imported}: it is handed its generator"


def _reached(name: str, tree: ast.Module, forbidden: dict[str, list[str]]) -> Iterator[str]:
    """The outside world without an import, and names that say which run this is."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 1)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in forbidden["calls"]:
            yield f"{name}:{line}: the core may not call {node.id}()"
        if isinstance(node, ast.Attribute) and node.attr in forbidden["attributes"]:
            yield f"{name}:{line}: the core may not ask for .{node.attr}"
        if isinstance(node, ast.Attribute) and _is_random(node.value) and node.attr not in forbidden["chance"]:
            yield f"{name}:{line}: the core may not draw from random.{node.attr}: it is handed its generator"
        for word in _words(node):
            if word in forbidden["names"]:
                yield f"{name}:{line}: the core may not know {word}"


def _is_random(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "random" and isinstance(node.value, ast.Name)


def _words(node: ast.AST) -> Iterator[str]:
    """Every identifier that a node writes: a name, an argument, an attribute, a definition, an alias, and text given to getattr."""
    for place in ("id", "arg", "attr", "name", "asname", "value"):
        word = getattr(node, place, None)
        if isinstance(word, str):
            yield word


def _inits(root: Path) -> Iterator[str]:
    """`__init__.py` files are empty; the top one imports nothing of ours before it is asked."""
    for path in sorted(root.rglob("__init__.py")):
        if path.parent != root and path.read_text().strip():
            yield f"{path.relative_to(root)}: __init__.py files are empty"
    for name, tree in modules(root).items():
        if name == "__init__":
            for line, imported in _early(tree):
                if imported.startswith((".", PACKAGE)):
                    yield f"{name}:{line}: the top __init__.py may not import {imported} before it is asked for"


def _early(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """What is imported with the module, so not inside its functions."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from imports(node)


def _cycles(trees: dict[str, ast.Module]) -> list[str]:
    """Circles of imports; one inside a function or for the type checker only is a circle too."""
    edges = {name: {target for target in _targets(tree, trees) if target != name} for name, tree in trees.items()}
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


def _targets(tree: ast.Module, trees: dict[str, ast.Module]) -> Iterator[str]:
    """Modules of ours that a module imports."""
    for _, imported in imports(tree):
        target = imported.removeprefix(f"{PACKAGE}.")
        for name in (target, target.rpartition(".")[0]):
            if imported.startswith(f"{PACKAGE}.") and name in trees:
                yield name
                break
