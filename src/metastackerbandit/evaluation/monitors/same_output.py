"""Does the model answer unlike bars with the same numbers?"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.monitors.spec import PREDICTION, Context, Figures, MonitorSpec, reaching, unavailable

SAME = 1e-9  # probabilities nearer to each other than this are equal (method 5.6)


class SameOutput(Struct, frozen=True):
    """Outputs, the last one, how often it came in a row, and the longest such run."""

    outputs: int
    closed_ns: int
    p_down: float
    p_up: float
    run: int
    longest: int


@kernel
def heard(state: Any, memory: Any, book: Any, limits: Any, prediction: Any) -> None:
    """Compare with the output before; a bar that is answered twice counts once."""
    if prediction.silence != 0 or prediction.closed_ns == state.closed_ns:
        return
    same = state.outputs > 0 and abs(prediction.p_up - state.p_up) <= SAME and abs(prediction.p_down - state.p_down) <= SAME
    state.run = state.run + 1 if same else 1
    state.longest = max(state.longest, state.run)
    state.closed_ns = prediction.closed_ns
    state.p_down = prediction.p_down
    state.p_up = prediction.p_up
    state.outputs += 1


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """Equal outputs in a row, now."""
    if state.outputs < 2:
        return unavailable(limits.same_warn, state.outputs)
    return reaching(float(state.run), limits.same_warn, limits.same_halt, state.outputs)


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """Now and at most."""
    text = f"the last output came {int(state.run)} times in a row; {int(state.longest)} times at most"
    return text, {"run": int(state.run), "longest": int(state.longest), "outputs": int(state.outputs)}


MONITOR = MonitorSpec(
    name="same_output",
    question="Does the model answer unlike bars with the same numbers?",
    statistic="outputs in a row that are equal to 1e-9",
    null="outputs follow inputs, which differ from bar to bar",
    unit="outputs",
    warn="same_warn",
    halt="same_halt",
    false_alarm_rate=0.0,
    rate_by="by construction for outputs that move with every bar; small trees may repeat themselves",
    counts="prediction",
    needs=("predictions",),
    missing="fewer than two outputs",
    state=SameOutput,
    hears=((PREDICTION, heard),),
    read=read,
    told=told,
)
