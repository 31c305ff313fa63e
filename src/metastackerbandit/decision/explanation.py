"""The shape of an explained decision: what it was, what was heard, what every gate answered, and what it would have needed."""

from __future__ import annotations

from msgspec import Struct

from metastackerbandit.decision.change import Change


class GateLine(Struct, frozen=True):
    """One gate's answer. `verdict` is PASS, BLOCK, UNKNOWN or N/A, `code` its reason code (reasons.py). `margin` is what is left to the
    limit, in `unit`, negative where a threshold blocks; null where nothing was compared. `setting` is the dotted key that holds the limit,
    with its scope; null where none does. `source` says where its value stands: "configuration", a scope such as "[frames.5m]",
    "profile NAME", or "derived" where it is not given or something stricter decides."""

    gate: str
    verdict: str
    code: str
    observed: float | None
    limit: float | None
    unit: str
    margin: float | None
    sense: str
    meaning: str
    setting: str | None
    source: str | None


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
    """A decision in words; the shape of `msb explain --json`. Quantities are exact text in base units.

    `code` is the outcome's reason code, `binding_code` that of the first gate that blocked; `change` what a blocked wish would have needed.
    """

    decision: int
    time: str
    symbol: str
    frame: str
    side: str
    kind: str
    code: str
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
    binding_code: str | None
    sole_blocker: str | None
    change: Change | None
    text: str
