"""Cards and versions for tests of the registry: a sound one, with changes."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from metastackerbandit.domain.card import ModelCard, Score, Waiver, model_id
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.storage.fitness import Use

NOW_NS = 1_800_000_000 * 10**9
FILES = {"stack.json": b'{"weights": [0.4, 0.6]}\n', "lightgbm.model": b"tree\nversion=v4\n", "calibrator": bytes(range(256))}
USE = Use("BTCUSDT", "5m", 12, "feedfacefeedface", "0123456789abcdef", "BINANCE", "perp")

_SOUND = ModelCard(
    model_id="",
    series="",
    version=1,
    family="stack",
    symbols=("BTCUSDT",),
    venue="BINANCE",
    market="perp",
    frame="5m",
    horizon=12,
    width=1.2,
    label_hash=USE.label_hash,
    feature_hash=USE.feature_hash,
    features=("log_return_1", "log_return_12"),
    data_digest="d1",
    trained_from_ns=0,
    trained_until_ns=1_000,
    n_rows=40_000,
    n_eff=12_000.0,
    rung="full stack",
    size=1.0,
    effective_dof=14.0,
    dof_budget=19.2,
    share_up=0.51,
    parity=3e-8,
    mirror_error=0.0,
    is_mirrored=True,
    calibrator="temperature",
    calibration_slope=0.9,
    scores=(Score("gain", "mnats", 2.1, 0.8, 3.4), Score("auc_up", "", 0.53, math.nan, math.nan)),
    learners=("logistic", "lightgbm"),
    weights=(0.4, 0.6),
    seed=7,
    trials=3,
    created_ns=NOW_NS - 10 * DAY_NS,
    code="1.0+abc",
    libraries={"lightgbm": "4.7.0"},
    files=(),
)


def card(series: str = "stack-5m-BTCUSDT-0a1b2c3d4e", version: int = 1, **changed: Any) -> ModelCard:
    """A sound card of a series' version, trained until 1,000 ns times its version unless told otherwise."""
    given = {"series": series, "version": version, "model_id": model_id(series, version), "trained_until_ns": 1_000 * version, **changed}
    return msgspec.structs.replace(_SOUND, **given)


def waiver(name: str, check: str, *, days: float = 7, given_ns: int = NOW_NS) -> Waiver:
    """Permission for some days."""
    return Waiver(model_id=name, check=check, until_ns=given_ns + int(days * DAY_NS), who="trader", why="shadow until the refit", given_ns=given_ns)
