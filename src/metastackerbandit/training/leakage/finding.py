"""What a leakage check says: passed or not, what it looked at, and each leak in words with its numbers and its mend."""

from __future__ import annotations

from msgspec import Struct


class Finding(Struct, frozen=True):
    """One leak: the check that saw it, what is wrong in words, the numbers behind that, and how it is mended."""

    check: str
    what: str
    evidence: dict[str, float]
    mend: str


class Checked(Struct, frozen=True):
    """One check: what it asked, what it looked at in numbers, and the leaks it found."""

    name: str
    what: str
    evidence: dict[str, float]
    findings: tuple[Finding, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.findings
