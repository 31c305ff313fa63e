"""What a report reads, once: a run's rows as the journal has them, and beside them its candles and what became of the bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.config.loading import examine_text
from metastackerbandit.config.schema import Config
from metastackerbandit.decision.funnel import Funnel
from metastackerbandit.decision.waterfall import Waterfall
from metastackerbandit.domain.recording import Recording
from metastackerbandit.storage.run_record import RunRow
from metastackerbandit.storage.run_view import RunView
from metastackerbandit.storage.standing import alarmed, in_force

Place = tuple[int, int]  # book, and length of a frame in ns


class Signals(Struct, frozen=True, eq=False):
    """Where signals ended: decisions (N,) with verdicts (N, G), the last states of orders, and the two counts made of them.

    `said` (P,) are awake predictions of the books' own frames with their sides; None where the run heard none.
    """

    rows: np.ndarray
    orders: np.ndarray
    verdict: np.ndarray
    said: np.ndarray | None
    found: Funnel
    falls: Waterfall


class Beside(Struct, frozen=True, eq=False):
    """What lies beside the journal: the candles that were traded and labels (layout of LabelRow) of the bars that were predicted; else why not."""

    candles: Recording | None = None
    no_candles: str = ""
    labels: Mapping[Place, np.ndarray] = {}
    no_labels: str = ""


class Reading(Struct, frozen=True, eq=False):
    """One run's rows, in the layouts of domain.rows and domain.prediction; decisions in the order of deciding, without traces."""

    row: RunRow
    config: Config
    decided: np.ndarray
    signals: Signals
    fills: np.ndarray
    trips: np.ndarray
    ledger: np.ndarray
    controls: np.ndarray
    predictions: np.ndarray
    in_force: tuple[str, ...]
    alarmed: tuple[str, ...]
    beside: Beside

    @property
    def summary(self) -> dict[str, Any]:
        """How the run said that it ended; empty where it was killed."""
        return self.row.summary

    @property
    def currency(self) -> str:
        """Of the account."""
        return self.row.instruments[0].quote


def read(view: RunView, signals: Signals, beside: Beside) -> Reading:
    """Read what the page tells of a run; a run that still goes on is read as far as it has come."""
    decided = view.decided()
    return Reading(
        row=view.row,
        config=examine_text(view.row.config.encode(), f"run {view.row.run}").config,
        decided=decided[: len(signals.rows)],
        signals=signals,
        fills=view.fills(),
        trips=view.trips(),
        ledger=view.ledger(),
        controls=view.controls(),
        predictions=view.predictions(),
        in_force=tuple(in_force(view)),
        alarmed=tuple(alarmed(view)),
        beside=beside,
    )
