"""Write the measured tables of docs/reference.md, between its marks: `python -m tests.reference.page`.

TA-Lib is run again where its environment is (a minute the first time); freqtrade's answers are those that were kept.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from metastackerbandit.training.leakage.settings import LeakageSettings
from tests.reference import freqtrade, goog, lookahead
from tests.reference.goog_statistics import STATISTICS, as_number
from tests.reference.relations import read, tolerance
from tests.reference.tables import TABLES
from tests.reference.talib_chains import CHAINS, WITHOUT, named
from tests.reference.talib_golden import kept, rerun, worst
from tests.shared import shared_data

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference.md"


def table(head: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> str:
    """A table of text."""
    rows = [head, tuple("---" for _ in head), *lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows)


def indicator_tables() -> str:
    """The 31 tables: what was compared, how many cells, how far apart, and what was not."""
    lines = []
    for one in TABLES:
        published = read(shared_data() / "reference" / "ta_tables" / one.file)
        cells, apart, columns = 0, 0.0, []
        for pair in one.compared(published) if one.compared else ():
            printed = published[pair.column]
            known = np.isfinite(printed) & (np.arange(len(printed)) >= pair.first)
            cells += int(known.sum())
            apart = max(apart, float((np.abs(pair.ours - printed) / tolerance(published, pair))[known].max()))
            columns.append(pair.column)
        compared = f"{', '.join(columns)}: {one.relation}" if columns else "nothing"
        lines.append(
            (one.file.removeprefix("cs-").removesuffix(".csv"), one.what, one.ours, compared, str(cells), f"{apart:.2f}" if cells else "", one.rest)
        )
    return table(("table", "indicator", "ours", "compared", "cells", "apart", "not compared"), lines)


def goog_table() -> str:
    """The 31 statistics beside ours."""
    expected = goog.published()
    lines = []
    for one in STATISTICS:
        told = as_number(expected[one.name])
        if one.ours is None:
            lines.append((one.name, f"{told:.10g}", "", "", "", one.how))
            continue
        ours = float(one.ours(goog.played()))
        score = "" if one.score is None else f"{float(one.score(goog.played())):.6g}"
        how = ("" if one.exactly else "other definition: ") + one.how
        lines.append((one.name, f"{told:.10g}", f"{ours:.10g}", f"{abs(ours / told - 1.0):.0e}", score, how))
    own, all_in = goog.growth_by_own_sizes()
    sizes = (
        f"By its own sizes (`sizing.fraction` 1, from the close before each fill) the engine grows {own:.3f}-fold from the second trip\n"
        f"to the last close; with all cash in at each fill it is {all_in:.3f}-fold."
    )
    return table(("statistic", "published", "ours", "apart", "our own score", "how ours comes about"), lines) + f"\n\n{sizes}"


def trades_table() -> str:
    """The figures of the 179 trades beside ours."""
    run = freqtrade.booked()
    lines = []
    for one in freqtrade.FIGURES:
        told = f"{run.told[one.name]:.10g}"
        lines.append((one.name, told, "" if one.ours is None else f"{float(one.ours(run)):.10g}", one.how))
    return table(("figure", "published", "ours", "how ours comes about"), lines)


def talib_table() -> str:
    """Every chain: bars compared on all files, and how far apart."""
    found, wrong = rerun()
    if wrong:
        raise SystemExit("\n".join(wrong))
    measured = worst(found)
    lines = [
        (chain.feature, ", ".join(named(chain.theirs)), f"{measured[chain.feature][0]:,}", f"{measured[chain.feature][1]:.0e}", chain.why)
        for chain in CHAINS
    ]
    without = "\n".join(f"- {names}: {why}" for names, why in WITHOUT.items())
    versions = ", ".join(f"{name} {version}" for name, version in kept()["versions"].items())
    return (
        f"{len(CHAINS)} features, {versions}.\n\n"
        + table(("feature", "functions", "bars", "apart", "start"), lines)
        + f"\n\nWithout a chain:\n\n{without}"
    )


def leaks_table() -> str:
    """Each leak before both judges."""
    kept_file, given, lines = lookahead.kept(), lookahead.market(), []
    answers = kept_file["answers"]
    for leak in lookahead.LEAKS:
        told, ours = answers[leak.strategy], lookahead.judged(leak, given, LeakageSettings())
        biased = f"{told['biased_entry_signals']} entries, {told['biased_exit_signals']} exits of {told['total_signals']}"
        columns = ", ".join(told["biased_indicators"])
        lines.append((leak.what, "yes" if told["has_bias"] else "no", biased, columns, ", ".join(ours.by) or "no", ours.finding))
    elsewhere = "\n".join(f"- `{name}`: {why}" for name, why in lookahead.ELSEWHERE.items())
    head = ("planted", "freqtrade: bias", "trades that changed", "columns that changed", "ours, by check", "what ours says")
    spans = kept_file["spans"]
    own = sum(bool(lookahead.judged(lookahead.SPARSE_LEAK, lookahead.market(span), LeakageSettings()).by) for span in range(lookahead.SPANS))
    sparse = (
        f"The leak at one hour a week, looked for in {lookahead.SPANS} spans of {lookahead.ROWS:,} hours, one after the other: freqtrade finds it in "
        f"{sum(told['has_bias'] for told in spans)}, ours in {own}."
    )
    return table(head, lines) + "\n\n" + sparse + f"\n\nCanaries of ours that a strategy has no place for:\n\n{elsewhere}"


PARTS = {"tables": indicator_tables, "goog": goog_table, "trades": trades_table, "talib": talib_table, "leaks": leaks_table}


def main(names: list[str]) -> int:
    """Replace what stands between the marks of the parts named, or of all."""
    text = PAGE.read_text()
    for name in names or PARTS:
        first, last = f"<!-- {name}: made by python -m tests.reference.page -->\n", f"\n<!-- end of {name} -->"
        before, mark, rest = text.partition(first)
        _, ending, after = rest.partition(last)
        if not mark or not ending:
            raise SystemExit(f"{PAGE.name} has no marks for {name}")
        text = f"{before}{first}{PARTS[name]()}{last}{after}"
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
