"""Which code runs: the package's version, and a hash of its source files."""

from __future__ import annotations

import hashlib
from pathlib import Path


def code_version() -> str:
    """Such as `0.1.0+3f2a9c81d0b4`; an edit to any source file changes it."""
    from metastackerbandit.cli.main import version

    root = Path(__file__).resolve().parents[1]
    total = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        total.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{version()}+{total.hexdigest()[:12]}"
