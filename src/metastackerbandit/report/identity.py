"""What was run: on what, with what, from when to when, and how far it came."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.decision.explain_text import utc_text
from metastackerbandit.domain.timeframe import DAY_NS, frame_name
from metastackerbandit.report.reading import Reading

UNFINISHED = {
    "running": "This run has no end in the journal: it still goes on, or its process was killed. Everything below is what it had written by then.",
    "failed": "This run failed. Everything below is what it had written by then.",
    "stopped": "This run was stopped before its data ended. Everything below is of the part that it traded.",
}
_SHORT = 16  # characters of a hash that a page shows
_SETTINGS = ("taker_fee_bps", "maker_fee_bps", "half_spread_bps", "slippage_bps", "impact_coefficient")


class Spoke(Struct, frozen=True):
    """One series of models: its versions that answered, the bars of the run's frames that they answered, and from when to when (UTC text)."""

    series: str
    versions: int
    bars: int
    since: str
    until: str


class Identity(Struct, frozen=True):
    """A run at a glance; times are UTC text, `capital` in `currency`; `unfinished` is empty for a run that came to its end."""

    run: int
    mode: str
    lineage: str
    driver: str
    state: str
    unfinished: str
    venue: str
    market: str
    symbols: tuple[str, ...]
    frames: tuple[str, ...]
    arm: str
    since: str
    until: str
    days: float
    decisions: int
    orders: int
    fills: int
    round_trips: int
    capital: float
    currency: str
    costs: dict[str, float]
    fill: str
    models: tuple[Spoke, ...]
    silent: dict[str, int]
    source: str
    data_digest: str
    config_hash: str
    code: str
    identity: str
    notices: tuple[str, ...]


def identity_of(reading: Reading) -> Identity:
    """From the run's record and its rows; counts are of rows that are in the journal."""
    row, config, decided = reading.row, reading.config, reading.decided
    first = int((decided["closed_ns"] - decided["frame_ns"]).min()) if len(decided) else 0
    last = int(decided["closed_ns"].max()) if len(decided) else 0
    lengths = sorted({row.frame_of(book) for book in range(len(row.instruments))})
    return Identity(
        run=row.run,
        mode=row.mode,
        lineage=row.lineage,
        driver=row.driver,
        state=row.state,
        unfinished=UNFINISHED.get(row.state, ""),
        venue=row.instruments[0].venue,
        market=row.instruments[0].market,
        symbols=tuple(dict.fromkeys(row.symbols)),
        frames=tuple(frame_name(length) for length in lengths),
        arm=row.arm,
        since=minute(first) if len(decided) else "",
        until=minute(last) if len(decided) else "",
        days=(last - first) / DAY_NS,
        decisions=len(decided),
        orders=len(reading.signals.orders),
        fills=len(reading.fills),
        round_trips=len(reading.trips),
        capital=float(config.account.deposit),
        currency=reading.currency,
        costs={name: float(getattr(config.costs, name)) for name in _SETTINGS},
        fill=str(config.simulation.fill),
        models=_spoke(reading),
        silent=_silent(reading),
        source=row.source.replace("\\", "/").rstrip("/").rpartition("/")[2],
        data_digest=row.digest[:_SHORT],
        config_hash=row.config_hash[:_SHORT],
        code=row.code,
        identity=row.identity,
        notices=row.notices,
    )


def minute(at_ns: int) -> str:
    """A time as UTC text to the minute."""
    return utc_text(at_ns)[:16].replace("T", " ")


def _spoke(reading: Reading) -> tuple[Spoke, ...]:
    """Series by name; a version's number is what follows the last dash of its name."""
    said = reading.predictions
    awake = said[said["silence"] == 0]
    by_series: dict[str, list[int]] = {}
    for place in np.unique(awake["version"]).tolist():
        model = reading.row.models[place] if 0 <= place < len(reading.row.models) else "unnamed"
        name, _, number = model.rpartition("-")
        by_series.setdefault(name if number.isdecimal() else model, []).append(place)
    found = []
    for series, places in sorted(by_series.items()):
        own = awake[np.isin(awake["version"], places)]
        closed = own["closed_ns"]
        found.append(Spoke(series, len(places), len(own), minute(int(closed.min())), minute(int(closed.max()))))
    return tuple(found)


def _silent(reading: Reading) -> dict[str, int]:
    """Bars met with silence, by reason."""
    from metastackerbandit.domain.prediction import SILENCES

    said: Any = reading.predictions["silence"]
    return {SILENCES[int(code)]: int(count) for code, count in zip(*np.unique(said[said != 0], return_counts=True), strict=True)}
