"""A look for leaks counts for the code that was looked at, and only when every planted leak was found."""

from __future__ import annotations

from pathlib import Path

import pytest

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.storage.leak_checks import LeakCheck, green, keep_check


def test_only_a_proven_look_at_this_very_code_is_green(tmp_path: Path) -> None:
    assert green(tmp_path, "a") is None
    keep_check(tmp_path, LeakCheck("a", 1, True, 16, 16))
    assert green(tmp_path, "a") is True
    assert green(tmp_path, "b") is None
    keep_check(tmp_path, LeakCheck("a", 2, True, 15, 16))
    assert green(tmp_path, "a") is False
    keep_check(tmp_path, LeakCheck("a", 3, False, 16, 16))
    assert green(tmp_path, "a") is False
    keep_check(tmp_path, LeakCheck("a", 4, True, 0, 0))
    assert green(tmp_path, "a") is False


def test_a_damaged_record_is_told(tmp_path: Path) -> None:
    (tmp_path / "leakage.json").write_text("{")
    with pytest.raises(StorageFailed, match="cannot be read"):
        green(tmp_path, "a")
