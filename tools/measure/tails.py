"""How often forecasts of value at risk are exceeded, on recorded candles (docs/value_at_risk.md, "What was measured").

    python -m tools.measure.tails FOLDER SYMBOLS SINCE UNTIL [--short] [--hours 24] [--market spot] [--run-hours 24] [--half-life-days 3]

Equal money in every symbol, by the hour; a forecast each horizon from SINCE on, each from its past alone.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from metastackerbandit.domain.timeframe import HOUR_NS
from metastackerbandit.evaluation.exceedances import exceedances
from metastackerbandit.evaluation.shortfalls import shortfalls
from metastackerbandit.risk.forecasts import foretold, moments_of
from metastackerbandit.risk.joint_returns import joint_returns
from metastackerbandit.risk.loss_laws import METHODS
from metastackerbandit.risk.past import seen_of
from metastackerbandit.risk.settings import RiskSettings, TailSettings
from metastackerbandit.risk.value_at_risk import LEVELS
from metastackerbandit.storage.candles import load_recording


def main() -> int:
    """One line a method and level."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("folder", type=Path)
    given.add_argument("symbols")
    given.add_argument("since", type=_ns)
    given.add_argument("until", type=_ns)
    given.add_argument("--short", action="store_true")
    given.add_argument("--hours", type=int, default=24)
    given.add_argument("--market", choices=("perp", "spot"), default="perp")
    given.add_argument("--run-hours", type=int, default=TailSettings().run_hours)
    given.add_argument("--half-life-days", type=float, default=TailSettings().half_life_days)
    asked = given.parse_args()
    symbols = tuple(asked.symbols.split(","))
    bars = load_recording(asked.folder, symbols, market=asked.market, instruments_file=None).bars
    joint = joint_returns([one["closed_ns"] for one in bars], [one["close"] for one in bars], HOUR_NS).until(asked.until)
    tail = TailSettings(run_hours=asked.run_hours, half_life_days=asked.half_life_days)
    seen = seen_of(joint, tail)
    at = moments_of(seen, asked.hours, asked.hours)
    at = at[joint.ended_ns[at] - HOUR_NS >= asked.since]
    held = np.full(len(symbols), (-1.0 if asked.short else 1.0) / len(symbols))
    for one in foretold(seen, held, at, asked.hours, LEVELS, tail, RiskSettings(), tuple(METHODS)):
        known = ~np.isnan(one.value_at_risk) & ~np.isnan(one.loss)
        loss, foreseen = one.loss[known], one.value_at_risk[known]
        hits = exceedances(loss > foreseen, 1.0 - one.level)
        short = shortfalls(loss, foreseen, one.shortfall[known], 1.0 - one.level)
        print(
            f"{one.method:<15} {1 - one.level:.0%} promised, {hits.rate:.2%} of {hits.forecasts:,} exceeded; "
            f"p coverage {hits.coverage:.3f}, alone {hits.independence:.3f}; Z2 {short.z2:.2f}, e-value {short.most_evidence:.3g}"
        )
    return 0


def _ns(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


if __name__ == "__main__":
    sys.exit(main())
