"""The table of docs/testing.md, made from the last results in build/mutation/: `python -m tools.mutation.report`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import msgspec

from tools.mutation.own import ROOT, digest_of, modules_of

RESULTS = ROOT / "build" / "mutation"
PAGE = ROOT / "docs" / "testing.md"
FIRST, LAST = "<!-- mutants: made by tools/mutation/report.py -->\n", "\n<!-- end of mutants -->"
PACKAGES = ("decision", "risk", "execution")


class Tried(msgspec.Struct, frozen=True):
    """What is read of one mutant."""

    fate: str


class Found(msgspec.Struct, frozen=True):
    """What is read of one module's results; `digest` is of the module and the tests that they were made with."""

    module: str
    digest: str
    mutants: tuple[Tried, ...]


def main() -> int:
    """Replace what stands between the marks."""
    found = [msgspec.json.decode(path.read_bytes(), type=Found) for path in sorted(RESULTS.glob("*.*.json"))]
    before, _, rest = PAGE.read_text().partition(FIRST)
    _, _, after = rest.partition(LAST)
    current = [one for one in found if one.digest in (digest_of(one.module, True), digest_of(one.module, False))]
    tried = {one.module for one in current}
    open_ = [module for package in PACKAGES for module in modules_of(package) if module not in tried]
    rest = f"\n\nNot tried as they stand: {', '.join(open_)}." if open_ else ""
    PAGE.write_text(f"{before}{FIRST}{table(current)}{rest}{LAST}{after}")
    return 0


def table(found: Iterable[Found]) -> str:
    """Markdown: a module a line that has mutants, gates of a package together, and a line for each package."""
    groups: dict[str, list[int]] = {}
    for one in found:
        package, *_ = one.module.split(".")
        counted = [mutant for mutant in one.mutants if mutant.fate != "excluded"]
        if package not in PACKAGES or not counted:
            continue
        killed = sum(mutant.fate in ("killed", "slow") for mutant in counted)
        name = f"{package}.gates.*" if ".gates." in one.module else one.module
        for key in (name, f"**{package}**", "**all**"):
            sums = groups.setdefault(key, [0, 0, 0])
            for place, count in enumerate((len(counted), killed, len(one.mutants) - len(counted))):
                sums[place] += count
    lines = ["| module | mutants | killed | rate | excluded by rule |", "|---|---|---|---|---|"]
    for name in sorted(groups, key=lambda name: (name.startswith("*"), name == "**all**", name)):
        counted_, killed_, excluded = groups[name]
        lines.append(f"| {name} | {counted_:,} | {killed_:,} | {killed_ / counted_:.1%} | {excluded:,} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
