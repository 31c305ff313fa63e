"""What each key means: the comment beside or above its field in the settings, which is the only place where it is written."""

from __future__ import annotations

import ast
import inspect
import io
import tokenize
from functools import cache

from msgspec import Struct

from metastackerbandit.config.outline import Key, tables
from metastackerbandit.config.scopes import base_name


def key_meaning(key: Key) -> str:
    """The comment beside a key's field, or above it; empty where the settings say nothing."""
    table, _, field = base_name(key.name).rpartition(".")
    return _comments(tables()[table]).get(field, "")


def table_meaning(table: str) -> str:
    """The first paragraph of a table's docstring, on one line."""
    words = inspect.getdoc(tables()[table]) or ""
    return " ".join(words.split("\n\n")[0].split())


@cache
def _comments(table: type[Struct]) -> dict[str, str]:
    """Comment of each annotated field of a class, its parents' included; none where the source is not shipped."""
    inherited = [_comments(parent) for parent in table.__bases__ if issubclass(parent, Struct) and parent is not Struct]
    return {field: text for found in (*inherited, _own_comments(table)) for field, text in found.items() if text}


def _own_comments(table: type[Struct]) -> dict[str, str]:
    """Comment of each field that is written in the class itself."""
    try:
        source = inspect.getsource(table)
    except OSError:
        return {}
    by_line = {
        token.start[0]: token.string.lstrip("# ").rstrip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    (definition,) = ast.parse(source).body
    fields = [node for node in getattr(definition, "body", []) if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
    beside = {node.end_lineno for node in fields}
    return {ast.unparse(node.target): by_line.get(node.end_lineno or 0) or _above(by_line, node.lineno, beside) for node in fields}


def _above(by_line: dict[int, str], line: int, beside: set[int | None]) -> str:
    """The comment on the lines directly above one, none of which stands beside another field."""
    first = line
    while first - 1 in by_line and first - 1 not in beside:
        first -= 1
    return " ".join(by_line[n] for n in range(first, line))
