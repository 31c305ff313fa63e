"""One decision explained: what was wanted, what every gate saw, and which one stood in the way; from its record alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from metastackerbandit.decision.change import KnownSettings, change_of, holder_of
from metastackerbandit.decision.explain_text import SIDES, text_of, utc_text
from metastackerbandit.decision.explanation import Explanation, GateLine, Heard
from metastackerbandit.decision.reasons import RESULTS, NamedGate, decision_code, gate_code
from metastackerbandit.domain.gate import BLOCK, PASS
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.prediction import SILENCES, Prediction
from metastackerbandit.domain.quantities import (
    conditional_confidence,
    directional_confidence,
    largest_probability,
    signal_of,
    strength_of,
)
from metastackerbandit.domain.rows import KINDS, REASONS, DecisionRow
from metastackerbandit.domain.timeframe import frame_name


def explain(
    row: DecisionRow,
    gates: Sequence[NamedGate],
    observed: Sequence[float],
    limit: Sequence[float],
    verdict: Sequence[int],
    instrument: Instrument,
    arm: str,
    predictions: Sequence[Prediction] = (),
    models: Sequence[str] = (),
    lenient: Sequence[str] = (),
    settings: KnownSettings | None = None,
) -> Explanation:
    """Put one decision into words; `observed`, `limit`, `verdict` (G,) stand in the order of `gates`.

    `predictions` are those that stood when it was taken, the decision's own frame first; `models` the run's versions, in which
    their `version` is a place. `lenient` gates let their UNKNOWN pass; `settings` tells which values settings take.
    """
    heard = tuple(_heard(prediction, models) for prediction in predictions)
    answers = zip(gates, observed, limit, verdict, strict=True)
    trace = tuple(_line(gate, row.side, float(seen), float(against), int(code), settings) for gate, seen, against, code in answers)
    change = change_of(row, gates, observed, limit, verdict, lenient, settings)
    return Explanation(
        decision=row.decision,
        time=utc_text(row.closed_ns),
        symbol=instrument.symbol,
        frame=frame_name(row.frame_ns),
        side=SIDES[row.side],
        kind=KINDS[row.kind],
        code=decision_code(row),
        reason=REASONS[row.reason],
        alpha=row.alpha,
        arm=arm,
        models=tuple(dict.fromkeys(one.model for one in heard if one.model)),
        predictions=heard,
        position=instrument.quantity_text(row.position),
        wanted=instrument.quantity_text(row.wanted),
        sent=instrument.quantity_text(row.sent),
        close=instrument.price_text(row.close),
        trace=trace,
        binding=_gate_name(gates, row.binding),
        binding_code=trace[row.binding].code if row.binding >= 0 else None,
        sole_blocker=_gate_name(gates, row.sole),
        change=change,
        text=text_of(row, trace, instrument, arm, heard, change),
    )


def _line(gate: NamedGate, side: int, observed: float, limit: float, verdict: int, settings: KnownSettings | None) -> GateLine:
    margin = None
    if verdict in (PASS, BLOCK) and not (gate.states and verdict == BLOCK):
        left = observed - limit if gate.sense == "at least" else limit - observed
        margin = _finite(left + 0.0)
    code = gate_code(gate, observed, verdict)
    shown, against = _finite(observed), _finite(limit)
    holder = holder_of(gate, side, limit, settings)
    setting, source = (holder.key, holder.source or None) if holder else (None, None)
    return GateLine(gate.name, RESULTS[verdict], code, shown, against, gate.unit, margin, gate.sense, gate.meaning, setting, source)


def _heard(prediction: Prediction, models: Sequence[str]) -> Heard:
    names = ("p_down", "p_flat", "p_up", "long_bps", "short_bps", "error_bps", "barrier_bps", "credibility", "size_scale", "worth")
    numbers = {name: _finite(getattr(prediction, name)) for name in names}
    down, flat, up = prediction.p_down, prediction.p_flat, prediction.p_up
    return Heard(
        model=models[prediction.version] if prediction.version >= 0 else "",
        frame=frame_name(prediction.frame_ns),
        time=utc_text(prediction.closed_ns),
        silence=SILENCES[prediction.silence],
        strength=_finite(strength_of(signal_of(down, up))),
        p_dir=_finite(directional_confidence(down, up)),
        p_dir_cond=_finite(conditional_confidence(down, up)) if prediction.silence == 0 else None,
        p_max3=_finite(largest_probability(down, flat, up)),
        **numbers,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _gate_name(gates: Sequence[NamedGate], place: int) -> str | None:
    return gates[place].name if place >= 0 else None
