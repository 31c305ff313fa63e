"""What arms earned before a run begins, out of sample: their own portfolios over the bars before it, as inputs to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metastackerbandit.backtest.run import block_of, run
from metastackerbandit.domain.inputs import OutcomeKnown
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.rows import NO_GATE, OutcomeRow
from metastackerbandit.domain.sink import MemorySink
from metastackerbandit.engine.plan import Plan
from metastackerbandit.simulation.settings import SimulationSettings


def earned(plan: Plan, recording: Recording, predictions: Sequence[np.ndarray], simulation: SimulationSettings) -> np.ndarray:
    """Outcomes (N,) of every arm of the plan over a recording, in the layout of OutcomeRow and in the order in which they were known.

    Predictions are those of versions that were trained before each bar, so the outcomes are out of sample. What gates prevented there is
    not among them.
    """
    sink = MemorySink()
    run(plan, block_of(recording, (), predictions), simulation, sink, lean=True)
    outcomes = sink.kept().outcomes
    own: np.ndarray = outcomes[outcomes["gate"] == NO_GATE]
    own["decision"] = 0  # decisions of the warm-up are not this run's
    return own


def as_inputs(outcomes: np.ndarray) -> np.ndarray:
    """Rows of OutcomeRow as inputs (N,) in the layout of OutcomeKnown."""
    known = rows(OutcomeKnown, len(outcomes))
    for name in OutcomeKnown.__struct_fields__:
        known[name] = outcomes[name]
    return known


def nothing_earned() -> np.ndarray:
    """No outcomes."""
    return rows(OutcomeRow, 0)
