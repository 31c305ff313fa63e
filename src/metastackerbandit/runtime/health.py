"""What is known of a connection: how late messages are, how many come, how long it stood, when it last spoke. Facts; grading them is another's work.

Latency is receive time less the venue's stamp, both clocks as they are; a ping's round trip is measured by one clock. The two are different things.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.domain.timeframe import SECOND_NS

LATENCIES = 100  # newest ones that mean and quantiles are of
RATED_S = 60  # whole seconds that the rate is over


class HealthRow(Struct, frozen=True):
    """Counts of one connection since the start: `frames`, `bytes_in`, latencies `stamped`, and frames that could not be read, `broken`.

    `heard_ns` is when the newest frame came (0: none ever), `second` the one that it was counted in; `trip_ns` the newest ping's round trip. `up_ns`
    and `down_ns` are whole intervals that are over, `since_ns` when the present one began, `is_up` whether it stands. `attempts` to connect,
    `connected` of them that stood, `drops` of those that ended without our wish.
    """

    frames: int
    bytes_in: int
    stamped: int
    broken: int
    heard_ns: int
    second: int
    trip_ns: int
    up_ns: int
    down_ns: int
    since_ns: int
    is_up: int
    attempts: int
    connected: int
    drops: int


class Health(NamedTuple):
    """Facts of C connections."""

    row: Any  # (C,) HealthRow
    latency: Any  # (C, LATENCIES) int64 ns, a ring
    counts: Any  # (C, RATED_S + 1) int64, frames by second, a ring; the present second stands beside the rated ones


class HealthFacts(Struct, frozen=True):
    """A connection's facts in words' units; None where nothing was ever measured.

    `age_s` is since the newest frame, `rate` frames a second over the last 60 s, `uptime` the share of all time since the start.
    """

    is_up: bool
    frames: int
    bytes_in: int
    broken: int
    rate: float
    age_s: float | None
    latency_ms: float | None  # mean of the newest 100
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    round_trip_ms: float | None
    attempts: int
    connected: int
    drops: int
    uptime: float | None


def empty_health(count: int, now_ns: int) -> Health:
    """Connections that have never stood."""
    made = Health(rows(HealthRow, count), np.zeros((count, LATENCIES), np.int64), np.zeros((count, RATED_S + 1), np.int64))
    made.row["since_ns"] = now_ns
    return made


@kernel
def pass_to(health: Any, c: int, second: int) -> None:
    """Forget the seconds that lie too far back."""
    row = health.row[c]
    counts = health.counts[c]
    if second <= row.second:
        return
    for n in range(max(row.second + 1, second - len(counts) + 1), second + 1):
        counts[n % len(counts)] = 0
    row.second = second


@kernel
def heard(health: Any, c: int, received_ns: int, stamp_ns: int, size: int, is_broken: bool) -> None:
    """A frame of `size` bytes came; `stamp_ns` is the venue's time of it (0: none)."""
    row = health.row[c]
    row.frames += 1
    row.bytes_in += size
    row.broken += 1 if is_broken else 0
    row.heard_ns = max(row.heard_ns, received_ns)
    pass_to(health, c, received_ns // 1_000_000_000)
    health.counts[c, row.second % health.counts.shape[1]] += 1
    if stamp_ns > 0:
        health.latency[c, row.stamped % health.latency.shape[1]] = received_ns - stamp_ns
        row.stamped += 1


def newest_stamp_ns(health: Health, c: int) -> int:
    """The venue's time of the connection's newest frame that was read and had one, 0 where none ever had."""
    row = health.row[c]
    stamped = int(row["stamped"])
    return int(row["heard_ns"]) - int(health.latency[c, (stamped - 1) % LATENCIES]) if stamped else 0


def turned(health: Health, c: int, is_up: bool, now_ns: int) -> None:
    """The connection stands from now on, or does not."""
    row = health.row[c]
    if bool(row["is_up"]) != is_up:
        row["up_ns" if row["is_up"] else "down_ns"] += max(now_ns - int(row["since_ns"]), 0)
        row["since_ns"] = now_ns
        row["is_up"] = is_up


def facts_of(health: Health, c: int, now_ns: int) -> HealthFacts:
    """A connection's facts at a time that is not before its newest frame."""
    pass_to(health, c, now_ns // SECOND_NS)
    row = health.row[c]
    stamped = int(row["stamped"])
    late = health.latency[c, : min(stamped, LATENCIES)] / 1e6
    up_ns, down_ns = int(row["up_ns"]), int(row["down_ns"])
    lasted = max(now_ns - int(row["since_ns"]), 0)
    up_ns, down_ns = (up_ns + lasted, down_ns) if row["is_up"] else (up_ns, down_ns + lasted)
    whole = int(health.counts[c].sum()) - int(health.counts[c, int(row["second"]) % (RATED_S + 1)])
    return HealthFacts(
        is_up=bool(row["is_up"]),
        frames=int(row["frames"]),
        bytes_in=int(row["bytes_in"]),
        broken=int(row["broken"]),
        rate=whole / RATED_S,
        age_s=(now_ns - int(row["heard_ns"])) / SECOND_NS if row["heard_ns"] else None,
        latency_ms=float(late.mean()) if stamped else None,
        latency_p50_ms=_quantile(late, 0.5),
        latency_p99_ms=_quantile(late, 0.99),
        round_trip_ms=int(row["trip_ns"]) / 1e6 if row["trip_ns"] else None,
        attempts=int(row["attempts"]),
        connected=int(row["connected"]),
        drops=int(row["drops"]),
        uptime=up_ns / (up_ns + down_ns) if up_ns + down_ns else None,
    )


def _quantile(values: np.ndarray, share: float) -> float | None:
    value = float(np.quantile(values, share)) if len(values) else math.nan
    return None if math.isnan(value) else value
