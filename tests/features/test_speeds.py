"""One step, two speeds: batch, stream, a restored stream, plain Python and bounds-checked kernels leave the same bits."""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import DataRefused, ModelMismatch
from metastackerbandit.domain.kernel import signatures_of
from metastackerbandit.domain.timeframe import FRAMES, HOUR_NS, MINUTE_NS
from metastackerbandit.features import catalog
from metastackerbandit.features.advance import advance
from metastackerbandit.features.batch import features_over
from metastackerbandit.features.catalog import NAMES
from metastackerbandit.features.stream import FeatureStream
from tests.covering import covers
from tests.features.scenes import FRAME, START_NS, full, funding_for, market, recorded


def streamed(bars: np.ndarray, frame_ns: int, funding: np.ndarray, *, broken_at: int = -1, early: bool = False) -> tuple[bytes, bytes]:
    """Values and masks of a stream; restored into a new one at a bar, settlements told when they happen or as early as the queue allows."""
    stream = FeatureStream(frame_ns, has_volume=True, has_flow=True, has_funding=True)
    values, valid, told = [], [], 0
    for place in range(len(bars)):
        until = bars["known_ns"][place] + (2 * 24 * HOUR_NS if early else 0)
        while told < len(funding) and funding["at_ns"][told] < until:
            stream.on_funding(int(funding["at_ns"][told]), int(funding["rate"][told]))
            told += 1
        if place == broken_at:
            other = FeatureStream(frame_ns, has_volume=True, has_flow=True, has_funding=True)
            other.restore(stream.state())
            assert other.values.tobytes() == stream.values.tobytes() and other.bars == stream.bars
            stream = other
        stream.on_bar(bars, place)
        values.append(stream.values)
        valid.append(stream.valid)
    return np.array(values).tobytes(), np.array(valid).tobytes()


@covers("A22")
@settings(max_examples=20)
@given(
    seed=st.integers(0, 1_000),
    frame=st.sampled_from(sorted(FRAMES)),
    holes=st.sampled_from([0.0, 0.2]),
    broken_at=st.integers(-1, 250),
    early=st.booleans(),
    spoiled=st.booleans(),
)
def test_a_stream_equals_the_batch_to_the_bit(seed: int, frame: str, holes: float, broken_at: int, early: bool, spoiled: bool) -> None:
    frame_ns = FRAMES[frame]
    bars = market(seed, 300, frame_ns=frame_ns, holes=holes)
    if spoiled:
        rng = np.random.default_rng(seed)
        for name in ("volume", "taker_volume", "trades"):
            bars[name][rng.random(len(bars)) < 0.1] = np.nan
        bars["volume"][rng.random(len(bars)) < 0.1] = 0.0
    funding = funding_for(bars, seed, max(8 * HOUR_NS, frame_ns))
    table = features_over(bars, frame_ns, funding, has_volume=True, has_flow=True)
    assert streamed(bars, frame_ns, funding, broken_at=broken_at, early=early) == (table.values.tobytes(), table.valid.tobytes())


@covers("A22")
@pytest.mark.parametrize(
    ("folder", "name", "tick", "frame_ns"),
    [("binance_usdm_5m", "BTCUSDT", 0.1, FRAME), ("binance_usdm_1m_full", "NEARUSDT_2024", 0.0001, MINUTE_NS)],
)
def test_a_stream_equals_the_batch_on_recorded_markets(folder: str, name: str, tick: float, frame_ns: int) -> None:
    bars = recorded(folder, name, tick, frame_ns, 40_000, 3_000)  # in the 1m file the months of March to May are missing after row 41,760
    funding = funding_for(bars)
    table = features_over(bars, frame_ns, funding, has_volume=True, has_flow=True)
    assert streamed(bars, frame_ns, funding, broken_at=1_777) == (table.values.tobytes(), table.valid.tobytes())
    flow = table.valid[1_700, NAMES.index("taker_flow_48")]
    assert flow == (frame_ns == MINUTE_NS)


