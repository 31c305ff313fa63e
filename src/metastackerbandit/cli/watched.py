"""What monitors beside a run are given to hold its models against: what became of the bars, and what the cards say."""

from __future__ import annotations

from typing import Any

import numpy as np

from metastackerbandit.cli.session import Session
from metastackerbandit.domain.card import ModelCard
from metastackerbandit.domain.sink import Kept
from metastackerbandit.domain.timeframe import frame_ns
from metastackerbandit.evaluation.monitors.whole_run import Told, watch_run
from metastackerbandit.runtime.outcomes import Place, all_matured, labels_of
from metastackerbandit.runtime.watching import books_of, settings_of
from metastackerbandit.storage.run_record import RunRecord


def labels_heard(session: Session) -> dict[Place, Any]:
    """Labels of every bar that the run's models answer; none for rules."""
    voices = session.opinions.voices if session.opinions else ()
    places = {(book, frame_ns(voice.frame)): voice.place for voice in voices for book in voice.hearers}
    return labels_of(session.recording, places, session.config.costs)


def cards_heard(session: Session) -> tuple[ModelCard, ...]:
    """Cards of the versions that may answer, the newest of each voice last."""
    voices = session.opinions.voices if session.opinions else ()
    return tuple(version.card for voice in voices for version in voice.versions)


def alarms_over(session: Session, record: RunRecord, kept: Kept) -> np.ndarray:
    """Every alarm of a run that is in memory, as the same run would have raised them row by row."""
    until_ns = int(kept.decisions["at_ns"].max()) if len(kept.decisions) else 0
    told = Told(
        decisions=kept.decisions,
        observed=kept.observed,
        limit=kept.limit,
        verdict=kept.verdict,
        predictions=kept.predictions,
        orders=kept.orders,
        fills=kept.fills,
        ledger=kept.ledger,
        trips=kept.trips,
        outcomes=np.concatenate((session.past, kept.outcomes)),
        matured=all_matured(kept.predictions, labels_heard(session), until_ns),
    )
    return watch_run(told, books_of(record, cards_heard(session)), [gate.name for gate in record.gates], settings_of(record)).alarms
