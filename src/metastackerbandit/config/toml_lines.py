"""TOML text -> values, and the line of each key (the standard parser gives values only)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from metastackerbandit.config.problems import Problem

LARGEST_BYTES = 1_000_000  # a configuration is pages, not megabytes; larger is some other file
_LONGEST_STATEMENT = 400  # lines that one value may span before its line is no longer looked for

Path = tuple[str, ...]
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


def parse(content: bytes, place: str) -> tuple[dict[str, Any], dict[Path, int]] | Problem:
    """Values and the line of each path, or the one problem that makes the text unreadable."""
    if len(content) > LARGEST_BYTES:
        return Problem("", f"{len(content)} bytes is too large for a configuration", place, f"keep it below {LARGEST_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem("", f"byte {error.start} is not UTF-8 text", f"{place}:{line}", "save the file as UTF-8")
    try:
        return tomllib.loads(text), first_lines(text)
    except RecursionError:
        return Problem("", "values are nested too deeply", place, "tables of settings are at most three deep")
    except ValueError as error:
        return _syntax(str(error), text, place)


def _syntax(message: str, text: str, place: str) -> Problem:
    found = _PLACE.search(message)
    line = int(found[1]) if found and found[1] else text.count("\n") + 1
    column = f" at column {found[2]}" if found and found[2] else ""
    what = f"not TOML{column}: {_PLACE.sub('', message)}"
    return Problem("", what, f"{place}:{line}", 'a setting reads `key = value`, text stands in quotes ("5m"), a table starts with [name]')


def first_lines(text: str) -> dict[Path, int]:
    """The line of each path; a table that has no header of its own stands where its first child does."""
    first: dict[Path, int] = {}
    for path, line in _lines(text):
        for length in range(1, len(path) + 1):
            first.setdefault(path[:length], line)
    return first


def _lines(text: str) -> Iterator[tuple[Path, int]]:
    """Each path of a text that parses, with the line where its statement starts."""
    table: Path = ()
    counted: dict[Path, int] = {}
    for line, statement in _statements(text):
        for path in _paths(statement):
            if statement.lstrip().startswith("[["):  # an item of a list: its place in the list ends its path
                counted[path] = counted.get(path, -1) + 1
                table = (*path, str(counted[path]))
                yield table, line
            elif statement.lstrip().startswith("["):
                table = path
                yield table, line
            else:
                yield table + path, line


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Statements of a text that parses: lines are joined until the parser accepts them."""
    start, held = 0, ""
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        start, held = (start, f"{held}\n{line}") if held else (number, line)
        if _parses(held):
            if held.strip() and not held.lstrip().startswith("#"):
                yield start, held
            held = ""
        elif number - start > _LONGEST_STATEMENT:
            return


def _parses(text: str) -> bool:
    try:
        tomllib.loads(text)
    except ValueError:
        return False
    return True


def _paths(statement: str) -> Iterator[Path]:
    """Paths that one statement sets, parents before children; a header sets its own path alone."""
    found: Any = tomllib.loads(statement)
    if statement.lstrip().startswith("["):
        yield _header(found)
    else:
        yield from _below(found, ())


def _header(found: dict[str, Any]) -> Path:
    path: Path = ()
    inner: Any = found
    while isinstance(inner, dict) and inner:
        name, inner = next(iter(inner.items()))
        path += (name,)
    return path


def _below(found: dict[str, Any], prefix: Path) -> Iterator[Path]:
    for name, value in found.items():
        path = (*prefix, name)
        yield path
        if isinstance(value, dict):
            yield from _below(value, path)
