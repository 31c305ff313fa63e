"""A market's side of the venue: what it answers, what it streams, and how its connections behave. The venue serves any number of sides.

To plug a side in, give

- `desk`: a Desk on a Floor of its own (exchange and source), with a Doorkeeper and an Allowance of the market's limits;
- `routes`: (method, path) -> Route. A handler takes Asked, gives a JSON body or a Reply, and raises WireRefusal. It may call the exchange as it
  likes: the market has gone on to `asked.now_ns` before, and events are told afterwards; `floor.tell()` reads them at once where the answer needs
  its own fills. Route says weight, security, how many orders it counts, and its `kind`, by which faults find it;
- `families`: base path -> Family, such as "" for /ws and /stream, "/market" for /market/ws and /market/stream. A Family opens a Stream by name:
  `told(now_ns)` gives its events since it was last asked, at its own pace. A user stream is a Stream that is urgent, whose name is its listen key
  (`?listenKey=K` subscribes to it), and which hears the floor's events as one of `floor.listeners`;
- `talks`: path -> what answers on a WebSocket that is no stream (WS-API: api_talk.py);
- `acts`: what a fault that is switched on, or off, does to this market alone (snapshots.py and rules_change.py have two for any market).

Nothing of it may wait or block. Faults are asked for by name where they strike (faults.py): streams' and requests' own are the hub's and the desk's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from metastackerbandit.practice.connection import Connection, Manners, Talk
from metastackerbandit.practice.desk import Desk
from metastackerbandit.practice.faults import Switched
from metastackerbandit.practice.hub import Family
from metastackerbandit.practice.replies import Routes


class Side(Struct, frozen=True):
    """One market as it is served."""

    name: str
    desk: Desk
    routes: Routes
    manners: Manners
    families: Mapping[str, Family] = {}
    talks: Mapping[str, Callable[[Connection, Mapping[str, str]], Talk]] = {}
    acts: Sequence[Callable[[Switched], None]] = ()


class StreamDoor(Struct, frozen=True):
    """Where a path of streams leads: the family, what of the path names streams, whether events are wrapped."""

    family: Family
    tail: str
    is_wrapped: bool


def stream_door(side: Side, path: str) -> StreamDoor | None:
    """The streams behind a path, None where there are none."""
    for base, family in side.families.items():
        for word, is_wrapped in (("/ws", False), ("/stream", True)):
            door = base + word
            if path == door or path.startswith(f"{door}/"):
                return StreamDoor(family, path[len(door) + 1 :], is_wrapped)
    return None
