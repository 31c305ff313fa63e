"""A peer of this very interpreter, for tests of what is done with peers."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from metastackerbandit.bench import peers


def peer(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder of peers that holds one, whose environment is that of the tests."""
    if not (folder / peers.COMMON).is_dir():
        shutil.copytree(peers.folder() / peers.COMMON, folder / peers.COMMON)
    home = folder / name
    (home / ".venv" / "bin").mkdir(parents=True)
    (home / "requirements.lock").touch()
    (home / "play.py").write_text(script)
    (home / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (home / ".venv" / ".ready").touch()
    monkeypatch.setenv(peers.ENVIRONMENT, str(folder))
    return name
