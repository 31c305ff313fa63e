"""How long to wait before the next attempt: exponential, bounded, with jitter; what went well for a while begins anew. Pure."""

from __future__ import annotations

from msgspec import Struct

from metastackerbandit.runtime.settings import BackoffSettings

_MOST_DOUBLINGS = 40


class Backoff(Struct):
    """Attempts that failed in a row."""

    failed: int = 0

    def wait_s(self, settings: BackoffSettings, draw: float, lasted_s: float = 0.0) -> float:
        """Seconds to wait, after an attempt that stood for `lasted_s` before it ended; `draw` in [0, 1) is chance."""
        if lasted_s >= settings.stable_s:
            self.failed = 0
        whole = min(settings.first_s * 2.0 ** min(self.failed, _MOST_DOUBLINGS), settings.most_s)
        self.failed += 1
        return whole * (1.0 - settings.jitter * draw)

    def succeeded(self) -> None:
        """Begin anew."""
        self.failed = 0
