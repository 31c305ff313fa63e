"""The smallest change that would have traded: for each gate that blocked, what its limit or its input would have needed to be.

A threshold gate admits at equality, so the needed limit is exactly what was observed, and the needed input exactly the limit. The
statement is about the one decision, all else as it stood: a run with that setting from its start may come to it differently
(docs/explain.md says when it does not).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Protocol

from msgspec import Struct

from metastackerbandit.decision.reasons import NamedGate, gate_code, plain_state, state_of
from metastackerbandit.domain.gate import BLOCK, UNKNOWN
from metastackerbandit.domain.rows import DecisionRow

BY_SETTINGS, BY_INPUTS, BY_NOTHING = "settings", "inputs", "no threshold"

_DIGITS = 6  # of a number in text; rounded to the side that still trades
_MOST_DIGITS = 17  # that a double needs at most
_SUFFIX = {1: "_buy", -1: "_sell"}
_COUNTS = {2: "both", 3: "all three", 4: "all four", 5: "all five"}


class Holder(Struct, frozen=True):
    """The setting behind a limit in force: its dotted key, scope included ("frames.5m.decision.min_alpha"), and where its value stands.

    `source` is "configuration" (the base tables), a scope ("[frames.5m]"), "profile NAME", or "derived" where the setting is not given or
    something stricter decides; `note` is empty where the setting itself holds the value in force. `is_held` is False where no value of
    the setting would let more pass.
    """

    key: str
    source: str
    note: str = ""
    is_held: bool = True


class KnownSettings(Protocol):
    """What is known of settings by whoever has the configuration."""

    def refusal(self, key: str, value: float) -> str:
        """Empty where the setting takes the value, else what it takes."""

    def holder(self, keys: Sequence[str], value: float, sense: str) -> Holder:
        """What holds the value in force of a limit (`sense` as of its gate); of several keys the first that is given."""


def keys_of(gate: NamedGate, side: int) -> tuple[str, ...]:
    """The settings that may hold a gate's limit for a side, that side's own before the one of both; none where none does."""
    if not gate.setting:
        return ()
    return (f"{gate.setting}{_SUFFIX[side]}", gate.setting) if gate.by_side and side in _SUFFIX else (gate.setting,)


def holder_of(gate: NamedGate, side: int, limit: float, settings: KnownSettings | None) -> Holder | None:
    """The setting that holds a gate's limit for a side; None where none does. Without a configuration the setting of both sides is named."""
    keys = keys_of(gate, side)
    if not keys:
        return None
    if settings is None or not math.isfinite(limit):
        return Holder(keys[-1], "")
    if gate.by_side and side == 0:  # the stricter of the two sides' limits was asked
        either = [settings.holder(keys_of(gate, one), limit - gate.lead, gate.sense) for one in _SUFFIX]
        return next((one for one in either if not one.note), either[0])
    return settings.holder(keys, limit - gate.lead, gate.sense)


class Need(Struct, frozen=True):
    """What one blocking gate would have needed; numbers are exact.

    `form` is "setting" (a setting holds the limit), "fixed" (nothing that can be set holds it, or the setting does not take the value),
    "state" (not a threshold) or "unknown" (no data). `limit_needed` is the loosest limit at which the gate still passes the input seen,
    `input_needed` the input that the limit in force asks for, `setting_needed` the value of `setting` (the one that holds the limit, scope
    included) that makes that limit; `note` says what stands in the way.
    """

    gate: str
    code: str
    form: str
    unit: str
    sense: str
    observed: float | None
    limit: float | None
    limit_needed: float | None
    input_needed: float | None
    setting: str | None
    setting_needed: float | None
    note: str


class Change(Struct, frozen=True):
    """Everything that stood between a decision and its trade, jointly.

    `by` is "settings" where changing the named settings, all of them, would have traded; "inputs" where only other inputs would;
    "no threshold" where at least one gate blocked for something that no number mends.
    """

    by: str
    needs: tuple[Need, ...]


