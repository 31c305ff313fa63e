"""One number changed in a configuration's text, with its remarks and order left as they are."""

from __future__ import annotations

import re

from metastackerbandit.config.toml_lines import first_lines
from metastackerbandit.config.writing import toml_name, toml_value

_ASSIGNED = re.compile(r"^(?P<left>[^=#]+=\s*)(?P<value>[^\s#]+)(?P<rest>\s*(#.*)?)$")
_HEADER = re.compile(r"^\s*\[(?!\[)")


def with_number(text: str, name: str, value: float | None) -> str | None:
    """The text with a key set (None: its line removed); None where that would take more than one line, such as in an inline table."""
    lines = text.splitlines(keepends=True)
    places = first_lines(text)
    path = tuple(name.split("."))
    if path in places:
        found = _ASSIGNED.match(lines[places[path] - 1].rstrip("\r\n"))
        if found is None:
            return None
        end = lines[places[path] - 1][len(lines[places[path] - 1].rstrip("\r\n")) :]
        lines[places[path] - 1 : places[path]] = [] if value is None else [f"{found['left']}{toml_value(value)}{found['rest']}{end}"]
        return "".join(lines)
    if value is None:
        return text
    line = f"{path[-1]} = {toml_value(value)}\n"
    header = places.get(path[:-1], 0)
    if header and _HEADER.match(lines[header - 1]) and _names(lines[header - 1], path[:-1]):
        ended = "" if lines[header - 1].endswith("\n") else "\n"
        return "".join([*lines[:header], ended, line, *lines[header:]])
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    return f"{text}{gap}[{toml_name('.'.join(path[:-1]))}]\n{line}"


def _names(line: str, table: tuple[str, ...]) -> bool:
    """Whether a header's line opens this very table, and not one below it."""
    return table in first_lines(line) and len(max(first_lines(line), key=len)) == len(table)
