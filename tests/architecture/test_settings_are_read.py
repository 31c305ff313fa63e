"""A key that nothing reads is a lie: every field of every settings table is read somewhere outside it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import get_type_hints

from msgspec import Struct

from metastackerbandit.config.schema import Config
from tests.architecture.rules import PACKAGE, modules
from tests.covering import covers

ROOT = Path(__file__).resolve().parents[2] / "src" / PACKAGE


def fields(struct: type[Struct], path: str = "") -> dict[str, str]:
    """Dotted key -> name of every leaf."""
    found: dict[str, str] = {}
    for name, kind in get_type_hints(struct).items():
        if isinstance(kind, type) and issubclass(kind, Struct):
            found |= fields(kind, f"{path}{name}.")
        else:
            found[f"{path}{name}"] = name
    return found


@cache
def read_names() -> set[str]:
    """Attributes that any module reads, but for the settings and the schema themselves."""
    readers = {name: tree for name, tree in modules(ROOT).items() if not name.endswith(".settings") and name != "config.schema"}
    return {node.attr for tree in readers.values() for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)}


@covers("A12", "C16")
def test_every_key_is_read() -> None:
    read = read_names()
    assert [key for key, name in fields(Config).items() if name not in read] == []


def test_an_unread_key_would_be_seen() -> None:
    assert "gravity_bps" not in read_names()
