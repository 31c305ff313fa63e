"""A decision as a trader reads it: a head, what was heard, every gate on a line, the outcome, and what would have traded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from metastackerbandit.decision.change import Change, change_lines, told_apart
from metastackerbandit.decision.explanation import GateLine, Heard
from metastackerbandit.decision.reasons import RESULTS
from metastackerbandit.domain.gate import BLOCK, UNKNOWN
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.rows import ENTER, HOLD, INCREASE, KEEP, KINDS, ON_KILL, REASONS, DecisionRow
from metastackerbandit.domain.timeframe import SECOND_NS, frame_name

SIDES = {1: "BUY", -1: "SELL", 0: "HOLD"}

_SHOWN = {"N/A": "n/a", "PASS": "pass"}  # so that what stops a trade stands out
_SIGNS = {"at most": "<=", "at least": ">="}


def utc_text(at_ns: int) -> str:
    """A time in ns as UTC text, with fractions only where there are some."""
    seconds, rest = divmod(int(at_ns), SECOND_NS)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{whole}{fraction}Z"


def text_of(row: DecisionRow, trace: tuple[GateLine, ...], instrument: Instrument, arm: str, heard: Sequence[Heard], change: Change | None) -> str:
    """The whole story: what was heard, what is held, every gate, the outcome, and what would have traded."""
    opinion = "none" if row.side == 0 else f"{SIDES[row.side]}  alpha {_number(row.alpha if math.isfinite(row.alpha) else None)}"
    time = utc_text(row.closed_ns).replace("T", " ")
    close = f"{instrument.price_text(row.close)} {instrument.quote}"
    head = f"{instrument.symbol} {frame_name(row.frame_ns)} {time}  opinion {opinion}  arm {arm}  close {close}"
    held = f"  holds {_position(row.position, instrument)}"
    if row.pending:
        held += f", and {_position(row.pending, instrument)} on its way"
    lines = [head, *(_said(one) for one in heard), held, *_table(trace), f"=> {_outcome(row, trace, instrument)}"]
    return "\n".join([*lines, *(f"   {line}" for line in (change_lines(change) if change else ()))])


def _said(heard: Heard) -> str:
    who = f"  {heard.frame} model {heard.model or 'none'}"
    if heard.silence:
        return f"{who}: silent, {heard.silence}"
    chances = f"p(down {heard.p_down:.3f} flat {heard.p_flat:.3f} up {heard.p_up:.3f})"
    edges = f"expects {_number(heard.long_bps)} bps of a long, {_number(heard.short_bps)} of a short (+- {_number(heard.error_bps)})"
    worth = "" if heard.worth is None else f"  pays with {heard.worth:.3f}"
    return f"{who}: {chances}  {edges}  barrier {_number(heard.barrier_bps)} bps  size {_number(heard.size_scale)}{worth}"


def _table(trace: tuple[GateLine, ...]) -> list[str]:
    rows = [
        (
            line.gate,
            _SHOWN.get(line.verdict, line.verdict),
            line.meaning,
            seen,
            line.unit,
            f"needs {_SIGNS.get(line.sense, line.sense)} {against}",
            _stop(line),
        )
        for line in trace
        for seen, against in (_compared(line),)
    ]
    widths = [max((len(cells[place]) for cells in rows), default=0) for place in range(6)]
    return ["  " + _aligned(cells, widths) for cells in rows]


def _aligned(cells: tuple[str, ...], widths: list[int]) -> str:
    """One line of the table; what was observed stands to the right, beside its unit."""
    name, found, meaning, seen, unit, needs = (
        f"{cell:>{width}}" if place == 3 else f"{cell:<{width}}" for place, (cell, width) in enumerate(zip(cells, widths, strict=False))
    )
    return f"{name}  {found}  {meaning}  {seen} {unit}  {needs}  {cells[-1]}".rstrip()


def _stop(line: GateLine) -> str:
    """The reason code of what stops a trade; the others stand in the JSON."""
    return line.code if line.verdict in (RESULTS[BLOCK], RESULTS[UNKNOWN]) else ""


def _compared(line: GateLine) -> tuple[str, str]:
    """What was observed and the limit, in as many digits as tell them apart."""
    seen, against = _number(line.observed), _number(line.limit)
    if seen == against and line.observed is not None and line.limit is not None and line.observed != line.limit:
        return told_apart(line.observed, line.limit)
    return seen, against


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
        out += f", but the {SIDES[row.side]} after it was {_blocked(row, trace)}"
    return out


def _why_hold(row: DecisionRow, trace: tuple[GateLine, ...], instrument: Instrument) -> str:
    if row.asks_risk and row.binding >= 0:
        return f"{SIDES[row.side]} wanted, {_blocked(row, trace)}"
    if row.binding >= 0:
        return f"the change of position is not an order that the venue takes ({trace[row.binding].gate})"
    if row.reason == ON_KILL:
        return "the kill switch is thrown, and there is nothing to leave"
    if row.signal == KEEP:
        return "the arm keeps its target"
    if row.side == 0 and row.signal != 0:
        return f"the arm says {SIDES[row.signal]}, which this market cannot hold"
    if row.side == 0:
        return "no opinion, and no position"
    return f"{SIDES[row.side]} is the opinion, and {_position(row.position + row.pending, instrument)} is what it asks for"


def _blocked(row: DecisionRow, trace: tuple[GateLine, ...]) -> str:
    first = trace[row.binding]
    why = f"blocked by {first.gate}" + (", which has no data to look at" if first.verdict == RESULTS[UNKNOWN] else "")
    if row.sole == row.binding:
        return f"{why} (the only gate that did)"
    others = [line.gate for place, line in enumerate(trace) if place != row.binding and line.verdict == RESULTS[BLOCK]]
    unheard = max(row.blocked - 1 - len(others), 0)
    named = [*others, *([f"{unheard} without data"] if unheard else [])]
    return f"{why} (also by {', '.join(named)})" if named else why
