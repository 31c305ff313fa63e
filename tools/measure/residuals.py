"""AUC on whole outcomes of a logistic taught on them, and of one taught on residuals, over worlds with a common factor (docs/training.md).

python -m tools.measure.residuals [20]
"""

from __future__ import annotations

import sys

import numpy as np

from tests.training.test_residual import aucs


def main() -> int:
    """The means of both, and of their difference with its deviation from world to world."""
    found = np.array([aucs(seed) for seed in range(int(sys.argv[1]) if len(sys.argv) > 1 else 20)])
    gain = found[:, 1] - found[:, 0]
    print(f"whole {found[:, 0].mean():.3f}, residuals {found[:, 1].mean():.3f}; difference {gain.mean():.3f}, deviation {gain.std(ddof=1):.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
