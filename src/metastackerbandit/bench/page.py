"""The tables of docs/performance.md, drawn from benchmarks/results.jsonl."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from metastackerbandit.bench.catalog import BENCHMARKS
from metastackerbandit.bench.results import latest
from metastackerbandit.domain.errors import DataRefused

FIRST, LAST = "<!-- figures: made by tools/performance_doc.py -->\n", "\n<!-- end of figures -->"


def drawn(page: Path, results: Path) -> str:
    """The page with the newest result of each benchmark between its marks.

    Raises:
        DataRefused: the page has no marks, or a result cannot be read.
    """
    text = page.read_text()
    if FIRST not in text or LAST not in text:
        raise DataRefused("the marks between which figures are drawn are gone", where=str(page), mend=f"put {FIRST.strip()} and {LAST.strip()} back")
    before, _, rest = text.partition(FIRST)
    _, _, after = rest.partition(LAST)
    found = latest(results)
    told = [found[benchmark.name] for benchmark in BENCHMARKS if benchmark.name in found]
    return f"{before}{FIRST}{figures(told)}{LAST}{after}"


def figures(told: Iterable[dict[str, Any]]) -> str:
    """One table of all, and below it a table a benchmark with every side and what a reader must know."""
    results = list(told)
    if not results:
        return "Nothing has been measured yet: `make bench`."
    lines = ["| benchmark | ours, median | best peer | times its rate: median, least time, least CPU | target | met |", "|---|---|---|---|---|---|"]
    lines += [_summary(result) for result in results]
    for result in results:
        lines += ["", *_section(result)]
    return "\n".join(lines)


def _summary(result: dict[str, Any]) -> str:
    target, peer = result["target"], result["best_peer"]
    ratios = [result[name] for name in ("ratio_to_best_peer", "ratio_by_least", "ratio_by_cpu")]
    theirs = f"{peer}, {amount(result['peers'][peer]['rate'])} {result['peers'][peer]['unit']}" if peer else "-"
    seen = ", ".join(f"{ratio:.1f}" for ratio in ratios) if peer else "-"
    met = {True: "yes", False: "no", None: "-"}[target["met"] if target else None]
    ours = f"{amount(result['ours']['rate'])} {result['ours']['unit']}"
    return f"| [{result['name']}](#{result['name']}) | {ours} | {theirs} | {seen} | {target['text'] if target else '-'} | {met} |"


def _section(result: dict[str, Any]) -> list[str]:
    lines = [f"### {result['name']}", "", f"{result['work'][0].upper()}{result['work'][1:]}. `msb bench {result['name']}`", ""]
    lines += ["| side | rate, median | rate, quickest | wall, median | CPU, median | runs | held equal |", "|---|---|---|---|---|---|---|"]
    for name, side in (("ours", result["ours"]), *result["peers"].items()):
        lines.append(
            f"| {_with_version(name, result)} | {amount(side['rate'])} {side['unit']} | {amount(side['best_rate'])} | {seconds(side['wall_s'])} "
            f"| {seconds(side['cpu_s'])} | {side['runs']} | {side.get('equal', '')} |"
        )
    lines.append("")
    if result["facts"]:
        lines += ["; ".join(f"{name} {amount(value)}" for name, value in result["facts"].items()) + ".", ""]
    lines += [f"{note}." for note in result["notes"]]
    lines += [f"Without {name}: {' '.join(reason.split())[:200]}" for name, reason in result["absent"].items()]
    load = result["load"]
    lines.append(f"{result['at'][:10]}, {result['code']}, {result['machine']}, load {load['before']} before and {load['after']} after.")
    return lines


def _with_version(name: str, result: dict[str, Any]) -> str:
    held = result["versions"].get(name, {})
    told = ", ".join(f"{library} {version}" for library, version in held.items())
    return f"{name} ({told})" if told else name


def amount(value: float) -> str:
    """A number to three digits, with k, M or G."""
    for scale, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= scale:
            return f"{value / scale:.3g} {letter}"
    return f"{value:.3g}"


def seconds(value: float) -> str:
    """A time in the unit that fits."""
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"
