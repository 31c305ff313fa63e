"""The bootstrap repeats itself to the bit, and covers the truth about as often as it says."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest

from metastackerbandit.evaluation.bootstrap import interval, resamples_for
from metastackerbandit.evaluation.scores import as_dict
from tests.evaluation.books import autoregressive, scored


def test_resamples_follow_the_work_within_bounds():
    assert [resamples_for(bars) for bars in (0, 1_000, 100_000, 400_000, 1_000_000, 10**7)] == [2_000, 2_000, 2_000, 500, 200, 200]


def test_bounds_are_percentiles_and_unknown_when_too_many_draws_are():
    draws = np.arange(1_001.0)
    known = interval(500.0, draws)
    assert (known.value, known.low, known.high) == pytest.approx((500.0, 25.0, 975.0))
    few = np.where(np.arange(1_001) < 49, np.nan, draws)
    assert not math.isnan(interval(500.0, few).low)
    many = np.where(np.arange(1_001) < 60, np.nan, draws)
    assert math.isnan(interval(500.0, many).low) and interval(500.0, many).value == 500.0


@pytest.mark.parametrize(("memory", "least"), [(0.0, 0.91), (0.4, 0.87)])
def test_sharpe_intervals_cover_the_truth_about_as_often_as_said(memory, least):
    seeds, covered = 300, 0
    truth = 0.1 * math.sqrt(365.25)
    for seed in range(seeds):
        sharpe = scored(autoregressive(seed, 400, memory, 0.001, 0.01), seed=seed).sharpe
        covered += sharpe.low <= truth <= sharpe.high
    assert least <= covered / seeds <= 0.985


def test_blocks_widen_the_interval_that_memory_deserves():
    def width(memory: float) -> float:
        widths = [(s.high - s.low) for s in (scored(autoregressive(seed, 1_000, memory, 0.0, 0.01)).sharpe for seed in range(10))]
        return float(np.mean(widths))

    assert width(0.6) > 1.5 * width(0.0)  # theory: sqrt(1.6 / 0.4) = 2


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    returns = autoregressive(3, 300, 0.2, 0.001, 0.01)
    nets = np.rint(returns * 1e6).astype(np.int64)
    first, again, other = (scored(returns, nets=nets, seed=seed) for seed in (5, 5, 6))
    assert first == again
    assert first.sharpe.value == other.sharpe.value and first.sharpe.low != other.sharpe.low and first.hit_rate.low != other.hit_rate.low


_SLICE = """
import json
import numpy as np
from tests.evaluation.books import scored
from metastackerbandit.evaluation.scores import as_dict
returns = np.array([((k * 37) % 23 - 11) / 1000.0 for k in range(36)])
exposure = np.array([(-1.0, 0.0, 1.0, 1.0)[k // 5 % 4] for k in range(36)])
traded = np.abs(np.diff(exposure, prepend=0.0))
print(json.dumps(as_dict(scored(returns, nets=[5, -3, 0, 8, -2], exposure=exposure, traded=traded, seed=11))))
"""


def test_plain_python_computes_the_same_bits():
    answers = []
    for disabled in ("0", "1"):
        environment = {**os.environ, "NUMBA_DISABLE_JIT": disabled, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, "-W", "error", "-c", _SLICE], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout))
    assert answers[0] == answers[1]
    assert answers[0]["sharpe"]["low"] is not None
    assert set(answers[0]) == set(as_dict(scored([0.01, -0.01])))
