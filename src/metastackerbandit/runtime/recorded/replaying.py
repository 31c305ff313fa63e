"""A recording as columns that can be replayed, and those columns as a recording again: the same to the bit as a replay of the capture."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import InstrumentRefused, UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.recording import QualityIssue, Recording
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.market.settings import QualitySettings
from metastackerbandit.runtime.capture_check import CheckedCapture, check_capture
from metastackerbandit.runtime.capture_recording import best_bid, heard_in, left_out_notices, recording_of_seconds
from metastackerbandit.runtime.capture_rules import is_inverse
from metastackerbandit.storage.instruments import rules_of_capture
from metastackerbandit.storage.market_columns import Stored
from metastackerbandit.storage.replay_columns import Recorded, Series, chosen, read_replay, series_in, write_replay

_LEAST = 2  # bars without which there is nothing to trade


def store_replay(
    home: Path, capture: Capture, instruments: Sequence[Instrument], dealt: Collection[str], checked: CheckedCapture, settings: QualitySettings
) -> tuple[list[Stored], list[QualityIssue]]:
    """Store what a replay hears of the instruments that it can trade: those with trades (`dealt`, symbols) and with a book at the end, settled in
    quote currency. Issues name those without rules."""
    ruled: list[Instrument] = []
    seen: list[Instrument] = []
    issues: list[QualityIssue] = []
    for one in instruments:
        price = best_bid(checked, one.symbol)
        if price is None or one.symbol not in dealt or is_inverse(one):
            continue
        try:
            ruled.append(rules_of_capture(one, price, None, is_exact=capture.is_rows)[0])
            seen.append(one)
        except InstrumentRefused as error:
            issues.append(QualityIssue("not_replayable", "low", one.symbol, f"{error.what}: it is stored, and cannot be replayed from columns"))
    if not ruled:
        return [], issues
    if len(seen) < len(instruments):
        checked = check_capture(capture, seen, settings)  # as a replay of these alone
    heard = heard_in(capture, ruled, checked.ahead_ns, settings)
    times = int(capture.received_ns[0]), int(capture.received_ns[-1]), checked.ahead_ns
    stored: list[Stored] = []
    for s, one in enumerate(ruled):
        if len(heard.bars[s]) >= _LEAST and len(heard.seconds[s]):
            recorded = Recorded(*times, heard.late[s], heard.refused[s], s)
            stored += write_replay(home, one, heard.bars[s], heard.seconds[s], recorded)
    return stored, issues


def recording_of_columns(
    path: Path, symbols: Sequence[str], since_ns: int | None = None, until_ns: int | None = None, instruments_file: Path | None = None
) -> Recording:
    """The stored columns of these symbols (none named: of all) as a recording; what opens at or after `since_ns` and closes by `until_ns`.

    Raises:
        NotFound: a symbol is not there.
        DataRefused: its columns do not go together.
        UsageError: several venues or markets are there, or nothing in that time.
        InstrumentRefused: the file's rules are in other steps than the columns.
    """
    home, found = series_in(path)
    series = chosen(found, symbols)
    bars: list[np.ndarray] = []
    seconds: list[np.ndarray] = []
    rules: list[Instrument] = []
    for s, one in enumerate(series):
        own, heard = (_within(rows, since_ns, until_ns) for rows in read_replay(home, one))
        if len(own) < _LEAST:
            what = f"{one.instrument.symbol} has {len(own)} bars of a second in that time"
            raise UsageError(what, where="--since, --until", mend="`msb data sql` tells what there is: SELECT min(day), max(day) FROM replay_bars")
        heard["instrument"] = s
        bars.append(own)
        seconds.append(heard)
        price = float(own["close"][-1]) * float(one.instrument.tick_size)
        rules.append(one.instrument if instruments_file is None else rules_of_capture(one.instrument, price, instruments_file, is_exact=True)[0])
    notices = [notice for one, own in zip(series, bars, strict=True) for notice in _notices(one, own)]
    return recording_of_seconds(rules, tuple(bars), tuple(seconds), str(path), tuple(dict.fromkeys(notices)))


def _within(rows: np.ndarray, since_ns: int | None, until_ns: int | None) -> np.ndarray:
    """The rows (N,) of a second each that begin and end between two times."""
    kept = np.ones(len(rows), np.bool_)
    if since_ns is not None:
        kept &= rows["closed_ns"] - SECOND_NS >= since_ns
    if until_ns is not None:
        kept &= rows["closed_ns"] <= until_ns
    return rows[kept]


def _notices(series: Series, bars: np.ndarray) -> list[str]:
    """What a report must say of an instrument's columns: how its rules were found, clocks that were behind, trades that are in no bar."""
    one = series.instrument
    first_ns, last_ns = int(bars["opened_ns"][0]), int(bars["known_ns"][-1])
    mine = [part for part in series.recorded if part.last_ns + part.ahead_ns >= first_ns and part.first_ns <= last_ns]
    told = []
    if one.source == "inferred":
        told.append(f"{one.symbol}: rules inferred from the recording (tick {one.tick_size}, lot {one.lot_size}, limits as of most pairs)")
    ahead = [part.ahead_ns for part in mine if part.ahead_ns]
    if ahead:
        how_many = f"in {len(ahead)} of {len(mine)} recordings, by at most {max(ahead) / 1e6:,.1f} ms"
        what = f"{one.symbol}: the recorder's clock was behind the venue's {how_many}"
        told.append(f"{what}: all in them is taken to have come so much later, so the quickest frame took no time")
    return [*told, *left_out_notices(one.symbol, sum(part.late for part in mine), sum(part.refused for part in mine))]