def test_one_signature_serves_both_speeds() -> None:
    full(market(1, 50))
    FeatureStream(FRAME, has_volume=True, has_flow=True, has_funding=False).on_bar(market(1, 1), 0)
    assert signatures_of(advance) <= 1  # none where kernels are plain functions


def test_a_kernel_stands_after_the_kernels_that_it_calls() -> None:
    """A stamp holds the stamps of what is defined so far: a callee further down would leave a stale binary after an edit."""
    source = Path(catalog.__file__).parent
    for path in (*sorted(source.glob("*.py")), source.parent / "market" / "pivots.py"):
        functions = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef) and node.decorator_list]
        defined_at = {function.name: function.lineno for function in functions}
        for function in functions:
            called = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
            late = [name for name in called if defined_at.get(name, 0) > function.lineno]
            assert not late, f"{path.name}: {function.name} stands before {late}"


def test_a_state_is_refused_where_it_does_not_belong() -> None:
    stream = FeatureStream(FRAME, has_volume=True, has_flow=True, has_funding=True)
    stream.on_bar(market(1, 1), 0)
    state = stream.state()
    for other in (
        FeatureStream(HOUR_NS, has_volume=True, has_flow=True, has_funding=True),
        FeatureStream(FRAME, has_volume=True, has_flow=False, has_funding=True),
    ):
        with pytest.raises(ModelMismatch):
            other.restore(state)
    for broken in (state[:-1], b"0" * len(state), b""):
        with pytest.raises(ModelMismatch):
            stream.restore(broken)


def test_the_last_row_is_the_readers_to_keep() -> None:
    bars = market(1, 2)
    stream = FeatureStream(FRAME, has_volume=True, has_flow=True, has_funding=False)
    stream.on_bar(bars, 0)
    before = stream.values
    known = before.copy()
    stream.on_bar(bars, 1)
    assert before.tobytes() == known.tobytes() != stream.values.tobytes()


def test_broken_bars_and_settlements_are_refused() -> None:
    bars = market(1, 10)
    with pytest.raises(DataRefused, match="out of order"):
        full(bars[::-1])
    with pytest.raises(DataRefused, match="do not last"):
        full(bars, HOUR_NS)
    spoiled = bars.copy()
    spoiled["low"][3] = 0
    with pytest.raises(DataRefused, match="zero or less"):
        full(spoiled)
    funding = funding_for(bars)
    with pytest.raises(DataRefused, match="settlements are out of order"):
        full(bars, funding=funding[::-1])
    flood = np.zeros(200, funding.dtype)
    flood["at_ns"] = START_NS - np.arange(200)[::-1]
    with pytest.raises(DataRefused, match="too many"):
        full(bars, funding=flood)
    stream = FeatureStream(FRAME, has_volume=True, has_flow=True, has_funding=True)
    with pytest.raises(DataRefused, match="too many"):
        for row in flood:
            stream.on_funding(int(row["at_ns"]), int(row["rate"]))


def digest_of_features() -> str:
    """A hash over the features of a short market, for comparison between processes."""
    total = hashlib.sha256()
    for frame in ("5m", "24h"):
        bars = market(9, 220, frame_ns=FRAMES[frame], holes=0.05)
        table = full(bars, FRAMES[frame])
        total.update(table.values.tobytes() + table.valid.tobytes())
    return total.hexdigest()


@pytest.mark.parametrize("flags", [{"NUMBA_DISABLE_JIT": "1"}, {"NUMBA_BOUNDSCHECK": "1", "NUMBA_OPT": "0"}])
def test_plain_python_and_bounds_checked_kernels_give_the_same_bits(flags: dict[str, str]) -> None:
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", "from tests.features.test_speeds import digest_of_features; print(digest_of_features())"],
        env=os.environ | flags,
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2_000:]
    assert answer.stdout.strip() == digest_of_features()
