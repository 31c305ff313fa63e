"""A report on disk: the page and its pictures, each whole or not at all."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from metastackerbandit.report.facts import Facts
from metastackerbandit.report.page import page_of
from metastackerbandit.storage.whole_files import write_whole

PAGE = "report.html"


class Written(Struct, frozen=True):
    """A file, and its length in bytes."""

    path: Path
    length: int


def write(folder: Path, facts: Facts) -> tuple[Written, ...]:
    """Write the page first, then the pictures; what was there of an earlier report is written over."""
    from metastackerbandit.report.pictures import pictures_of

    files = {PAGE: page_of(facts).encode(), **pictures_of(facts)}
    found = []
    for name, content in files.items():
        write_whole(folder / name, content)
        found.append(Written(folder / name, len(content)))
    return tuple(found)
