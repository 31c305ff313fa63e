"""Write the blocks of the standard model input into docs/model_input.md, between its marks."""

from __future__ import annotations

import sys
from pathlib import Path

from metastackerbandit.features.input_page import blocks_table
from metastackerbandit.features.input_schema import SCHEMA

PAGE = Path(__file__).resolve().parents[1] / "docs" / "model_input.md"
FIRST, LAST = "<!-- blocks: made by tools/input_doc.py -->\n", "\n<!-- end of blocks -->"


def main() -> int:
    """Replace what stands between the marks."""
    before, _, rest = PAGE.read_text().partition(FIRST)
    _, _, after = rest.partition(LAST)
    PAGE.write_text(f"{before}{FIRST}{blocks_table(SCHEMA)}{LAST}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
