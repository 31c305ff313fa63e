"""How often a frame's model is refitted, and how fast its labels age."""

from __future__ import annotations

from msgspec import Struct

from metastackerbandit.domain.timeframe import DAY_NS, frame_name, frame_ns
from metastackerbandit.training.settings import TrainingSettings


class Cadence(Struct, frozen=True):
    """Half-life of a label's weight, time between refits, and how far back a version looks, in ns."""

    half_life_ns: int
    refit_ns: int
    window_ns: int


# frame -> days of half-life (method 1.4), days between refits: about half of one
_DAYS = {
    "1s": (4, 2),
    "1m": (30, 15),
    "5m": (60, 30),
    "15m": (120, 30),
    "30m": (180, 60),
    "1h": (365, 90),
    "4h": (730, 180),
    "12h": (1_095, 180),
    "24h": (1_460, 365),
}


def cadence_of(frame: str, settings: TrainingSettings) -> Cadence:
    """The frame's cadence, with what the settings say instead."""
    half_life, refit = _DAYS[frame_name(frame_ns(frame))]
    half_life_days = settings.half_life_days or half_life
    return Cadence(
        half_life_ns=round(half_life_days * DAY_NS),
        refit_ns=round((settings.refit_days or refit) * DAY_NS),
        window_ns=round(half_life_days * settings.window_half_lives * DAY_NS),
    )
