"""Where the recorded market data lies, for tests that need it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_data() -> Path:
    """The folder of recorded data; skips the test where it is absent."""
    root = os.environ.get("MSB_SHARED")
    folder = (Path(root) if root else Path(__file__).resolve().parents[2] / "shared") / "data"
    if not (folder / "klines").is_dir():
        pytest.skip(f"recorded market data is absent: {folder}")
    return folder
