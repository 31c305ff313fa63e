"""Which checklist items and pains a test covers; docs/coverage.md is made from these marks."""

from __future__ import annotations

import pytest


def covers(*items: str) -> pytest.MarkDecorator:
    """Mark a test with the checklist items ("2.034") or pains ("A16") that it proves."""
    return pytest.mark.covers(*items)
