"""A timeframe is a bar size on the UTC clock."""

from __future__ import annotations

from metastackerbandit.domain.errors import ConfigRefused

MILLI_NS = 1_000_000
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS
YEAR_NS = 31_557_600 * SECOND_NS  # Julian year: 365.25 days; crypto trades on all of them
DAYS_A_YEAR = YEAR_NS / DAY_NS

FRAMES: dict[str, int] = {
    "1s": SECOND_NS,
    "1m": MINUTE_NS,
    "5m": 5 * MINUTE_NS,
    "15m": 15 * MINUTE_NS,
    "30m": 30 * MINUTE_NS,
    "1h": HOUR_NS,
    "4h": 4 * HOUR_NS,
    "12h": 12 * HOUR_NS,
    "24h": DAY_NS,
}


def frame_ns(frame: str) -> int:
    """Length of a frame's bar in ns; `1d` is accepted for `24h`."""
    length = FRAMES.get("24h" if frame == "1d" else frame)
    if length is None:
        raise ConfigRefused(f"unknown timeframe {frame!r}", mend=f"use one of {', '.join(FRAMES)}")
    return length


def frame_name(length_ns: int) -> str:
    """Name of a bar length, such as `5m`."""
    for name, length in FRAMES.items():
        if length == length_ns:
            return name
    raise ConfigRefused(f"no timeframe has bars of {length_ns / SECOND_NS:g} s", mend=f"use one of {', '.join(FRAMES)}")


def bars_a_year(length_ns: int) -> float:
    """Bars of this length in a Julian year."""
    return YEAR_NS / length_ns
