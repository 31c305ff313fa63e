"""Averages that forget: the mean of what was seen while that is little, an exponential one from then on."""

from __future__ import annotations

from metastackerbandit.domain.kernel import kernel

DUST = 1e-200  # an average that has faded below it (a market that stands still for thousands of bars) has lost its digits and is no denominator
LEAST_VARIANCE = 1e-18  # of logs: steps of 1e-9 are rounding, not trading


@kernel
def gain(share: float, young: float) -> float:
    """The weight of the newest of n observations, `young` = 1/n: a plain mean until 1/n falls below `share` = 2/(span + 1).

    Averages built on it weigh everything seen from the first observation on, so nothing needs a correction for a zero start, and
    after `span` observations they rest on as much as a window of that length.
    """
    return max(share, young)


def share_of(span: int) -> float:
    """Weight of the newest observation in an exponential average with the mean age of a window of `span`."""
    return 2.0 / (span + 1.0)
