"""Write every key of the configuration into docs/configuration.md, between its marks."""

from __future__ import annotations

import sys
from pathlib import Path

from metastackerbandit.config.page import config_tables

PAGE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
FIRST, LAST = "<!-- keys: made by tools/config_doc.py -->\n", "\n<!-- end of keys -->"


def main() -> int:
    """Replace what stands between the marks."""
    before, _, rest = PAGE.read_text().partition(FIRST)
    _, _, after = rest.partition(LAST)
    PAGE.write_text(f"{before}{FIRST}{config_tables()}{LAST}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
