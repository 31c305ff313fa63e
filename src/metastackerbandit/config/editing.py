"""One number changed in a configuration's text, with its remarks and order left as they are."""

from __future__ import annotations

import re

from metastackerbandit.config.toml_lines import first_lines
from metastackerbandit.config.writing import toml_name, toml_value

_ASSIGNED = re.compile(r"^(?P<left>[^=#]+=\s*)(?P<value>[^\s#]+)(?P<rest>\s*(#.*)?)$")
_HEADER = re.compile(r"^\s*\[(?!\[)")


def with_number(text: str, name: str, value: float | None) -> str | None:
    """The text with a key set (None: its line removed); None where that would take more than one line, such as in an inline table."""
    lines = text.split("\n")  # as toml_lines counts them: other line separators may stand inside a text
    places = first_lines(text)
    path = tuple(name.split("."))
    if path in places:
        place = places[path] - 1
        found = _ASSIGNED.match(lines[place].removesuffix("\r"))
        if found is None:
            return None
        end = "\r" if lines[place].endswith("\r") else ""
        lines[place : place + 1] = [] if value is None else [f"{found['left']}{toml_value(value)}{found['rest']}{end}"]
        return "\n".join(lines)
    if value is None:
        return text
    line = f"{path[-1]} = {toml_value(value)}"
    header = places.get(path[:-1], 0)
    opens = lines[header - 1].removesuffix("\r") if header else ""
    if _HEADER.match(opens) and _names(opens, path[:-1]):
        is_last = header == len(lines)
        end = "\r" if lines[header - 1].endswith("\r") else ""
        return "\n".join([*lines[:header], line + end, *([""] if is_last else lines[header:])])
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    return f"{text}{gap}[{toml_name('.'.join(path[:-1]))}]\n{line}\n"


def _names(line: str, table: tuple[str, ...]) -> bool:
    """Whether a header's line opens this very table, and not one below it."""
    return table in first_lines(line) and len(max(first_lines(line), key=len)) == len(table)
