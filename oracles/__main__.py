"""`python -m oracles`: play every scene by every peer and by us, keep the peers' answers, and compare."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from metastackerbandit.bench.peers import Playing
from metastackerbandit.domain.errors import MsbError
from oracles.catalog import PEERS, Peer
from oracles.compare import MOST_DIFFERENT
from oracles.golden import Golden, keep, kept
from oracles.ours import recording_of
from oracles.playing import job_of, played
from oracles.scenes import Scene
from oracles.sides import Side, side_by_side

ROOT = Path(__file__).parents[1]
KLINES = ROOT.parent / "shared" / "data" / "klines"


def main(arguments: list[str]) -> int:
    """0 when every difference has a rule and no scene has too many; else 1."""
    asked = argparse.ArgumentParser(prog="python -m oracles", description=__doc__)
    asked.add_argument("--peer", action="append", choices=[peer.name for peer in PEERS], help="only this peer; may be repeated")
    asked.add_argument("--scene", help="only scenes whose name contains this; their answers replace those kept")
    asked.add_argument("--klines", type=Path, default=KLINES, help="folder of recorded candles (default: %(default)s)")
    asked.add_argument("--kept", action="store_true", help="play no peer: compare with the answers that are kept")
    given = asked.parse_args(arguments)
    is_good = True
    for peer in PEERS:
        if given.peer and peer.name not in given.peer:
            continue
        scenes = tuple(scene for scene in peer.scenes() if not given.scene or given.scene in scene.name)
        if not given.kept:
            path = ask(peer, scenes, given.klines, is_part=bool(given.scene))
            print(f"{peer.title}: {path.name} {path.stat().st_size / 1e3:.0f} kB", flush=True)
        for scene in scenes:
            side = side_by_side(peer, scene, given.klines)
            is_good &= _told(side)
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
    is_recorded = not side.scene.made
    too_many = is_recorded and found.comparison.share > MOST_DIFFERENT
    if too_many:
        print(f"    {found.comparison.share:.1%} differ, at most {MOST_DIFFERENT:.0%} may", flush=True)
    return not found.unexplained and not too_many


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except MsbError as error:
        sys.exit(f"oracles: {error}")
