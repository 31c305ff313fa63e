"""Examine a pipeline for leaks, and the examination itself by its canaries."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.training.leakage.canaries import CANARIES, Canary
from metastackerbandit.training.leakage.finding import Checked, Finding
from metastackerbandit.training.leakage.fitting import judge_fitting, judge_stacking
from metastackerbandit.training.leakage.folding import judge_folds
from metastackerbandit.training.leakage.past import judge_past
from metastackerbandit.training.leakage.pipeline import Market, Pipeline
from metastackerbandit.training.leakage.random_canaries import random_canary
from metastackerbandit.training.leakage.serving import judge_serving
from metastackerbandit.training.leakage.settings import LeakageSettings
from metastackerbandit.training.leakage.sight import judge_shuffled, judge_sight, judge_target
from metastackerbandit.training.leakage.versions import judge_predictions, judge_versions
from metastackerbandit.training.leakage.watch import BARS, DISTANCES, FEATURES, INPUTS, LABELS, ROWS
from metastackerbandit.training.sample import Sample

RANDOM = 8  # canaries placed at random

# The stages whose change each check would see.
_JUDGES = {
    "bars": {"bars"},
    "features": {"features"},
    "serving": {"features", "serve"},
    "labels": {"labels"},
    "inputs": {"sample"},
    "target": {"sample"},
    "folds": {"folds", "inner", "embargo_ns"},
    "fitting": {"learn"},
    "stacking": {"stacked"},
    "sight": {"learn"},
    "shuffled": {"learn", "folds"},
    "versions": {"version"},
    "predictions": {"predict"},
}

_SLOW = ("fitting", "sight", "shuffled")  # a canary that they are not meant to find is not shown to them
_WATCHES = {"bars": (BARS,), "features": (FEATURES,), "labels": (LABELS, DISTANCES), "inputs": (INPUTS, ROWS)}


class Examined(Struct, frozen=True):
    """What every check said; `bars` of the frame and `features` were looked at."""

    checks: tuple[Checked, ...]
    bars: int
    features: int

    @property
    def is_clean(self) -> bool:
        """Whether no check found anything."""
        return all(checked.passed for checked in self.checks)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every leak found."""
        return tuple(finding for checked in self.checks for finding in checked.findings)


class Tried(Struct, frozen=True):
    """One canary: the mistake, the checks of which one should find it, those that found something, and the first finding in words."""

    name: str
    what: str
    expected: tuple[str, ...]
    by: tuple[str, ...]
    finding: str

    @property
    def is_found(self) -> bool:
        """Whether a check of the right kind found it."""
        return any(name in self.expected for name in self.by)


def examine(
    pipeline: Pipeline,
    markets: Sequence[Market],
    settings: LeakageSettings,
    seed: int,
    *,
    judged: Pipeline | None = None,
    spared: tuple[str, ...] = (),
) -> Examined:
    """Ask every check but those spared; with `judged`, only those that could see the stages in which the pipeline differs from that one."""
    changed = {name for name in Pipeline.__struct_fields__ if judged is None or getattr(pipeline, name) is not getattr(judged, name)}
    asked = [name for name, stages in _JUDGES.items() if stages & changed and name not in spared]
    sample = _sample(pipeline, markets)
    checks: list[Checked] = []
    for name in asked:
        if name in _WATCHES:
            checks.append(_merged([judge_past(pipeline, market, watch, settings, seed) for market in markets for watch in _WATCHES[name]]))
        elif name == "serving" and pipeline.serve is not None:
            checks.append(_merged([judge_serving(pipeline, market, settings) for market in markets]))
        elif name == "target":
            checks.append(judge_target(sample, settings))
        elif name == "folds":
            checks.append(judge_folds(pipeline, sample, settings))
        elif name == "fitting":
            checks.append(judge_fitting(pipeline, sample, settings, seed))
        elif name == "stacking" and pipeline.stacked is not None:
            checks.append(judge_stacking(pipeline, sample, settings, seed))
        elif name == "sight":
            checks.append(judge_sight(pipeline, sample, settings, seed))
        elif name == "shuffled":
            checks.append(judge_shuffled(pipeline, sample, settings, seed))
        elif name == "versions" and pipeline.version is not None:
            checks.append(judge_versions(pipeline, markets, settings, seed))
        elif name == "predictions" and pipeline.predict is not None:
            checks.append(judge_predictions(pipeline, markets[0], settings, seed))
    return Examined(tuple(checks), sum(len(pipeline.bars(market)) for market in markets), len(sample.names))


def try_canary(canary: Canary, pipeline: Pipeline, market: Market, settings: LeakageSettings, seed: int) -> Tried:
    """Put one canary into the pipeline, and see what the checks say."""
    spared = tuple(name for name in _SLOW if name not in canary.expected)
    once = replace(settings, folds=1)  # a canary is planted in every fold alike
    examined = examine(canary.broken(pipeline, market), (market,), once, seed, judged=pipeline, spared=spared)
    by = tuple(checked.name for checked in examined.checks if not checked.passed)
    expected = [finding for finding in examined.findings if finding.check in canary.expected]
    return Tried(canary.name, canary.what, canary.expected, by, (expected or [*examined.findings, _NOTHING])[0].what)


def try_canaries(pipeline: Pipeline, market: Market, settings: LeakageSettings, seed: int, *, placed: int = RANDOM) -> tuple[Tried, ...]:
    """Every seeded canary, and so many placed at random."""
    at_random = tuple(random_canary(seed * placed + n, pipeline, market) for n in range(placed))
    return tuple(try_canary(canary, pipeline, market, settings, seed) for canary in (*CANARIES, *at_random))


def canaries_green(pipeline: Pipeline, market: Market, settings: LeakageSettings, seed: int, *, placed: int = RANDOM) -> bool:
    """Whether the pipeline is clean on the market, and every canary put into it is found by a check of the right kind."""
    tried = try_canaries(pipeline, market, settings, seed, placed=placed)
    return examine(pipeline, (market,), settings, seed).is_clean and all(one.is_found for one in tried)


_NOTHING = Finding("", "nothing was found", {}, "")


def _sample(pipeline: Pipeline, markets: Sequence[Market]) -> Sample:
    sample = pipeline.sample(markets)
    if not len(sample):
        raise TrainingRefused("no bar has both features and a label", where="leakage", mend="examine a longer span of candles")
    return sample


def _merged(parts: list[Checked]) -> Checked:
    """One check over several markets and watches: what was asked in each, the sum of what was looked at, all that was found."""
    evidence: dict[str, float] = {}
    for part in parts:
        for name, value in part.evidence.items():
            evidence[name] = evidence.get(name, 0.0) + value
    return Checked(parts[0].name, "; ".join(part.what for part in parts), evidence, tuple(finding for part in parts for finding in part.findings))
