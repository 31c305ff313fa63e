"""Write the catalog of gates into docs/gates.md, between its marks."""

from __future__ import annotations

import sys
from pathlib import Path

from metastackerbandit.config.outline import keys
from metastackerbandit.decision.gates_page import gates_table
from metastackerbandit.engine.gates import GATES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "gates.md"
FIRST, LAST = "<!-- gates: made by tools/gates_doc.py -->\n", "\n<!-- end of gates -->"


def main() -> int:
    """Replace what stands between the marks."""
    before, _, rest = PAGE.read_text().partition(FIRST)
    _, _, after = rest.partition(LAST)
    table = gates_table(GATES, {name: key.default for name, key in keys().items()})
    PAGE.write_text(f"{before}{FIRST}{table}{LAST}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
