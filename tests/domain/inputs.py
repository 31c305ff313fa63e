"""A small schema and inputs of it, for tests of what every schema must do."""

from __future__ import annotations

from typing import Any

import numpy as np

from metastackerbandit.domain.input_schema import Block, InputSchema
from metastackerbandit.domain.model_input import ModelInput

BARS = Block("bars", ("time", "channel"), (300, 2), "sigma", "bars", "no bar", ("log_return", "range"), 300, "range", odd=("log_return",))
BOOK = Block("book", ("channel", "time", "bucket"), (2, 300, 5), "log", "book", "no book", ("volume", "traded"), 300, "volume")
SHARE = Block("share", ("channel",), (2,), "-1..1", "imbalance", "unknown", ("fast", "slow"), low=-1.0, high=1.0)
SAID = Block("predictions", ("model", "channel"), (2, 3), "probability", "words", "silent", ("p_down", "p_flat", "p_up"))
SCHEMA = InputSchema(1, (BARS, BOOK, SHARE, SAID))
AT = 1_700_000_000 * 10**9
MASKED = {"bars": 0, "book": 0}


def given_input(frames: dict[str, int] | None = None, **changes: Any) -> ModelInput:
    """An input whose blocks along time have so many of their newest frames (all, where nothing is said), everything else known."""
    values, valid = {}, {}
    for block in SCHEMA.blocks:
        array = np.full(block.shape, 0.5, np.float32)
        missing = 300 - (frames or {}).get(block.name, 300)
        axis = block.axis("time")
        if axis is not None:
            np.moveaxis(array, axis, 0)[:missing] = np.nan
        values[block.name], valid[block.name] = array, ~np.isnan(array)
    fields: dict[str, Any] = {
        "symbol": "ETHUSDT",
        "at_ns": AT,
        "schema": SCHEMA,
        "values": values,
        "valid": valid,
        "known_ns": dict.fromkeys(SCHEMA.names, AT - 1),
        "models": ("cnn",),
        "bucket": 1.0,
        "price": 2_000.0,
        "freshness": 0.9,
        "consistency": 1.0,
        "lineage": "recorded",
    }
    return ModelInput(**(fields | changes))
