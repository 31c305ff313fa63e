"""The journal's SQLite tables, made from the row Structs so that a column has one source."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.rows import AlarmRow, ControlRow, FillRow, LedgerRow, OrderRow, OutcomeRow, TripRow

VERSION = 6  # of everything below and of the columns; a journal with a higher one was written by newer code

_PLAIN_NAN = struct.pack("<d", math.nan)

RUNS = """CREATE TABLE IF NOT EXISTS runs (
    run INTEGER PRIMARY KEY, identity TEXT NOT NULL, started_ns INTEGER NOT NULL, ended_ns INTEGER NOT NULL, heartbeat_ns INTEGER NOT NULL,
    pid INTEGER NOT NULL, mode TEXT NOT NULL, driver TEXT NOT NULL, lineage TEXT NOT NULL, state TEXT NOT NULL, config_hash TEXT NOT NULL,
    config TEXT NOT NULL, code TEXT NOT NULL, instruments TEXT NOT NULL, base_ns INTEGER NOT NULL, frame_ns INTEGER NOT NULL, arm TEXT NOT NULL,
    source TEXT NOT NULL, digest TEXT NOT NULL, notices TEXT NOT NULL, gates TEXT NOT NULL, decided INTEGER NOT NULL, summary TEXT NOT NULL,
    models TEXT NOT NULL DEFAULT '[]', predicted INTEGER NOT NULL DEFAULT -1, frames TEXT NOT NULL DEFAULT '[]',
    monitors TEXT NOT NULL DEFAULT '[]', arms TEXT NOT NULL DEFAULT '[]')"""


class Table:
    """One table: a run's rows of one Struct. `key` names the rows of a run; rows without one keep the order of writing."""

    def __init__(self, name: str, row: type[msgspec.Struct], key: str = "", *, last_wins: bool = False) -> None:
        self.name = name
        self.dtype = layout(row)
        self.key = key
        self.columns = tuple(self.dtype.names or ())
        self._floats = tuple(place for place, column in enumerate(self.columns) if self.dtype[column].kind == "f")
        named = ", ".join(f'"{column}"' for column in self.columns)
        self.insert = f"INSERT {'OR REPLACE ' if last_wins else ''}INTO {name} (run, {named}) VALUES (?{', ?' * len(self.columns)})"
        self.columns_of_run = f"SELECT {named} FROM {name} WHERE run = ?"
        self.select = f"{self.columns_of_run} ORDER BY " + (f'"{key}"' if key else "rowid")

    def create(self) -> str:
        """The statement that makes the table; float columns may hold NULL (NaN) or eight bytes (see `_float_out`)."""
        kinds = ", ".join(f'"{column}" {"REAL" if self.dtype[column].kind == "f" else "INTEGER NOT NULL"}' for column in self.columns)
        keyed = f', PRIMARY KEY (run, "{self.key}")' if self.key else ""
        return f"CREATE TABLE IF NOT EXISTS {self.name} (run INTEGER NOT NULL, {kinds}{keyed}){' WITHOUT ROWID' if self.key else ''}"

    def out(self, rows: np.ndarray) -> list[tuple[Any, ...]]:
        """Rows (N,) as SQLite values."""
        if rows.dtype != self.dtype:
            raise TypeError(f"{self.name} takes rows of {self.columns}, not {rows.dtype}")
        values: list[tuple[Any, ...]] = rows.tolist()
        return [self._swap(value, _float_out) for value in values] if self._floats else values

    def back(self, values: Iterable[tuple[Any, ...]]) -> np.ndarray:
        """SQLite values as rows (N,)."""
        given = [self._swap(value, _float_back) for value in values] if self._floats else list(values)
        return np.array(given, self.dtype)

    def _swap(self, value: tuple[Any, ...], change: Any) -> tuple[Any, ...]:
        items = list(value)
        for place in self._floats:
            items[place] = change(items[place])
        return tuple(items)


def _float_out(value: float) -> float | bytes | None:
    """SQLite turns every NaN into NULL and -0.0 into 0: the plain NaN is NULL, so that SQL reads "not known"; the others are their bytes."""
    if math.isnan(value):
        bits = struct.pack("<d", value)
        return None if bits == _PLAIN_NAN else bits
    if value == 0.0 and math.copysign(1.0, value) < 0:
        return struct.pack("<d", value)
    return value


def _float_back(value: float | bytes | None) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bytes):
        return float(struct.unpack("<d", value)[0])
    return value


ORDERS = Table("orders", OrderRow, "order", last_wins=True)
FILLS = Table("fills", FillRow, "fill_id")
LEDGER = Table("ledger", LedgerRow, "entry")
TRIPS = Table("trips", TripRow, "trip")
CONTROLS = Table("controls", ControlRow)

OUTCOMES = Table("outcomes", OutcomeRow)

ALARMS = Table("alarms", AlarmRow)

TABLES = (ORDERS, FILLS, LEDGER, TRIPS, CONTROLS, OUTCOMES, ALARMS)

# What makes a journal of a version into one of the next.
STEPS = {
    1: (
        "ALTER TABLE runs ADD COLUMN models TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE runs ADD COLUMN predicted INTEGER NOT NULL DEFAULT -1",
        """CREATE TABLE IF NOT EXISTS outcomes (run INTEGER NOT NULL, "at_ns" INTEGER NOT NULL, "instrument" INTEGER NOT NULL,
            "arm" INTEGER NOT NULL, "cell" INTEGER NOT NULL, "side" INTEGER NOT NULL, "bars" INTEGER NOT NULL, "outcome" REAL)""",
    ),
    2: (
        "ALTER TABLE runs ADD COLUMN frames TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE runs ADD COLUMN monitors TEXT NOT NULL DEFAULT '[]'",
        ALARMS.create(),
    ),
    3: (
        "ALTER TABLE outcomes ADD COLUMN gate INTEGER NOT NULL DEFAULT -1",
        "ALTER TABLE outcomes ADD COLUMN decision INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE outcomes ADD COLUMN reason INTEGER NOT NULL DEFAULT -1",
        "ALTER TABLE outcomes ADD COLUMN opened_ns INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE outcomes ADD COLUMN lots INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE outcomes ADD COLUMN net INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE outcomes ADD COLUMN net_bps REAL",
    ),
    4: ("ALTER TABLE controls ADD COLUMN instrument INTEGER NOT NULL DEFAULT -1",),
    5: (  # the arms that there were until then, in which rows count
        """ALTER TABLE runs ADD COLUMN arms TEXT NOT NULL DEFAULT
            '["sma_cross","ema_cross","breakout","momentum","reversal","buy_and_hold","random_entries","model","aligned"]'""",
    ),
}
