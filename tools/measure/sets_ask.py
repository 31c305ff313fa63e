"""The strength of an opinion at which the gate `conformal` opens at a level of .2, over the versions of a home (docs/decisions/0019).

    python -m tools.measure.sets_ask HOME

The gate lets a side pass where the other side's p-value is at the level or below. Where FLAT has its usual chance f, the other side then has at
most q, the largest probability whose p-value is that low, and the lead of the side is at least 1 - f - 2 q.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from metastackerbandit.domain.errors import MsbError
from metastackerbandit.storage.registry import Registry
from metastackerbandit.training.stack import unpack

LEVEL = 0.2


def main() -> int:
    """One line a frame: versions, and the 10 %, 50 % and 90 % of what they ask."""
    registry = Registry(Path(sys.argv[1]) / "models")
    asked: dict[str, list[float]] = defaultdict(list)
    chances = np.linspace(0.0, 1.0, 2_001)
    for series in registry.series():
        for card in registry.versions(series):
            try:
                stack = unpack(registry.files(card.model_id))
            except MsbError as error:
                print(f"left out: {error}", file=sys.stderr)
                continue
            if card.size == 0 or card.asleep:
                continue
            p_values = stack.conformal.p_values(np.column_stack([chances] * 3))[:, 0]
            asked[card.frame].append(1.0 - stack.facts.prior[1] - 2.0 * chances[p_values <= LEVEL].max())
    for frame, found in asked.items():
        low, middle, high = np.quantile(found, (0.1, 0.5, 0.9))
        print(f"{frame}: {len(found)} versions, {low:.2f} {middle:.2f} {high:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
