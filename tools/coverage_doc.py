"""Write docs/coverage.md: which checklist items and pains have which tests, and how these went when last run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "build" / "coverage_items.json"


def order(item: str) -> tuple[int, str, float]:
    """Plans' items first, by plan and number, then pains by letter and number."""
    head, _, tail = item.partition(".")
    if head.isdigit():
        return int(head), "", float(tail)
    return 9, item[0], float(item[1:])


def text(results: dict[str, dict[str, str]]) -> str:
    """The page."""
    lines = [
        "# What the tests cover",
        "",
        "Made by `make docs` from the marks in the tests (`@covers`) and the last `make test`; do not edit. Numbers such as 2.138 are",
        "the plans' checklist items, letters such as A05 the predecessors' pains. An item that is not here has no test yet.",
        "",
        "| item | test | last result |",
        "| --- | --- | --- |",
    ]
    for item in sorted(results, key=order):
        lines += [f"| {item} | `{test}` | {outcome} |" for test, outcome in sorted(results[item].items())]
    lines += ["", f"{len(results)} items, {len({test for tests in results.values() for test in tests})} tests."]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, or say that no run has left its results."""
    if not RESULTS.exists():
        print("no results of a test run are here: run `make test` first", file=sys.stderr)
        return 1
    (ROOT / "docs").mkdir(exist_ok=True)
    (ROOT / "docs" / "coverage.md").write_text(text(json.loads(RESULTS.read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
