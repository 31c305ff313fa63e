"""Our engine, run now, trades as other engines did: trade for trade on recorded candles, and as written down where a rule differs."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from oracles.catalog import PEERS, Peer
from oracles.compare import MOST_DIFFERENT
from oracles.differences import KNOCK_ON, Rule
from oracles.golden import FOLDER, kept
from oracles.page import BEGIN, END, Cell, cell_of, example, row_of
from oracles.scenes import SCENES, Scene
from oracles.sides import our_side, side_by_side
from tests.shared import shared_data

PAGE = Path(__file__).parents[2] / "docs" / "oracles.md"
AGAIN = "run make oracles, and read what differs"
EXAMPLES = [(peer, rule) for peer in PEERS for rule in peer.rules]


@cache
def cells_of(scene: Scene, klines: Path) -> tuple[Cell, ...]:
    """What every peer's column says of a scene; every difference has a rule."""
    sides = [side_by_side(peer, scene, klines) for peer in PEERS]
    for peer, side in zip(PEERS, sides, strict=True):
        assert side.explained.unexplained == (), f"{peer.title}: {AGAIN}"
    return tuple(cell_of(peer, side) for peer, side in zip(PEERS, sides, strict=True))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_our_trades_are_those_of_every_peer_or_differ_by_a_rule(scene: Scene) -> None:
    cells = cells_of(scene, shared_data() / "klines")
    assert all(cell.trades >= 150 for cell in cells), "a scene of few trades shows little"
    assert row_of(scene, cells) in PAGE.read_text(), f"docs/oracles.md is not of this code: {AGAIN}"


def test_at_most_one_trade_in_a_hundred_differs_from_a_peer() -> None:
    columns = zip(*(cells_of(scene, shared_data() / "klines") for scene in SCENES), strict=True)
    for peer, cells in zip(PEERS, columns, strict=True):
        trades, equal = sum(cell.trades for cell in cells), sum(cell.equal for cell in cells)
        assert trades - equal <= MOST_DIFFERENT * trades, f"{peer.title}: {trades - equal} of {trades}"


@pytest.mark.parametrize(("peer", "rule"), EXAMPLES, ids=[f"{peer.name}: {rule.name}" for peer, rule in EXAMPLES])
def test_each_rule_is_shown_by_its_own_small_example(peer: Peer, rule: Rule) -> None:
    """A few candles made for it: the engines differ there, by this rule and what comes after it, and by nothing else."""
    side = side_by_side(peer, rule.example, Path())
    names = [name.removeprefix(KNOCK_ON) if name is not None else name for name in side.explained.names]
    assert names and set(names) == {rule.name}
    assert side.explained.names[0] == rule.name
    assert "\n".join(example(peer, rule, Path())) in PAGE.read_text(), f"docs/oracles.md is not of this code: {AGAIN}"


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_peer_s_kept_answers_are_to_the_scenes_as_they_are(peer: Peer) -> None:
    golden = kept(peer.name)
    names = [scene.name for scene in peer.scenes()]
    assert sorted(golden.digests) == sorted(names) and len(set(names)) == len(names), AGAIN
    assert all(golden.of(scene) is not None for scene in peer.scenes()), AGAIN
    assert golden.versions.keys() > {"python"}


def test_answers_are_small_enough_to_keep() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 3_000_000


def test_the_page_says_how_it_is_made() -> None:
    text = PAGE.read_text()
    assert text.count(BEGIN) == text.count(END) == 1 and text.index(BEGIN) < text.index(END)
    for peer in PEERS:
        assert f"### {peer.title}\n" in text


def test_our_side_hears_every_gate_and_is_bound_by_none() -> None:
    """The engine asks as it always does: what it wanted at a close it sent, in every scene with nothing held back."""
    scene = next(scene for scene in SCENES if scene.rule.arm == "sma_cross" and scene.rule.stop_bps == 0.0 and scene.market == "perp")
    _, ours = our_side(scene, shared_data() / "klines")
    assert Counter(ours["side"].tolist()).keys() == {-1, 1}
    assert np.all(ours["closed_ns"][:-1] == ours["opened_ns"][1:]), "a flip leaves and enters at one open, with no gate between"
