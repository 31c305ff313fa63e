"""`python -m oracles`: play every scene by every peer and by us, keep the peers' answers, compare, and write the tables of docs/oracles.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from metastackerbandit.bench.peers import Playing
from metastackerbandit.domain.errors import MsbError, NotFound
from oracles.catalog import PEERS, Peer
from oracles.compare import MOST_DIFFERENT
from oracles.golden import Golden, keep, kept
from oracles.ours import recording_of
from oracles.page import write_page
from oracles.playing import job_of, played
from oracles.scenes import Scene
from oracles.sides import Side, side_by_side

ROOT = Path(__file__).parents[1]
KLINES = ROOT.parent / "shared" / "data" / "klines"


def main(arguments: list[str]) -> int:
    """0 when every difference has a rule and no peer has too many; else 1."""
    asked = argparse.ArgumentParser(prog="python -m oracles", description=__doc__)
    asked.add_argument("--peer", action="append", choices=[peer.name for peer in PEERS], help="only this peer; may be repeated")
    asked.add_argument("--scene", help="only scenes whose name contains this; their answers replace those kept")
    asked.add_argument("--klines", type=Path, default=KLINES, help="folder of recorded candles (default: %(default)s)")
    asked.add_argument("--kept", action="store_true", help="play no peer: compare with the answers that are kept")
    given = asked.parse_args(arguments)
    if not given.klines.is_dir():
        raise NotFound("there are no recorded candles", where=str(given.klines), mend="name their folder with --klines (make oracles KLINES=folder)")
    is_good = True
    for peer in PEERS:
        if given.peer and peer.name not in given.peer:
            continue
        scenes = tuple(scene for scene in peer.scenes() if not given.scene or given.scene in scene.name)
        if not given.kept:
            path = ask(peer, scenes, given.klines, is_part=bool(given.scene))
            print(f"{peer.title}: {path.name} {path.stat().st_size / 1e3:.0f} kB", flush=True)
        sides = [side_by_side(peer, scene, given.klines) for scene in scenes]
        for side in sides:
            is_good &= _told(side)
        is_good &= _few_differ(peer, [side for side in sides if not side.scene.made])
    if not given.scene:
        write_page(ROOT / "docs" / "oracles.md", given.klines)
    return 0 if is_good else 1


def ask(peer: Peer, scenes: tuple[Scene, ...], klines: Path, *, is_part: bool) -> Path:
    """Let a peer play the scenes, and keep its answers; those of other scenes stay where only a part was asked for."""
    before = kept(peer.name) if is_part else Golden({}, {}, {})
    trades, digests, versions = dict(before.trades), dict(before.digests), dict(before.versions)
    with TemporaryDirectory() as scratch, Playing(peer.name) as playing:
        for scene in scenes:
            job = job_of(scene, recording_of(scene, klines), klines, Path(scratch))
            trades[scene.name], versions = played(playing, scene, job)
            digests[scene.name] = scene.digest()
    return keep(peer.name, Golden(trades, digests, versions))


def _told(side: Side) -> bool:
    """One line a scene, then what no rule explains; True when all is well."""
    found = side.explained
    print(f"  {side.scene.name:44} {side.trades:6} trades, {found.comparison.equal:6} equal  {', '.join(side.counted()) or ''}", flush=True)
    for difference in found.unexplained[:5]:
        print(f"    no rule: {', '.join(difference.fields)}\n      ours   {difference.ours}\n      theirs {difference.theirs}", flush=True)
    return not found.unexplained


def _few_differ(peer: Peer, sides: list[Side]) -> bool:
    """One line over all scenes; True when as few trades differ as may."""
    trades, equal = sum(side.trades for side in sides), sum(side.explained.comparison.equal for side in sides)
    print(f"  {peer.title}: {equal:,} of {trades:,} trades equal; {MOST_DIFFERENT:.0%} may differ", flush=True)
    return trades - equal <= MOST_DIFFERENT * trades


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except MsbError as error:
        sys.exit(f"oracles: {error}")
