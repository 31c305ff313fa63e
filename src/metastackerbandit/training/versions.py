"""When the versions of a series are made: at the times at which they would have been refitted live, and at last on everything."""

from __future__ import annotations

from metastackerbandit.stacking.ladder import RUNGS
from metastackerbandit.training.cadence import cadence_of
from metastackerbandit.training.dataset import DataSet, sample_until
from metastackerbandit.training.settings import TrainingSettings

LEAST_OUTCOMES = RUNGS[1].least  # independent ones, below which nothing but the class shares may be fitted


def boundaries(data: DataSet, settings: TrainingSettings) -> tuple[int, ...]:
    """Times (ns, rising) until which each version may look; the last is the end of the data, and has nothing after it to be judged on.

    The first version waits for `first_share` of the span and for the rows of the lowest rung that learns.
    """
    first_ns, last_ns = data.span_ns
    since_ns = first_ns + int((last_ns - first_ns) * settings.first_share)
    refits = round((last_ns - since_ns) / cadence_of(data.frame, settings).refit_ns)
    count = min(max(refits, 1), settings.most_versions)
    early = [since_ns + (last_ns - since_ns) * place // count for place in range(count)]
    while early and sample_until(data, early[0], settings)[1].n_eff < LEAST_OUTCOMES:
        early.pop(0)
    return (*early, last_ns)
