"""Do outputs spread over their bins as they did?"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.monitors.spec import PREDICTION, Context, Figures, MonitorSpec, reaching, unavailable
from metastackerbandit.evaluation.stability import NOISE_RARE, NOISE_RAREST, noise_line, stability_index

REFERENCE = 500  # outputs a horizon apart that say how it was: the noise line with 200 more is .195
WINDOW = 200  # outputs a horizon apart that are held against it, then the next ones
BINS = 10  # between the deciles of the reference
EXPECTED = REFERENCE + BINS - 1  # where the reference's counts begin, behind its values and the edges
COUNTED = EXPECTED + BINS  # where the window's counts begin


class Drift(Struct, frozen=True):
    """Outputs, those of the version that count, those in the window, windows judged, and the last one's index."""

    version: int
    outputs: int
    seen: int
    kept: int
    inside: int
    windows: int
    index: float


@kernel
def in_order(values: Any, count: int) -> None:
    """Sort the first `count` values in place: once a version."""
    for n in range(1, count):
        value = values[n]
        at = n
        while at > 0 and values[at - 1] > value:
            values[at] = values[at - 1]
            at -= 1
        values[at] = value


@kernel
def count_value(memory: Any, first: int, value: float) -> None:
    """Count a value in its bin, of those from place `first` on; one on an edge belongs to both sides by half, in the mirror too."""
    below, at_most = 0, 0
    for k in range(BINS - 1):
        if memory[REFERENCE + k] < value:
            below += 1
        if memory[REFERENCE + k] <= value:
            at_most += 1
    memory[first + below] += 0.5
    memory[first + at_most] += 0.5


@kernel
def heard(state: Any, memory: Any, book: Any, limits: Any, prediction: Any) -> None:
    """One output in every horizon: the first 500 of a version are the reference, then each 200 are a window."""
    if prediction.silence != 0:
        return
    if state.outputs > 0 and prediction.version != state.version:
        state.seen = 0
        state.kept = 0
        state.inside = 0
    state.version = prediction.version
    state.outputs += 1
    counts = state.seen % max(prediction.horizon, 1) == 0
    state.seen += 1
    if not counts:
        return
    value = prediction.p_up - prediction.p_down
    if state.kept < REFERENCE:
        memory[state.kept] = value
        state.kept += 1
        if state.kept == REFERENCE:
            settle(memory)
        return
    count_value(memory, COUNTED, value)
    state.inside += 1
    if state.inside == WINDOW:
        state.index = stability_index(memory[COUNTED : COUNTED + BINS], memory[EXPECTED : EXPECTED + BINS])
        state.windows += 1
        state.inside = 0
        for k in range(BINS):
            memory[COUNTED + k] = 0.0


@kernel
def settle(memory: Any) -> None:
    """Edges at the reference's deciles, what it has in each bin, and an empty window."""
    in_order(memory, REFERENCE)
    for k in range(BINS - 1):
        place = (k + 1) * (REFERENCE // BINS)
        memory[REFERENCE + k] = (memory[place - 1] + memory[place]) / 2.0
    for k in range(2 * BINS):
        memory[EXPECTED + k] = 0.0
    for n in range(REFERENCE):
        count_value(memory, EXPECTED, memory[n])


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """The index of the last window, against the higher of the limit and the noise of samples this small."""
    warn = max(limits.drift_warn, noise_line(WINDOW, REFERENCE, NOISE_RARE))
    if state.windows == 0:
        return unavailable(warn, state.outputs)
    return reaching(state.index, warn, max(limits.drift_halt, noise_line(WINDOW, REFERENCE, NOISE_RAREST)), state.outputs)


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """The index of the last window."""
    text = f"PSI {float(state.index):.3f} of the last 200 outputs a horizon apart against the version's first 500, window {int(state.windows)}"
    return text, {"psi": float(state.index), "windows": int(state.windows), "outputs": int(state.outputs)}


MONITOR = MonitorSpec(
    name="drift",
    question="Do outputs spread as they did?",
    statistic="PSI over ten bins of 200 outputs a label horizon apart, against the version's first 500; limit max(.1, 27.9 (1/n + 1/m))",
    null="both are samples of one distribution",
    unit="PSI",
    warn="drift_warn",
    halt="drift_halt",
    false_alarm_rate=0.001,
    rate_of="a window",
    rate_by="99.9 % line of chi-square with 9 degrees",
    counts="prediction",
    needs=("predictions",),
    missing="fewer than 700 outputs of one version a horizon apart",
    state=Drift,
    memory=lambda gates: COUNTED + BINS,
    hears=((PREDICTION, heard),),
    read=read,
    told=told,
)
