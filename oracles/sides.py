"""Our engine, run now, beside a peer's kept answer."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

from metastackerbandit.domain.errors import NotFound
from metastackerbandit.domain.recording import Recording
from oracles.catalog import Peer, limits_of
from oracles.compare import COMPARED, compare
from oracles.differences import Explained, explain
from oracles.golden import kept
from oracles.ours import play, recording_of
from oracles.scenes import Scene
from oracles.trades import Trades


class Side(Struct, frozen=True, eq=False):
    """One scene by one peer: both sides' trades, and their differences with their rules."""

    scene: Scene
    ours: Trades
    theirs: Trades
    explained: Explained

    @property
    def trades(self) -> int:
        """How many were compared, each once."""
        return self.explained.comparison.equal + len(self.explained.comparison.differences)

    def counted(self) -> list[str]:
        """Differences by rule, in words."""
        return [f"{count} {name or 'unexplained'}" for name, count in Counter(self.explained.names).items()]


@lru_cache(maxsize=2)
def our_side(scene: Scene, klines: Path) -> tuple[Recording, Trades]:
    """The candles and what our engine makes of them; kept while one scene is compared with several peers."""
    recording = recording_of(scene, klines)
    return recording, play(scene, recording)


def side_by_side(peer: Peer, scene: Scene, klines: Path) -> Side:
    """Run ours and compare; in a rule's own example every field counts, also what the peer has no word for.

    Raises:
        NotFound: the peer's answer to this scene was not kept.
    """
    theirs = kept(peer.name).of(scene)
    if theirs is None:
        raise NotFound(f"no answer of {peer.title} to `{scene.name}` as it is now", where="oracles/golden", mend=f"run make oracles PEER={peer.name}")
    recording, ours = our_side(scene, klines)
    instrument = recording.instruments[0]
    money = float(Decimal(instrument.tick_size) * Decimal(instrument.lot_size))
    limits = limits_of(peer, scene, money, COMPARED if scene.made else peer.fields(scene))
    return Side(scene, ours, theirs, explain(scene, recording, ours, theirs, compare(ours, theirs, limits), peer.rules))
