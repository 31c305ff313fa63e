"""An exchange as tests ask for it."""

from __future__ import annotations

from typing import Any

from metastackerbandit.cli.venue_asked import BOTH, Served


def asked(source: str, **changed: Any) -> Served:
    """An exchange of this source on a free port, for no time at all."""
    usual: dict[str, Any] = {
        "port": 0,
        "tls_port": None,
        "speed": None,
        "markets": BOTH,
        "preset": "normal",
        "symbols": (),
        "seed": 1,
        "days": 400,
        "seconds": 0.0,
        "faults": (),
        "source": source,
    }
    return Served(**usual | changed)
