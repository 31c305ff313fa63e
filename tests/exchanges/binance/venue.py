"""The maker of Binance's frames, under the name that tests know it by."""

from __future__ import annotations

from metastackerbandit.simulation.binance_frames import START_NS, STEP_NS, Told, Venue, written

__all__ = ["START_NS", "STEP_NS", "Told", "Venue", "written"]
