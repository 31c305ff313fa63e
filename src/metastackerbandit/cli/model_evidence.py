"""What a version's walk-forward record shows, in words: whether probabilities mean what they say, and what each feature says alone."""

from __future__ import annotations

import math

from metastackerbandit.training.evidence import Evidence, FeatureSkill

FOUND = 0.1  # share of luck among features that are called findings


def reliability_lines(evidence: Evidence) -> list[str]:
    """Ten bins of p(up): what was said beside what came."""
    error = "unknown" if evidence.calibration_error is None else f"{evidence.calibration_error:.4f}"
    head = f"reliability of p(up) on {evidence.rows:,} bars after their version: error beyond chance {error}, slope {number(evidence.slope.value)}"
    rows = [f"  {one.predicted:>6.3f} {one.observed:>6.3f} {one.observed - one.predicted:>+7.3f} {one.rows:>8,}" for one in evidence.bins]
    return [head, f"  {'said':>6} {'came':>6} {'gap':>7} {'bars':>8}", *rows]


def feature_lines(evidence: Evidence) -> list[str]:
    """Every feature's rank correlation with the return that follows, the largest first."""
    head = f"  {'feature':<26} {'mirror':<6} {'bars':>8} {'rank IC':>9}  {'95 %':<22} {'p':>9} {'q':>9}"
    rows = [
        f"  {one.name:<26} {one.parity:<6} {one.rows:>8,} {number(one.ic.value):>9}  {span(one.ic.low, one.ic.high):<22} "
        f"{number(one.p):>9} {number(one.q):>9}".rstrip()
        for one in strongest(evidence)
    ]
    return ["what each feature says alone of the gross return of a long, walk-forward", head, *rows, f"  {features_found(evidence)}"]


def strongest(evidence: Evidence) -> list[FeatureSkill]:
    """Features by the size of their correlation, those without one last."""
    return sorted(evidence.features, key=lambda one: (one.ic.value is None, -abs(one.ic.value or 0.0), one.name))


def features_found(evidence: Evidence) -> str:
    """How many features stand out after the correction, in a sentence."""
    found = [one.name for one in evidence.features if one.q is not None and one.q <= FOUND]
    asked = sum(one.p is not None for one in evidence.features)
    if not found:
        return f"None of {asked} features correlates with the return that follows beyond luck (q above {FOUND:g})."
    luck = f"at most {FOUND:.0%} of such findings being luck"
    return f"{len(found)} of {asked} features correlate with the return that follows, {luck}: {', '.join(found)}."


def number(value: float | None) -> str:
    """Four digits, whole numbers from ten thousand up, or unknown."""
    if value is None or math.isnan(value):
        return "unknown"
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def span(low: float | None, high: float | None) -> str:
    """An interval, nothing where there is none."""
    return "" if low is None or high is None or math.isnan(low) or math.isnan(high) else f"[{low:.4g}, {high:.4g}]"
