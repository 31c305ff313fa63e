"""Write the catalog of reason codes into docs/explain.md, between its marks."""

from __future__ import annotations

import sys
from pathlib import Path

from metastackerbandit.decision.reasons_page import reasons_table
from metastackerbandit.engine.gates import GATES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "explain.md"
FIRST, LAST = "<!-- reasons: made by tools/reasons_doc.py -->\n", "\n<!-- end of reasons -->"


def main() -> int:
    """Replace what stands between the marks."""
    before, _, rest = PAGE.read_text().partition(FIRST)
    _, _, after = rest.partition(LAST)
    PAGE.write_text(f"{before}{FIRST}{reasons_table(GATES)}{LAST}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
