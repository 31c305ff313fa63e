"""Answers of peers kept beside the code, one file a peer, so that our engine is held to them where the peers are not installed."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from oracles.scenes import Scene
from oracles.trades import FIELDS, LAYOUT, Trades

FOLDER = Path(__file__).parent / "golden"
_PLACES = {"lots": 6, "entry": 6, "exit": 6, "fee": 9, "funding": 9, "profit": 9}  # decimals that are kept


class Golden(Struct, frozen=True, eq=False):
    """What a peer answered: trades by the name of the scene, the digest of each scene, and the versions that played."""

    trades: dict[str, Trades]
    digests: dict[str, str]
    versions: dict[str, str]

    def of(self, scene: Scene) -> Trades | None:
        """The answer to this very scene; None where there is none, or one to a scene of the same name that was another."""
        return self.trades[scene.name] if self.digests.get(scene.name) == scene.digest() else None


def keep(peer: str, golden: Golden) -> Path:
    """Write a peer's answers, in order of scene, as columns."""
    names = sorted(golden.trades)
    rows = np.concatenate([golden.trades[name] for name in names]) if names else np.zeros(0, LAYOUT)
    scene = pa.array(np.repeat(names, [len(golden.trades[name]) for name in names]).tolist(), pa.string()).dictionary_encode()
    columns = {name: rows[name] if name not in _PLACES else np.round(rows[name], _PLACES[name]) for name in FIELDS}
    told = {"digests": json.dumps(golden.digests, sort_keys=True), "versions": json.dumps(golden.versions, sort_keys=True)}
    path = FOLDER / f"{peer}.parquet"
    FOLDER.mkdir(exist_ok=True)
    pq.write_table(pa.table({"scene": scene, **columns}).replace_schema_metadata(told), path, compression="zstd", compression_level=19)
    kept.cache_clear()
    return path


@cache
def kept(peer: str) -> Golden:
    """A peer's answers; none where nothing was kept yet."""
    path = FOLDER / f"{peer}.parquet"
    if not path.is_file():
        return Golden({}, {}, {})
    table = pq.read_table(path)
    told = {name.decode(): json.loads(value) for name, value in table.schema.metadata.items() if name in (b"digests", b"versions")}
    scenes = np.array(table["scene"].to_pylist())
    rows = np.zeros(len(table), LAYOUT)
    for name in FIELDS:
        rows[name] = table[name].to_numpy()
    return Golden({name: rows[scenes == name] for name in told["digests"]}, told["digests"], told["versions"])
