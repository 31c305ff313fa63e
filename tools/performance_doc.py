"""Draw the figures of benchmarks/results.jsonl into docs/performance.md, between its marks."""

from __future__ import annotations

import sys
from pathlib import Path

from metastackerbandit.bench.page import drawn
from metastackerbandit.bench.results import book

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"


def main() -> int:
    """Replace what stands between the marks."""
    PAGE.write_text(drawn(PAGE, book()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
