"""Compare two runs row by row: identical to the bit, or where they first part and by what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from metastackerbandit.domain.sink import Kept

# What a difference is put down to: the first of these kinds in which the first differing rows disagree.
_CAUSES = {
    "predictions": (("data", ("closed_ns", "instrument", "frame_ns")), ("timing", ("at_ns",)), ("model", ("silence", "version", "p_up", "long_bps"))),
    "outcomes": (("timing", ("at_ns",)), ("model", ("arm", "outcome"))),
    "decisions": (
        ("data", ("closed_ns", "close", "instrument", "frame_ns")),
        ("timing", ("at_ns",)),
        ("model", ("arm", "signal", "side", "alpha")),
        ("state", ("position", "pending", "equity", "volatility")),
        ("decision", ("kind", "wanted", "sent", "binding", "blocked", "sole", "asks_risk", "reason")),
    ),
    "orders": (("timing", ("sent_ns", "at_ns")), ("order", ("lots", "trigger", "kind", "state", "filled"))),
    "fills": (("timing", ("at_ns",)), ("fill", ("lots", "ticks", "reference", "slippage", "impact")), ("fee", ("fee",))),
    "ledger": (("timing", ("at_ns",)), ("funding", ("funding",)), ("fee", ("fees",)), ("fill", ("cash", "position", "realised"))),
    "trips": (("fill", ("entry_value", "exit_value", "lots")), ("fee", ("fees",)), ("funding", ("funding",))),
    "controls": (("timing", ("at_ns",)), ("control", ("kind", "cause"))),
}


def compared(one: Kept, other: Kept, gates: Sequence[str]) -> dict[str, Any]:
    """The shape of `msb diff --json`: identical, the rows of each kind, and the first difference (null when there is none)."""
    counts = {name: len(getattr(one, name)) for name in ("predictions", "decisions", "orders", "fills", "ledger", "trips", "controls")}
    counts["orders"] = len(np.unique(one.orders["order"])) if len(one.orders) else 0  # its rows are states of orders
    first = first_difference(one, other, gates)
    return {"identical": first is None, **counts, "first_difference": first}


def first_difference(one: Kept, other: Kept, gates: Sequence[str]) -> dict[str, Any] | None:
    """The earliest row in which two runs differ, what differs there, and what it is put down to."""
    found = [_in_kind(name, _in_order(name, one), _in_order(name, other)) for name in _CAUSES]
    found.append(_in_traces(one, other, gates))
    earliest = [difference for difference in found if difference is not None]
    return min(earliest, key=lambda difference: (difference["at_ns"], difference["order"])) if earliest else None


def _in_order(name: str, kept: Kept) -> np.ndarray:
    """Rows of a kind; predictions of one instant in one order, since which of them was computed first has no effect."""
    rows: np.ndarray = getattr(kept, name)
    return rows[np.lexsort((-rows["frame_ns"], rows["instrument"], rows["at_ns"]))] if name == "predictions" else rows


def _in_kind(name: str, left: np.ndarray, right: np.ndarray) -> dict[str, Any] | None:
    count = min(len(left), len(right))
    differing = list(_differing(left[:count], right[:count])[:1])
    if not differing and len(left) == len(right):
        return None
    row = int(differing[0]) if differing else count
    if not differing:
        longer = left if len(left) > len(right) else right
        return _told(name, row, _time_of(longer[row]), "missing", {"rows": [len(left), len(right)]})
    fields = {
        field: [_plain(left[row][field]), _plain(right[row][field])]
        for field in left.dtype.names or ()
        if left[row][field].tobytes() != right[row][field].tobytes()
    }
    cause = next((cause for cause, names in _CAUSES[name] if any(field in fields for field in names)), "other")
    return _told(name, row, _time_of(left[row]), cause, fields)


def _in_traces(one: Kept, other: Kept, gates: Sequence[str]) -> dict[str, Any] | None:
    count = min(len(one.decisions), len(other.decisions))
    for name in ("observed", "limit", "verdict"):
        rows = _differing(getattr(one, name)[:count], getattr(other, name)[:count])
        if len(rows):
            row = int(rows[0])
            left, right = getattr(one, name)[row], getattr(other, name)[row]
            fields = {f"{gates[g]}.{name}": [_plain(left[g]), _plain(right[g])] for g in range(len(gates)) if left[g].tobytes() != right[g].tobytes()}
            return _told("decisions", row, int(one.decisions["at_ns"][row]), "limit" if name == "limit" else "decision", fields)
    return None


def _differing(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Rows whose bytes differ."""
    if not len(left):
        return np.zeros(0, np.int64)
    as_bytes = [np.ascontiguousarray(side).view(np.uint8).reshape(len(side), -1) for side in (left, right)]
    return np.flatnonzero((as_bytes[0] != as_bytes[1]).any(axis=1))


def _told(kind: str, row: int, at_ns: int, cause: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "row": row, "at_ns": at_ns, "cause": cause, "fields": fields, "order": list(_CAUSES).index(kind)}


def _time_of(row: Any) -> int:
    for name in ("at_ns", "closed_ns"):
        if name in row.dtype.names:
            return int(row[name])
    return 0


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