def change_of(
    row: DecisionRow,
    gates: Sequence[NamedGate],
    observed: Sequence[float],
    limit: Sequence[float],
    verdict: Sequence[int],
    lenient: Sequence[str] = (),
    settings: KnownSettings | None = None,
) -> Change | None:
    """What a blocked wish for new risk would have needed; None where nothing was asked or nothing blocked."""
    if row.asks_risk == 0 or row.binding < 0:
        return None
    needs = tuple(
        _need(gate, row.side, float(seen), float(against), int(found), settings)
        for gate, seen, against, found in zip(gates, observed, limit, verdict, strict=True)
        if found == BLOCK or (found == UNKNOWN and gate.name not in lenient)
    )
    if not needs:
        return None
    forms = {need.form for need in needs}
    by = BY_NOTHING if forms & {"state", "unknown"} else BY_INPUTS if "fixed" in forms else BY_SETTINGS
    return Change(by, needs)


def change_lines(change: Change) -> list[str]:
    """The change as lines that a trader reads."""
    many = len(change.needs)
    joint = "this" if many == 1 else f"{_COUNTS.get(many, f'all {many}')} of these"
    head = {
        BY_SETTINGS: f"to have traded, all else as it stood, {joint}:",
        BY_INPUTS: f"no setting alone would have let it trade; it needed {joint}:",
        BY_NOTHING: "no other limit would have let it trade:",
    }[change.by]
    width = max(len(need.gate) for need in change.needs)
    return [head, *(f"  {need.gate:<{width}}  {_words(need)}" for need in change.needs)]


def permissive(value: float, sense: str) -> str:
    """A needed limit in at most six digits, rounded to the side on which the gate still passes."""
    rounding = ROUND_FLOOR if sense == "at least" else ROUND_CEILING
    short = Context(prec=_DIGITS, rounding=rounding).create_decimal(Decimal(value))
    return f"{short.normalize():f}" if 1e-9 < abs(value) < 1e15 or value == 0 else str(short)


def _need(gate: NamedGate, side: int, observed: float, limit: float, verdict: int, settings: KnownSettings | None) -> Need:
    code = gate_code(gate, observed, verdict)
    holder = holder_of(gate, side, limit, settings)
    key = holder.key if holder else ""
    seen, against = (value if math.isfinite(value) else None for value in (observed, limit))

    def need(form: str, limit_needed: float | None, input_needed: float | None, setting_needed: float | None, note: str) -> Need:
        return Need(gate.name, code, form, gate.unit, gate.sense, seen, against, limit_needed, input_needed, key or None, setting_needed, note)

    if verdict == UNKNOWN:
        return need("unknown", None, None, None, "no data to look at")
    if gate.states:
        return need("state", None, None, None, f"{gate.name} {plain_state(state_of(gate, observed))}")
    if seen is None or against is None:
        return need("fixed", None, against, None, "no finite limit admits it")
    if holder is None:
        return need("fixed", seen, against, None, "no setting is named for this limit")
    if not holder.is_held:
        return need("fixed", seen, against, None, f"{key}: {holder.note}")
    wanted = seen - gate.lead
    refusal = settings.refusal(key, wanted) if settings else ""
    if refusal:
        return need("fixed", seen, against, None, f"{key} takes {refusal}")
    return need("setting", seen, against, wanted, holder.note)


def _words(need: Need) -> str:
    if need.form in ("state", "unknown"):
        return f"not a threshold: {need.note}"
    if need.observed is None or need.limit is None:
        return f"not a number that a limit could admit: {need.note}"
    wanted, seen = told_apart(need.limit, need.observed)
    lacking = f"an input of {wanted} {need.unit}".rstrip() + f" where {seen} was seen"
    if need.setting_needed is None or need.limit_needed is None:
        return f"{lacking} ({need.note})"
    direction = "at most" if need.sense == "at least" else "at least"
    in_force = short_number(need.limit + (need.setting_needed - need.limit_needed))
    origin = f"; {need.note}" if need.note else ""
    return f"{need.setting} {direction} {permissive(need.setting_needed, need.sense)} ({in_force} in force{origin}), or {lacking}"


def short_number(value: float, digits: int = _DIGITS) -> str:
    """A number in at most so many digits; whole ones whole."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.{digits}g}"


def told_apart(one: float, other: float) -> tuple[str, str]:
    """Two different numbers in as few digits as still tell them apart."""
    for digits in range(_DIGITS, _MOST_DIGITS):
        texts = short_number(one, digits), short_number(other, digits)
        if texts[0] != texts[1]:
            return texts
    return repr(one), repr(other)
