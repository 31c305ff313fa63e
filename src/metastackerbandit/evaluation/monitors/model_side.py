"""Does the model say both UP and DOWN? (The predecessors' 24h model only ever said UP: pain A18.)"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.monitors.spec import PREDICTION, Context, Figures, MonitorSpec, reaching, unavailable
from metastackerbandit.evaluation.shares import Share, evidence, share_step

MEMORY = 500.0  # outputs that the bet on a one-sided share remembers


class ModelSide(Struct, frozen=True):
    """Directional outputs, and the share of UP among those that count."""

    outputs: int
    ups: int
    share: Share


@kernel
def heard(state: Any, memory: Any, book: Any, limits: Any, prediction: Any) -> None:
    """Take one output in every horizon: labels of nearer ones overlap."""
    if prediction.silence != 0 or prediction.p_up == prediction.p_down:
        return
    is_up = prediction.p_up > prediction.p_down
    if state.outputs % max(prediction.horizon, 1) == 0:
        share_step(state.share, is_up, limits.least_up, limits.least_up, limits.prior, MEMORY)
    state.outputs += 1
    state.ups += 1 if is_up else 0


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """The most evidence so far."""
    if state.outputs == 0:
        return unavailable(limits.warn_evidence, 0)
    return reaching(evidence(state.share.most), limits.warn_evidence, limits.halt_evidence, state.outputs)


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """The share of UP."""
    outputs, ups = int(state.outputs), int(state.ups)
    text = f"{ups / outputs:.1%} of {outputs:,} directional outputs say UP ({int(state.share.seen):,} of them a horizon apart)"
    return text, {"outputs": outputs, "share_up": ups / outputs, "counted": int(state.share.seen)}


MONITOR = MonitorSpec(
    name="model_side",
    question="Does the model say both UP and DOWN?",
    statistic="e-value of the share of UP, one output in every label horizon, against the range that is healthy (least_up to 1 - least_up)",
    null="the chance of UP lies between 35 % and 65 % at every output",
    unit="e-value",
    warn="warn_evidence",
    halt="halt_evidence",
    false_alarm_rate=0.05,
    rate_by="Ville's bound of 1/20, at any time",
    counts="directional prediction",
    needs=("predictions",),
    missing="no model has said anything",
    state=ModelSide,
    hears=((PREDICTION, heard),),
    read=read,
    told=told,
)
