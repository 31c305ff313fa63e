"""Two drivers, one engine: streaming and block leave the same rows, to the bit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metastackerbandit.decision.settings import REGIMES, DecisionSettings
from metastackerbandit.domain.inputs import Control
from metastackerbandit.domain.sink import Kept
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.risk.settings import RiskSettings, SizingSettings
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.stacking.catalog import ARMS
from tests.covering import covers
from tests.markets import ARMS_ON_BARS, START_NS, by_block, by_stream, generated, recorded, same_bytes
from tests.predicted import predictions_of

ROWS_OF_TRADES = ("orders", "fills", "ledger", "trips", "controls")
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def engine_settings(draw: st.DrawFn) -> EngineSettings:
    """Settings that reach every branch: sizes, exits, reversals."""
    return EngineSettings(
        sizing=SizingSettings(
            mode=draw(st.sampled_from(["volatility", "fraction", "notional", "quantity"])),
            quantity="0.02",
            resize_band=draw(st.sampled_from([0.0, 0.25])),
        ),
        exits=ExitSettings(
            stop_bps=draw(st.sampled_from([None, 0.0, 40.0, 300.0])),
            target_bps=draw(st.sampled_from([None, 0.0, 60.0])),
            trail_bps=draw(st.sampled_from([None, 80.0])),
            max_bars=draw(st.sampled_from([None, 0, 7])),
        ),
        decision=DecisionSettings(reversal=draw(st.sampled_from(["through_flat", "flip"]))),
    )


@covers("2.138", "A34", "A35")
@QUICK
@given(
    seed=st.integers(0, 10_000),
    arm=st.sampled_from([arm.name for arm in ARMS]),
    frame=st.sampled_from(["5m", "15m", "1h"]),
    market=st.sampled_from(["spot", "perp"]),
    holes=st.sampled_from([0.0, 0.15]),
    fill=st.sampled_from(["next_open", "close"]),
    latency_ms=st.sampled_from([0.0, 250.0, 400_000.0]),
    chosen=engine_settings(),
    booked=st.booleans(),
)
def test_streaming_equals_block_on_generated_markets(
    seed: int, arm: str, frame: str, market: str, holes: float, fill: str, latency_ms: float, chosen: EngineSettings, booked: bool
) -> None:
    recording = generated(seed, 220, market=market, holes=holes, funded=market == "perp", booked=booked or arm == "book_pressure")
    simulation = SimulationSettings(fill=fill, latency_ms=latency_ms)  # type: ignore[arg-type]
    controls = (
        Control(START_NS + 40 * 300 * 10**9, "pause"),
        Control(START_NS + 60 * 300 * 10**9, "resume"),
        Control(START_NS + 180 * 300 * 10**9, "kill"),
    )
    block, result = by_block(recording, frame, arm, chosen, simulation, controls)
    stream, driver = by_stream(recording, frame, arm, chosen, simulation, controls)
    same_bytes(block, stream)
    assert driver.engine.world.seats.tobytes() == result.world.seats.tobytes()
    assert driver.engine.world.account.tobytes() == result.world.account.tobytes()


@covers("2.138")
@pytest.mark.parametrize("arm", ARMS_ON_BARS)
def test_streaming_equals_block_on_recorded_candles(arm: str) -> None:
    recording = recorded(("BTCUSDT", "ETHUSDT", "SOLUSDT"), first=20_000, count=1_500)
    chosen = EngineSettings()
    block, _ = by_block(recording, "5m", arm, chosen)
    stream, _ = by_stream(recording, "5m", arm, chosen)
    assert len(block.decisions) == 4_500
    assert len(block.fills) > 0
    same_bytes(block, stream)


@QUICK
@given(seed=st.integers(0, 10_000), arm=st.sampled_from(ARMS_ON_BARS), chosen=engine_settings())
def test_a_lean_block_leaves_out_rows_and_changes_nothing(seed: int, arm: str, chosen: EngineSettings) -> None:
    recording = generated(seed, 300)
    full, result = by_block(recording, "5m", arm, chosen)
    lean, lean_result = by_block(recording, "5m", arm, chosen, lean=True)
    same_bytes(full, lean, ROWS_OF_TRADES)
    assert result.curve.tobytes() == lean_result.curve.tobytes()
    assert result.world.account.tobytes() == lean_result.world.account.tobytes()


def digest_of_a_run() -> str:
    """A hash over every row of a small run, for comparison between processes."""
    import hashlib

    chosen = EngineSettings(
        exits=ExitSettings(stop_bps=60.0, target_bps=90.0, trail_bps=80.0, max_bars=9), decision=DecisionSettings(reversal="flip")
    )
    total = hashlib.sha256()
    for arm in ARMS_ON_BARS:
        kept, _ = by_block(generated(3, 90, holes=0.1, funded=True), "15m", arm, chosen)
        for name in Kept.__struct_fields__:
            total.update(getattr(kept, name).tobytes())
    learning = DecisionSettings(consensus="hard", conformal_gamma=0.1, allowed_regimes=REGIMES[:5], unknown_passes=("mood", "regime"))
    chosen = EngineSettings(exits=chosen.exits, decision=learning)
    recording = generated(3, 260, holes=0.1, funded=True, moody=True)
    told = predictions_of(recording, "5m", 3, others=("1h", "15m"))
    for opinion in ("model", "aligned", "posterior", "random_entries"):
        hears = () if opinion == "random_entries" else told
        kept, _ = by_block(recording, "5m", opinion, chosen, predictions=hears, frames=("15m", "1h"), arms=("model", "aligned", "momentum"))
        for name in Kept.__struct_fields__:
            total.update(getattr(kept, name).tobytes())
    beside = EngineSettings(risk=RiskSettings(max_gross_exposure=0.2, max_loss_streak=2, correlation_warm_up=20, max_volatility_ratio=1.1))
    kept, _ = by_block(generated(3, 90, symbols=3, holes=0.1), ("5m", "15m"), "sma_cross", beside)
    for name in Kept.__struct_fields__:
        total.update(getattr(kept, name).tobytes())
    return total.hexdigest()


@pytest.mark.parametrize("flags", [{"NUMBA_DISABLE_JIT": "1"}, {"NUMBA_BOUNDSCHECK": "1", "NUMBA_OPT": "0"}])
def test_plain_python_and_bounds_checked_kernels_give_the_same_bits(flags: dict[str, str]) -> None:
    """Indices are checked in code that is not optimised: it compiles in less time, and optimising may not change a bit either."""
    answer = subprocess.run(
        [sys.executable, "-c", "from tests.engine.test_parity import digest_of_a_run; print(digest_of_a_run())"],
        env=os.environ | flags,
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2_000:]
    assert answer.stdout.strip() == digest_of_a_run()
