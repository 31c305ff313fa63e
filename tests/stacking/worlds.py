"""Planted three-class worlds whose truth is known, for tests of stacking mathematics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FLAT_SHARE, SIDE_SHARE = 0.4, 0.3


def softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def of_lead(lead: Floats) -> Floats:
    """Probabilities (N, 3) of a signed lead (N,): up gains what down loses in log odds."""
    return softmax(np.stack((np.log(SIDE_SHARE) - lead, np.full_like(lead, np.log(FLAT_SHARE)), np.log(SIDE_SHARE) + lead), axis=1))


def drawn(rng: np.random.Generator, probabilities: Floats) -> NDArray[np.int64]:
    """A class a row (N,)."""
    return (rng.random(len(probabilities))[:, None] > probabilities.cumsum(axis=1)).sum(axis=1).clip(0, 2).astype(np.int64)


def expected_loss(answers: Floats, truth: Floats) -> float:
    """Mean log loss of answers (N, 3) under the true probabilities, nats: no luck of the draw in it."""
    return float(-(truth * np.log(np.maximum(answers, 1e-12))).sum(axis=1).mean())


def gain(answers: Floats, truth: Floats) -> float:
    """Expected log loss saved against the true base rate, in thousandths of a nat."""
    return 1000.0 * (expected_loss(np.broadcast_to(truth.mean(axis=0), truth.shape), truth) - expected_loss(answers, truth))
