"""Planted and null markets, trained and traded as a user does: the trades of each seed, and their sum (docs/decisions/0019, 0020).

    python -m tools.measure.planted --seeds 1-6 --ic 0.3 --refits 2 [--set decision.conformal=true]

Models are kept below --folder, so that other settings of trading are measured on the same ones.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from metastackerbandit.backtest.run import block_of, run
from metastackerbandit.cli.session import open_session
from metastackerbandit.cli.train import trained
from metastackerbandit.cli.wanted import Wanted
from metastackerbandit.domain.sink import MemorySink
from tests.flowing import flowing, write

CANDLES = {"5m": (5, 1, 12), "15m": (15, 3, 16), "1h": (60, 12, 12)}  # minutes of a bar, candles of it, bars of the horizon


def traded(folder: Path, seed: int, ic: float, frame: str, bars: int, refits: int | None, sets: tuple[str, ...]) -> np.ndarray:
    """Net return of each round trip (bps, signed by what was earned) of a seed's market, longs first; trained once a folder."""
    minutes, parts, horizon = CANDLES[frame]
    root = folder / f"{frame} seed {seed} ic {ic:g} bars {bars} refits {refits}"
    data = root / "flowing_perp_5m"
    kept = ("training.processes=1", *(() if refits is None else (f"training.most_versions={refits}",)))
    wanted = Wanted(home=root / "home", data=data, symbols="BTCUSDT", market="perp", sets=kept)
    if not root.exists():
        market = flowing(seed, bars, ic=ic, horizon=horizon, minutes=minutes, parts=parts)
        write(market, data)
        trained(wanted, frame, is_shown=False)
        print(f"  seed {seed}: measured information coefficient {market.ic(horizon):.3f}")
    session = open_session(wanted._replace(frames=frame, sets=(*kept, *sets)))
    sink = MemorySink()
    run(session.plan, block_of(session.fed, (), session.predicted()), session.config.simulation, sink)
    trips = sink.kept().trips
    print(f"  seed {seed}: {int((trips['side'] > 0).sum())} longs, {int((trips['side'] < 0).sum())} shorts")
    earned: np.ndarray = trips["net"] / trips["entry_value"] * 1e4
    return earned


def main() -> int:
    """Train where nothing is trained yet, trade, and print."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--seeds", default="1-6", help="first-last")
    given.add_argument("--ic", type=float, default=0.3, help="information coefficient; 0 is the null market")
    given.add_argument("--frame", choices=sorted(CANDLES), default="15m")
    given.add_argument("--bars", type=int, default=16_000)
    given.add_argument("--refits", type=int, default=None, help="versions at most; as shipped where it is left out")
    given.add_argument("--set", action="append", default=[], dest="sets", help="a setting of trading")
    given.add_argument("--folder", type=Path, default=Path("var/planted"))
    asked = given.parse_args()
    first, _, last = asked.seeds.partition("-")
    found = [
        traded(asked.folder, seed, asked.ic, asked.frame, asked.bars, asked.refits, tuple(asked.sets))
        for seed in range(int(first), int(last or first) + 1)
    ]
    earned = np.concatenate(found)
    told = f"{earned.mean():.1f} bps a trade, {earned.sum():,.0f} in all" if len(earned) else "nothing to earn or lose"
    print(f"{len(earned):,} trades ({', '.join(str(len(one)) for one in found)}), {told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
