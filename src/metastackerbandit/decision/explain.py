"""One decision as a trader reads it: what was wanted, what every gate saw, and which one stood in the way; from its record alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from msgspec import Struct

from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.prediction import SILENCES, Prediction
from metastackerbandit.domain.quantities import (
    conditional_confidence,
    directional_confidence,
    largest_probability,
    signal_of,
    strength_of,
)
from metastackerbandit.domain.rows import ENTER, HOLD, INCREASE, KEEP, KINDS, ON_KILL, REASONS, DecisionRow
from metastackerbandit.domain.timeframe import SECOND_NS, frame_name

_SIDES = {1: "BUY", -1: "SELL", 0: "HOLD"}
_CODES = {NA: "N/A", PASS: "PASS", BLOCK: "BLOCK", UNKNOWN: "UNKNOWN"}
_SHOWN = {"N/A": "n/a", "PASS": "pass"}  # so that what stops a trade stands out
_SIGNS = {"at most": "<=", "at least": ">="}


class NamedGate(Protocol):
    """A gate's words: a GateSpec, or what the journal kept of one."""

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def sense(self) -> str: ...
    @property
    def meaning(self) -> str: ...


class GateLine(Struct, frozen=True):
    """One gate's answer. `margin` is what is left to the limit, in `unit`, negative where the gate blocks; null where nothing was compared."""

    gate: str
    verdict: str
    observed: float | None
    limit: float | None
    unit: str
    margin: float | None
    sense: str
    meaning: str


class Heard(Struct, frozen=True):
    """One prediction that stood when the decision was taken; numbers are null where the model was silent, and `silence` says why."""

    model: str
    frame: str
    time: str
    silence: str
    p_down: float | None
    p_flat: float | None
    p_up: float | None
    strength: float | None
    p_dir: float | None
    p_dir_cond: float | None
    p_max3: float | None
    long_bps: float | None
    short_bps: float | None
    error_bps: float | None
    barrier_bps: float | None
    credibility: float | None
    size_scale: float | None
    worth: float | None


class Explanation(Struct, frozen=True):
    """A decision in words; the shape of `msb explain --json`. Quantities are exact text in base units."""

    decision: int
    time: str
    symbol: str
    frame: str
    side: str
    kind: str
    reason: str
    alpha: float
    arm: str
    models: tuple[str, ...]
    predictions: tuple[Heard, ...]
    position: str
    wanted: str
    sent: str
    close: str
    trace: tuple[GateLine, ...]
    binding: str | None
    sole_blocker: str | None
    text: str


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
) -> Explanation:
    """Put one decision into words; `observed`, `limit`, `verdict` (G,) stand in the order of `gates`.

    `predictions` are those that stood when it was taken, the decision's own frame first; `models` the run's versions, in which
    their `version` is a place.
    """
    heard = tuple(_heard(prediction, models) for prediction in predictions)
    answers = zip(gates, observed, limit, verdict, strict=True)
    trace = tuple(_line(gate, float(seen), float(against), int(code)) for gate, seen, against, code in answers)
    return Explanation(
        decision=row.decision,
        time=utc_text(row.closed_ns),
        symbol=instrument.symbol,
        frame=frame_name(row.frame_ns),
        side=_SIDES[row.side],
        kind=KINDS[row.kind],
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
        sole_blocker=_gate_name(gates, row.sole),
        text=_text(row, trace, instrument, arm, heard),
    )


def utc_text(at_ns: int) -> str:
    """A time in ns as UTC text, with fractions only where there are some."""
    seconds, rest = divmod(int(at_ns), SECOND_NS)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{whole}{fraction}Z"


def _line(gate: NamedGate, observed: float, limit: float, verdict: int) -> GateLine:
    margin = None
    if verdict in (PASS, BLOCK):
        left = observed - limit if gate.sense == "at least" else limit - observed
        margin = _finite(left + 0.0)
    return GateLine(gate.name, _CODES[verdict], _finite(observed), _finite(limit), gate.unit, margin, gate.sense, gate.meaning)


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


# -- text ------------------------------------------------------------------------------------------------------------


def _text(row: DecisionRow, trace: tuple[GateLine, ...], instrument: Instrument, arm: str, heard: Sequence[Heard]) -> str:
    opinion = "none" if row.side == 0 else f"{_SIDES[row.side]}  alpha {_number(_finite(row.alpha))}"
    time = utc_text(row.closed_ns).replace("T", " ")
    close = f"{instrument.price_text(row.close)} {instrument.quote}"
    head = f"{instrument.symbol} {frame_name(row.frame_ns)} {time}  opinion {opinion}  arm {arm}  close {close}"
    held = f"  holds {_position(row.position, instrument)}"
    if row.pending:
        held += f", and {_position(row.pending, instrument)} on its way"
    return "\n".join([head, *(_said(one) for one in heard), held, *_table(trace), f"=> {_outcome(row, trace, instrument)}"])


