"""When a staged change may go on: enough outcomes in this stage, a clean preflight, and a test that does not speak against it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from metastackerbandit.evaluation.paired_test import PairedEvidence
from metastackerbandit.evaluation.settings import RolloutSettings

SHADOW, PAPER = "shadow", "paper"
SHARE = "share "  # and a share, such as "share 0.1"
ADOPTED, ROLLED_BACK = "adopted", "rolled back"


class Check(Struct, frozen=True):
    """One criterion of a stage: met, or what is missing, with the number measured."""

    criterion: str
    is_met: bool
    measured: str
    needed: str


def stages(shares: Sequence[float]) -> tuple[str, ...]:
    """The stages of a rollout, in order; the last is its end."""
    return (SHADOW, PAPER, *(f"{SHARE}{share:g}" for share in shares), ADOPTED)


def share_of(stage: str) -> float:
    """The share of its sizes that a change trades in a stage: 0 while it is only computed beside the champion."""
    if stage == ADOPTED:
        return 1.0
    return float(stage.removeprefix(SHARE)) if stage.startswith(SHARE) else 0.0


def checks(evidence: PairedEvidence, outcomes: int, errors: Sequence[str] | None, settings: RolloutSettings, *, is_last: bool) -> tuple[Check, ...]:
    """The criteria of leaving a stage.

    `evidence` is that of the whole rollout, `outcomes` counts those of this stage, `errors` are findings of the challenger's last preflight
    (None: there was none). The last step, adopting it, asks that the change is better, unless it is made for safety.
    """
    e = "-" if math.isnan(evidence.e_value) else f"{evidence.e_value:.3g}"
    test = f"e-value {e}, mean {evidence.mean:+.3g} bps an outcome" if evidence.outcomes else "no outcome yet"
    found = [
        Check("outcomes of this stage", outcomes >= settings.outcomes, f"{outcomes}", f"{settings.outcomes} on which the two did not do the same"),
        Check("not worse", not evidence.speaks_against(settings), test, f"not {settings.evidence:g} against it"),
        Check("preflight", errors == (), "not looked at" if errors is None else f"{len(errors)} errors", "no error of the changed configuration"),
    ]
    if is_last and settings.adopt == "better":
        better = f"{test}, chance of better {evidence.chance_better:.2f}"
        asked = f"{settings.evidence:g} for it, with a chance of {settings.chance_better:g}"
        found.append(Check("better", evidence.speaks_for(settings), better, asked))
    return tuple(found)
