"""The command line as a test asks it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from metastackerbandit.cli.main import app
from tests.shared import shared_data

RUNNER = CliRunner()


def msb(*words: str, home: Path) -> tuple[int, Any, str]:
    """Exit code, JSON answer, and the words on stderr."""
    answer = RUNNER.invoke(app, [*words, "--home", str(home), "--json"])
    return answer.exit_code, json.loads(answer.stdout), answer.stderr


def candles() -> str:
    """The recorded 5m perpetuals."""
    return str(shared_data() / "klines" / "binance_usdm_5m")