def _said(heard: Heard) -> str:
    who = f"  {heard.frame} model {heard.model or 'none'}"
    if heard.silence:
        return f"{who}: silent, {heard.silence}"
    chances = f"p(down {heard.p_down:.3f} flat {heard.p_flat:.3f} up {heard.p_up:.3f})"
    edges = f"expects {_number(heard.long_bps)} bps of a long, {_number(heard.short_bps)} of a short (+- {_number(heard.error_bps)})"
    worth = "" if heard.worth is None else f"  pays with {heard.worth:.3f}"
    return f"{who}: {chances}  {edges}  barrier {_number(heard.barrier_bps)} bps  size {_number(heard.size_scale)}{worth}"


def _table(trace: tuple[GateLine, ...]) -> list[str]:
    rows = [(line.gate, _SHOWN.get(line.verdict, line.verdict), line.meaning, _number(line.observed), line.unit, _needs(line)) for line in trace]
    widths = [max((len(cells[place]) for cells in rows), default=0) for place in range(5)]
    return [
        f"  {name:<{widths[0]}}  {code:<{widths[1]}}  {meaning:<{widths[2]}}  {seen:>{widths[3]}} {unit:<{widths[4]}}  {needs}".rstrip()
        for name, code, meaning, seen, unit, needs in rows
    ]


def _needs(line: GateLine) -> str:
    return f"needs {_SIGNS.get(line.sense, line.sense)} {_number(line.limit)}"


def _number(value: float | None) -> str:
    """At most six digits; a dash for what is not known."""
    if value is None:
        return "-"
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"


def _position(lots: int, instrument: Instrument) -> str:
    if lots == 0:
        return "nothing"
    return f"{'long' if lots > 0 else 'short'} {instrument.quantity_text(abs(lots))} {instrument.base}"


def _outcome(row: DecisionRow, trace: tuple[GateLine, ...], instrument: Instrument) -> str:
    kind = KINDS[row.kind]
    if row.kind == HOLD:
        return f"{kind}: {_why_hold(row, trace, instrument)}"
    if row.sent == 0:
        order = "no order was needed"
    else:
        order = f"{'BUY' if row.sent > 0 else 'SELL'} {instrument.quantity_text(abs(row.sent))} {instrument.base} sent"
    if row.kind in (ENTER, INCREASE):
        return f"{kind}: {order}, on {REASONS[row.reason]}; every gate that was asked let it pass"
    out = f"{kind}: {order}, on {REASONS[row.reason]}; leaving is never blocked"
    if row.asks_risk and row.binding >= 0:
        out += f", but the {_SIDES[row.side]} after it was {_blocked(row, trace)}"
    return out


def _why_hold(row: DecisionRow, trace: tuple[GateLine, ...], instrument: Instrument) -> str:
    if row.asks_risk and row.binding >= 0:
        return f"{_SIDES[row.side]} wanted, {_blocked(row, trace)}"
    if row.binding >= 0:
        return f"the change of position is not an order that the venue takes ({trace[row.binding].gate})"
    if row.reason == ON_KILL:
        return "the kill switch is thrown, and there is nothing to leave"
    if row.signal == KEEP:
        return "the arm keeps its target"
    if row.side == 0 and row.signal != 0:
        return f"the arm says {_SIDES[row.signal]}, which this market cannot hold"
    if row.side == 0:
        return "no opinion, and no position"
    return f"{_SIDES[row.side]} is the opinion, and {_position(row.position + row.pending, instrument)} is what it asks for"


def _blocked(row: DecisionRow, trace: tuple[GateLine, ...]) -> str:
    first = trace[row.binding]
    why = f"blocked by {first.gate}" + (", which has no data to look at" if first.verdict == _CODES[UNKNOWN] else "")
    if row.sole == row.binding:
        return f"{why} (the only gate that did)"
    others = [line.gate for place, line in enumerate(trace) if place != row.binding and line.verdict == _CODES[BLOCK]]
    unheard = max(row.blocked - 1 - len(others), 0)
    named = [*others, *([f"{unheard} without data"] if unheard else [])]
    return f"{why} (also by {', '.join(named)})" if named else why
