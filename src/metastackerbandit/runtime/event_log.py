"""What happened to a live run, each thing with its time: connections, books, orders, rules, the venue's clock; records in a file of the run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from metastackerbandit.runtime.feed_events import FeedEvent
from metastackerbandit.storage.record_log import LogForm, RecordLog, read_records

EVENTS = LogForm(b"MSBE", 1, "event", FeedEvent)


def event_log_path(home: Path, run: int) -> Path:
    """Where the events of a run are."""
    return home / "inputs" / f"run={run}.events"


class EventLog(RecordLog[FeedEvent]):
    """A run's events, to be written."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, EVENTS)


def read_events(path: Path) -> Iterator[FeedEvent]:
    """The events of a log, in the order in which they happened, as far as they are whole. Raises as `read_records`."""
    return read_records(path, EVENTS)
