"""Does the model say anything at all, or only that everything is equally likely?"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.monitors.spec import PREDICTION, Context, Figures, MonitorSpec, reaching, unavailable

OUTPUTS = 200  # whose entropy is averaged


class NoInformation(Struct, frozen=True):
    """Outputs so far, and the mean normalised entropy of the last 200."""

    outputs: int
    entropy: float


@kernel
def surprise(p: float) -> float:
    """-p ln p, 0 at 0."""
    return -p * math.log(p) if p > 0.0 else 0.0


@kernel
def heard(state: Any, memory: Any, book: Any, limits: Any, prediction: Any) -> None:
    """Keep an output's entropy over ln 3; down and up are added first, so that the mirrored output has the same bits."""
    if prediction.silence != 0:
        return
    memory[state.outputs % OUTPUTS] = (surprise(prediction.p_down) + surprise(prediction.p_up) + surprise(prediction.p_flat)) / math.log(3.0)
    state.outputs += 1
    if state.outputs >= OUTPUTS:
        total = 0.0
        for n in range(OUTPUTS):
            total += memory[n]
        state.entropy = total / OUTPUTS


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """Mean entropy of the last 200 outputs."""
    if state.outputs < OUTPUTS:
        return unavailable(limits.entropy_warn, state.outputs)
    return reaching(state.entropy, limits.entropy_warn, limits.entropy_halt, state.outputs)


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """The entropy, in words."""
    text = f"mean entropy of the last 200 outputs is {float(state.entropy):.1%} of that of knowing nothing"
    return text, {"entropy": float(state.entropy), "outputs": int(state.outputs)}


MONITOR = MonitorSpec(
    name="no_information",
    question="Do the probabilities say anything?",
    statistic="mean entropy of the last 200 outputs over ln 3",
    null="the mean entropy lies below the limit",
    unit="share",
    warn="entropy_warn",
    halt="entropy_halt",
    false_alarm_rate=0.01,
    rate_of="200 outputs",
    rate_by="simulated, for a model whose mean entropy lies at .985",
    counts="prediction",
    needs=("predictions",),
    missing="fewer than 200 outputs",
    state=NoInformation,
    memory=lambda gates: OUTPUTS,
    hears=((PREDICTION, heard),),
    read=read,
    told=told,
)
