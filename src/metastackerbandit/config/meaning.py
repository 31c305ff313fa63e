"""What each key means: the comment beside its field in the settings, which is the only place where it is written."""

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
    """The comment beside a key's field; empty where the settings say nothing."""
    table, _, field = base_name(key.name).rpartition(".")
    return _comments(tables()[table]).get(field, "")


def table_meaning(table: str) -> str:
    """The first paragraph of a table's docstring, on one line."""
    words = inspect.getdoc(tables()[table]) or ""
    return " ".join(words.split("\n\n")[0].split())


@cache
def _comments(table: type[Struct]) -> dict[str, str]:
    """Comment of each annotated field of a class; none where the source is not shipped."""
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
    return {ast.unparse(node.target): by_line.get(node.end_lineno or 0, "") for node in fields}
