"""What is wrong with a configuration, one problem a line, and the error that carries all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher, get_close_matches
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.errors import ConfigRefused

_LONGEST = 80  # characters of a value or name that are shown or compared; the rest adds nothing


class Problem(Struct, frozen=True):
    """One thing to mend: the key (or empty), what is wrong, where it was written, and the mend."""

    key: str
    what: str
    where: str
    mend: str

    def __str__(self) -> str:
        return str(ConfigRefused(self.what, where=self.where, mend=self.mend))


class Contradiction(Struct, frozen=True):
    """Keys that do not go together, or a value that its quantity cannot mean; the first key is where the mend belongs.

    A waiver of that key lets it pass where `waivable` is true.
    """

    keys: tuple[str, ...]
    what: str
    mend: str
    waivable: bool = False


def refusal(problems: Sequence[Problem]) -> ConfigRefused:
    """All problems as one error; a single one keeps its own place and mend."""
    if len(problems) == 1:
        return ConfigRefused(problems[0].what, where=problems[0].where, mend=problems[0].mend)
    lines = "\n".join(f"  {problem}" for problem in problems)
    return ConfigRefused(f"{len(problems)} problems:\n{lines}\n", where="configuration", mend="`msb config show` says what each key means")


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that was probably meant, or None."""
    return next(iter(equally_close(name, candidates)), None)


def equally_close(name: str, candidates: Iterable[str]) -> list[str]:
    """The candidates that were probably meant: one, or several when a slip of the finger leads to each (aker: maker, taker)."""
    known = list(candidates)
    by_lower = {candidate.lower(): candidate for candidate in known}
    written = name[:_LONGEST].lower()
    exchanged = [candidate for candidate in by_lower if sorted(candidate) == sorted(written)]  # difflib rates these low: ram, arm
    found = exchanged or get_close_matches(written, list(by_lower))
    best = [candidate for candidate in found if _likeness(candidate, written) == _likeness(found[0], written)]
    return [by_lower[candidate] for candidate in best] or _longer_or_shorter(name, known)


def _likeness(candidate: str, written: str) -> float:
    return SequenceMatcher(None, candidate, written).ratio()


def _longer_or_shorter(name: str, known: list[str]) -> list[str]:
    """The first candidate that begins with the name, or the other way round; three letters at least."""
    return [candidate for candidate in known if len(name) >= 3 and (candidate.startswith(name) or name.startswith(candidate))][:1]


def shown(value: Any) -> str:
    """A value as a reader can recognise it, cut to one short line."""
    try:
        text = repr(value)
    except ValueError:  # integers of thousands of digits have no repr
        text = f"a very large {type(value).__name__}"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def shown_of(name: str, value: Any) -> str:
    """A value of a key or table by its dotted name; what stands where only references to keys may stand could be a secret."""
    return "what is given (not shown)" if name.split(".")[0] == "keys" else shown(value)
