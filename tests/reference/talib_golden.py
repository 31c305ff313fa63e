"""TA-Lib on recorded candles beside our features: a thin file of its answers for every test run, and the whole comparison for those who have it.

python -m tests.reference.talib_golden          run TA-Lib (benchmarks/peers/talib) again, compare every bar, and hold the file against it
python -m tests.reference.talib_golden write    the same, and write the file anew
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from metastackerbandit.bench.peers import Playing
from metastackerbandit.domain.timeframe import HOUR_NS, MINUTE_NS
from metastackerbandit.features.batch import features_over
from metastackerbandit.features.catalog import NAMES
from tests.features.scenes import recorded
from tests.reference.talib_chains import CHAINS, Chain, Floats, steps
from tests.shared import shared_data

GOLDEN = Path(__file__).with_name("talib_golden.json")
EVERY = 797  # a prime: no season of the day or week is met again and again
BARS = 12_000


class Candles(Struct, frozen=True):
    """A file of recorded candles and the tick that they lie on."""

    folder: str
    name: str
    tick: float
    frame_ns: int
    has_flow: bool = False

    def chains(self) -> tuple[Chain, ...]:
        """What can be compared on it."""
        return tuple(chain for chain in CHAINS if self.has_flow or chain.needs != "flow")


RECORDED = (
    Candles("binance_usdm_5m", "BTCUSDT", 0.1, 5 * MINUTE_NS),
    Candles("binance_usdm_5m", "DOGEUSDT", 0.00001, 5 * MINUTE_NS),
    Candles("binance_usdm_1h", "ETHUSDT_2020-2024", 0.01, HOUR_NS),
    Candles("binance_usdm_1m_full", "AVAXUSDT_2025", 0.001, MINUTE_NS, True),
)


class Compared(Struct, frozen=True):
    """A chain on one file: bars compared, and the largest difference as a part of the largest value."""

    feature: str
    candles: str
    bars: int
    apart: float


def theirs(candles: Candles, every: int = 1) -> tuple[dict[str, Floats], dict[str, str]]:
    """TA-Lib's answers by feature (every `every`-th bar), and the versions that gave them."""
    path = shared_data() / "klines" / candles.folder / f"{candles.name}.parquet"
    with Playing("talib") as playing:
        job = {"candles": str(path), "rows": BARS, "logs": True, "every": every, "indicators": steps(candles.chains())}
        versions = playing.prepare("indicators", job)
        answer = playing.run()["answer"]
    return {name: np.array(values, np.float64) for name, values in answer.items()}, versions


@cache
def ours(candles: Candles) -> dict[str, Floats]:
    """The shipped features (N,) by name."""
    bars = recorded(candles.folder, candles.name, candles.tick, candles.frame_ns, 0, BARS)
    table = features_over(bars, candles.frame_ns, None, has_volume=True, has_flow=candles.has_flow)
    return dict(zip(NAMES, table.values.T, strict=True))


def compared(candles: Candles, answers: dict[str, Floats], every: int = 1) -> list[Compared]:
    """Each chain's answers, every `every`-th bar, beside the feature."""
    found = []
    for chain in candles.chains():
        own = chain.ours(ours(candles))[::every]
        told = answers[chain.feature]
        late = np.arange(len(own)) * every >= chain.first
        both = late & np.isfinite(told) & np.isfinite(own)
        apart = np.abs(own - told)[both].max() / np.abs(told[both]).max()
        found.append(Compared(chain.feature, candles.name, int(both.sum()), float(apart)))
    return found


def kept() -> dict[str, Any]:
    """The file: versions, and answers by candles and feature."""
    decoded: dict[str, Any] = msgspec.json.decode(GOLDEN.read_bytes())
    return decoded


def thinned(candles: Candles) -> dict[str, Floats]:
    """The file's answers for one file of candles."""
    return {name: np.array(values, np.float64) for name, values in kept()["answers"][candles.name].items()}


def rerun(write: bool = False) -> tuple[list[Compared], list[str]]:
    """Run TA-Lib again over every bar; what was compared, and what is wrong: a feature too far apart, or a file that is not what TA-Lib says."""
    found, wrong = [], []
    written: dict[str, Any] = {"answers": {}}
    for candles in RECORDED:
        answers, written["versions"] = theirs(candles)
        thin = {name: values[::EVERY] for name, values in answers.items()}
        written["answers"][candles.name] = {
            name: [None if np.isnan(value) else float(f"{value:.13g}") for value in values] for name, values in thin.items()
        }
        both = compared(candles, answers)
        found += both
        within = {chain.feature: chain.within for chain in candles.chains()}
        wrong += [f"{one.feature} on {one.candles}: {one.apart:.2g} apart" for one in both if not one.apart <= within[one.feature]]
        if not write:
            for name, values in thinned(candles).items():
                if not np.allclose(values, thin[name], rtol=1e-10, atol=1e-13 * np.nanmax(np.abs(answers[name])), equal_nan=True):
                    wrong.append(f"the file's {name} on {candles.name} is not what TA-Lib says now")
    if write:
        GOLDEN.write_bytes(msgspec.json.encode(written) + b"\n")
    return found, wrong


def worst(found: list[Compared]) -> dict[str, tuple[int, float]]:
    """Feature -> bars compared on all files, and the largest difference among them."""
    told: dict[str, tuple[int, float]] = {}
    for one in found:
        bars, apart = told.get(one.feature, (0, 0.0))
        told[one.feature] = (bars + one.bars, max(apart, one.apart))
    return told


def main(arguments: list[str]) -> int:
    """Compare, tell, and fail where something is wrong."""
    found, wrong = rerun("write" in arguments)
    for feature, (bars, apart) in worst(found).items():
        print(f"{feature:24} {bars:7,} bars  {apart:.1e} of its largest value apart at most")
    for line in wrong:
        print(f"wrong: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
