"""A label's specification: the defaults of each frame, and a digest that names one specification and one cost."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.label import LabelSpec, label_spec
from metastackerbandit.domain.timeframe import FRAMES

CHANGES: list[dict[str, Any]] = [
    {"frame": "15m"},
    {"horizon": 13},
    {"width": 1.3},
    {"span": 51},
    {"floor_quantile": 0.06},
    {"floor_bars": 5_001},
    {"least_cost_multiple": 2.6},
    {"vertical_share": 0.3},
]


@settings(max_examples=40)
@given(cost_bps=st.floats(0, 500), change=st.sampled_from([{}, *CHANGES]))
def test_a_digest_is_the_hash_of_the_specification_as_json_and_the_cost(cost_bps: float, change: dict[str, Any]) -> None:
    spec = replace(LabelSpec(), **change)
    text = json.dumps(asdict(spec), separators=(",", ":")) + repr(cost_bps)
    assert spec.digest(cost_bps) == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_no_field_and_no_cost_can_change_without_the_digest() -> None:
    """Digests stand on the cards of trained models: the default's is written here, so that a change of it is seen."""
    spec = LabelSpec()
    assert len(CHANGES) == len(asdict(spec))
    digests = {spec.digest(13.0), spec.digest(13.5), *(replace(spec, **change).digest(13.0) for change in CHANGES)}
    assert len(digests) == len(CHANGES) + 2
    assert spec.digest(13.0) == "c66ce62e9a567050"


@pytest.mark.parametrize(
    ("frame", "horizon", "floor_bars"),
    [
        ("1m", 30, 100_000),
        ("5m", 12, 100_000),
        ("15m", 16, 35_064),
        ("30m", 16, 17_532),
        ("1h", 12, 8_766),
        ("4h", 12, 2_191),
        ("12h", 6, 730),
        ("24h", 5, 365),
    ],
)
def test_a_frame_s_floor_looks_back_a_year_of_bars_or_a_hundred_thousand(frame: str, horizon: int, floor_bars: int) -> None:
    assert label_spec(frame) == LabelSpec(frame=frame, horizon=horizon, floor_bars=floor_bars)


def test_every_frame_has_a_specification_and_a_day_has_two_names() -> None:
    assert [label_spec(frame).frame for frame in FRAMES] == list(FRAMES)
    assert label_spec("1d") == label_spec("24h")


def test_another_frame_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigRefused, match=re.escape("unknown timeframe '7m'")) as refused:
        label_spec("7m")
    assert refused.value.mend == f"use one of {', '.join(FRAMES)}"
