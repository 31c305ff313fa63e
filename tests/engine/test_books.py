"""Books: several frames of several symbols on one account, each with a state of its own."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.decision.settings import REGIMES, DecisionSettings
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.sink import Kept
from metastackerbandit.engine.settings import AccountSettings, EngineSettings
from metastackerbandit.execution.settings import ExecutionSettings
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.risk.settings import SizingSettings
from tests.covering import covers
from tests.markets import ARMS_ON_BARS, by_block, by_stream, generated, recorded, same_bytes
from tests.predicted import predictions_of

FRAMES = ("5m", "15m", "1h", "4h")
APART = EngineSettings(  # fixed sizes on an account that no book can strain, so that books have only the account's numbers in common
    account=AccountSettings(deposit="100000000"),
    sizing=SizingSettings(mode="quantity", quantity="0.02"),
    execution=ExecutionSettings(max_orders_a_day=10_000, min_change_bps=0.0),
    exits=ExitSettings(stop_bps=150.0, target_bps=200.0),
)
COUNTERS = ("decision", "order", "fill_id", "entry", "trip", "reference", "equity")  # numbers that an account gives in order, and its money


def predictions_of_books(recording: Recording, frames: tuple[str, ...], seed: int) -> tuple[np.ndarray, ...]:
    """What each symbol's model says on each frame, one array a book."""
    told = {frame: predictions_of(recording, frame, seed + place) for place, frame in enumerate(frames)}
    parts: list[np.ndarray] = []
    for s in range(len(recording.bars)):
        for frame in frames:
            rows = told[frame][s].copy()
            rows["instrument"] = len(parts)
            parts.append(rows)
    return tuple(parts)


def of_book(kept: Kept, book: int, name: str) -> np.ndarray:
    """One book's rows without the account's numbers."""
    rows = getattr(kept, name)
    own = rows[rows["instrument"] == book].copy()
    for field in (*COUNTERS, "instrument"):
        if field in own.dtype.names:
            own[field] = 0
    return own


@st.composite
def opinions(draw: st.DrawFn) -> DecisionSettings:
    """Settings that reach what is learned from closed bars: vetoes, levels, contexts."""
    return DecisionSettings(
        consensus=draw(st.sampled_from(["soft", "hard", "off"])),
        veto_unearned=draw(st.booleans()),
        min_mood=draw(st.sampled_from([0.0, 0.5])),
        max_mood_age_bars=draw(st.sampled_from([0.0, 2.0])),
        allow_model_only_when_mood_neutral=draw(st.booleans()),
        unknown_passes=draw(st.sampled_from([(), ("mood", "regime")])),
        conformal_gamma=draw(st.sampled_from([0.0, 0.1])),
        allowed_regimes=draw(st.sampled_from([REGIMES, REGIMES[:4]])),
    )


@covers("1.24", "1.26", "1.30", "A26", "A35", "A43")
@settings(max_examples=8)
@given(seed=st.integers(0, 1_000), arm=st.sampled_from([name for name in ARMS_ON_BARS if name != "random_entries"] + ["model"]))
def test_four_frames_of_two_symbols_leave_what_each_leaves_alone(seed: int, arm: str) -> None:
    recording = generated(seed, 1_000, holes=0.1, funded=True)
    said = predictions_of_books(recording, FRAMES, seed) if arm == "model" else ()
    together, _ = by_block(recording, FRAMES, arm, APART, predictions=said)
    for place, frame in enumerate(FRAMES):
        alone_said = tuple(_as(said[s * len(FRAMES) + place], s) for s in range(2)) if said else ()
        alone, _ = by_block(recording, frame, arm, APART, predictions=alone_said)
        for s in range(2):
            for name in ("decisions", "orders", "fills", "trips"):
                ours, theirs = of_book(together, s * len(FRAMES) + place, name), of_book(alone, s, name)
                assert ours.tobytes() == theirs.tobytes(), f"{name} of {frame}, symbol {s}"


def _as(rows: np.ndarray, instrument: int) -> np.ndarray:
    copied = rows.copy()
    copied["instrument"] = instrument
    return copied


@covers("A35", "2.138")
@settings(max_examples=10)
@given(seed=st.integers(0, 1_000), arm=st.sampled_from(["sma_cross", "reversal", "model", "posterior"]), fill=st.booleans(), given_=opinions())
def test_both_drivers_agree_to_the_bit_on_several_frames_and_a_mood(seed: int, arm: str, fill: bool, given_: DecisionSettings) -> None:
    recording = generated(seed, 300, holes=0.2 if fill else 0.0, funded=True, moody=True)
    settled = EngineSettings(decision=given_)
    said = predictions_of_books(recording, ("5m", "1h"), seed)
    chosen = ("model", "momentum") if arm == "posterior" else ()
    hears = said if arm in ("model", "posterior") else ()
    block, result = by_block(recording, ("5m", "1h"), arm, settled, predictions=hears, arms=chosen)
    stream, driver = by_stream(recording, ("5m", "1h"), arm, settled, predictions=hears, arms=chosen)
    same_bytes(block, stream)
    for name, array in zip(result.world._fields, result.world, strict=True):
        assert array.tobytes() == getattr(driver.engine.world, name).tobytes(), name
    lean, _ = by_block(recording, ("5m", "1h"), arm, settled, predictions=hears, arms=chosen, lean=True)
    same_bytes(block, lean, ("orders", "fills", "ledger", "trips"))


def test_opposite_views_of_one_symbol_are_held_at_once_and_money_is_conserved() -> None:
    recording = recorded(("BTCUSDT",), count=3_000)
    kept, result = by_block(recording, ("5m", "1h"), "sma_cross", APART)
    fast, slow = (kept.decisions[kept.decisions["instrument"] == book] for book in range(2))
    at = np.searchsorted(slow["closed_ns"], fast["closed_ns"], side="right") - 1
    assert np.any((fast["position"] > 0) & (slow["position"][np.maximum(at, 0)] < 0) & (at >= 0))
    account = result.world.account[0]
    columns = ("cash", "position", "realised", "fees", "funding", "transfers")
    assert all(sum(int(entry[name]) for name in columns) == 0 for entry in kept.ledger)
    assert sum(int(entry["cash"]) for entry in kept.ledger) == int(account.cash)
