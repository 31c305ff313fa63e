"""Everything the engine can ask of the world, and everything it tells the journal, as one closed union."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.rows import ControlRow, DecisionRow, FillRow, LedgerRow, OrderRow, OutcomeRow, TripRow


class SubmitOrder(Struct, frozen=True, tag="submit"):
    """Send this order; its intent stands in the journal before it leaves. `impact` is the modelled cost of its size, 1e-8 of price."""

    instrument: int
    order: int
    decision: int
    kind: int
    lots: int
    trigger: int
    reduce_only: int
    impact: int
    at_ns: int


class CancelOrder(Struct, frozen=True, tag="cancel"):
    """Cancel a working order."""

    instrument: int
    order: int
    at_ns: int


class AmendOrder(Struct, frozen=True, tag="amend"):
    """Move the trigger, or change the size, of a working protective order."""

    instrument: int
    order: int
    lots: int
    trigger: int
    at_ns: int


class Decided(Struct, frozen=True, tag="decided", eq=False):
    """A decision with its trace: observed (G,), limit (G,), verdict (G,), in the order of the gate catalog."""

    row: DecisionRow
    observed: np.ndarray
    limit: np.ndarray
    verdict: np.ndarray


class Journaled(Struct, frozen=True, tag="journaled"):
    """A row for the journal's tables."""

    row: OrderRow | FillRow | LedgerRow | TripRow | ControlRow | OutcomeRow


Effect = SubmitOrder | CancelOrder | AmendOrder | Decided | Journaled
