"""The measured part of docs/oracles.md: how many trades were compared, how many are equal, and each rule with its example."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from metastackerbandit.domain.timeframe import MINUTE_NS
from oracles.catalog import PEERS, Peer
from oracles.compare import COMPARED, Row
from oracles.corners import CORNERS, corners
from oracles.differences import Rule
from oracles.golden import kept
from oracles.scenes import MADE_NS, SCENES, Scene
from oracles.sides import Side, our_side, side_by_side

BEGIN, END = "<!-- made by python -m oracles -->\n", "<!-- end -->\n"


class Cell(Struct, frozen=True):
    """What one peer's column says of a scene."""

    trades: int
    equal: int
    text: str


def write_page(path: Path, klines: Path) -> None:
    """Put the measured part between its markers, from the answers that are kept."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(before + BEGIN + measured(klines) + END + after)


def measured(klines: Path) -> str:
    """All of it: versions, the table of scenes, and each peer's rules."""
    peers = [peer for peer in PEERS if kept(peer.name).digests]
    cells = [[cell_of(peer, side_by_side(peer, scene, klines)) for peer in peers] for scene in SCENES]
    counted = {scene: corners(scene, *our_side(scene, klines)) for scene in SCENES}
    rules = (line for peer in peers for line in rules_of(peer, klines))
    return "\n".join([versions(peers), "", *table(peers, cells), "", *cornered(counted), "", *rules]) + "\n"


def versions(peers: Iterable[Peer]) -> str:
    """Each peer's version, and the Python that it ran on."""
    told = []
    for peer in peers:
        seen = kept(peer.name).versions
        others = ", ".join(f"{name} {number}" for name, number in seen.items() if name != "python")
        told.append(f"{peer.title} ({others}; Python {seen['python']})")
    return f"Played by: {', '.join(told)}."


def cell_of(peer: Peer, side: Side) -> Cell:
    """`equal`, or the equal trades and how many differ by which rule; a star where not every field is compared."""
    found = side.explained.comparison
    star = "" if len(peer.fields(side.scene)) == len(COMPARED) else " *"
    text = f"all {found.equal:,}" if not found.differences else f"{found.equal:,}; " + ", ".join(side.counted())
    return Cell(side.trades, found.equal, text + star)


def row_of(scene: Scene, cells: Iterable[Cell]) -> str:
    """One line of the table of scenes."""
    return f"| {scene.name} | {scene.bars:,} | {what(scene)} | " + " | ".join(cell.text for cell in cells) + " |"


def table(peers: list[Peer], cells: list[list[Cell]]) -> list[str]:
    """Scenes by peers, and the sums."""
    head = ["scene", "candles", "rule and costs", *(peer.title for peer in peers)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += [row_of(scene, row) for scene, row in zip(SCENES, cells, strict=True)]
    sums = [(sum(row[p].equal for row in cells), sum(row[p].trades for row in cells)) for p in range(len(peers))]
    bars = sum(scene.bars for scene in SCENES)
    return [*lines, f"| all | {bars:,} | | " + " | ".join(f"{equal:,} of {trades:,}" for equal, trades in sums) + " |"]


def cornered(counted: dict[Scene, dict[str, int]]) -> list[str]:
    """How often our trades came to a corner, over all scenes."""
    lines = ["| corner | trades | in scenes |", "|---|---|---|"]
    for name in CORNERS:
        times = [found[name] for found in counted.values()]
        lines.append(f"| {name} | {sum(times):,} | {sum(count > 0 for count in times)} |")
    return lines


def what(scene: Scene) -> str:
    """The rule and the costs in a few words."""
    rule = scene.rule
    said = [f"SMA {rule.fast}/{rule.slow}" if rule.arm == "sma_cross" else f"breakout {rule.length}"]
    if scene.market == "perp":
        said.append(rule.reversal.replace("_", " "))
    said += [f"{word} {amount:g}" for word, amount in (("stop", rule.stop_bps), ("target", rule.target_bps)) if amount]
    said += [f"{word} {amount:g} bps" for word, amount in (("fee", scene.fee_bps), ("slippage", scene.slippage_bps)) if amount]
    return ", ".join([*said, *(("funding",) if scene.funded else ())])


def rules_of(peer: Peer, klines: Path) -> list[str]:
    """How a peer is driven, and each of its rules as a paragraph and its example."""
    return [f"### {peer.title}", "", " ".join(peer.driven.split()), "", *(line for rule in peer.rules for line in (*example(peer, rule, klines), ""))]


def example(peer: Peer, rule: Rule, klines: Path) -> list[str]:
    """A rule in words, the few candles that show it, and what both sides make of them."""
    side = side_by_side(peer, rule.example, klines)
    scene = rule.example
    candles = " ".join("/".join(str(price) for price in candle) for candle in scene.made)
    lines = [f"**{rule.name[0].upper()}{rule.name[1:]}.** {' '.join(rule.says.split())}", ""]
    lines += [f"Example: {what(scene)}; candles in ticks, open/high/low/close: `{candles}`.", ""]
    lines += ["| | side | in | at | out | at | fee | funding | profit |", "|---|---|---|---|---|---|---|---|---|"]
    for title, rows in (("ours", side.ours), (peer.title, side.theirs)):
        lines += [f"| {title} | {trade(row)} |" for row in rows] or [f"| {title} | no trade | | | | | | | |"]
    return lines


def trade(row: Row) -> str:
    """A trade by the places of its candles, counted from 0."""
    places = [(int(row[name]) - MADE_NS) // (5 * MINUTE_NS) for name in ("opened_ns", "closed_ns")]
    money = (f"{row[name]:.6f}".rstrip("0").rstrip(".") for name in ("fee", "funding", "profit"))
    side = "long" if row["side"] > 0 else "short"
    return f"{side} | {places[0]} | {row['entry']:.6g} | {places[1]} | {row['exit']:.6g} | " + " | ".join(money)
