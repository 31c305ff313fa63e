"""The mood beside the opinion: it shrinks a size, stops a trade only by a right that it earned, and never touches what is held."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.rows import ENTER, EXIT, HOLD, INCREASE
from metastackerbandit.domain.sink import Kept
from metastackerbandit.engine.gates import GATE_NAMES
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.stacking.names import ARM_NAMES
from metastackerbandit.stacking.settings import ArmSettings, Momentum, PosteriorSettings, RandomEntries
from tests.covering import covers
from tests.markets import by_block, generated
from tests.predicted import predictions_of

QUICK = settings(max_examples=12)
BAR_NS = 300 * 10**9
GUESSING = ArmSettings(random_entries=RandomEntries(mean_bars=6.0))


def column(name: str) -> int:
    """A gate's place in the trace."""
    return GATE_NAMES.index(name)


def moody(recording: Recording, mood: np.ndarray | float, every: int = 1) -> Recording:
    """The recording with this mood (one a bar of the first symbol) at the closes of every so many bars."""
    series = []
    for bars, rows in zip(recording.bars, recording.mood, strict=True):
        assert rows is not None
        own = rows[: len(bars)].copy()
        own["at_ns"] = bars["closed_ns"]
        own["mood"] = mood
        own["mirror"] = -own["mood"]
        series.append(own[::every])
    return structs.replace(recording, mood=tuple(series))


def guessed(recording: Recording, arms: ArmSettings = GUESSING, **decision: Any) -> tuple[Kept, Any]:
    """A run of random entries under these settings of decision."""
    chosen = EngineSettings(decision=DecisionSettings(**decision), arms=arms)
    return by_block(recording, "5m", "random_entries", chosen)


def seer(recording: Recording, horizon: int = 12) -> np.ndarray:
    """A mood (T,) that knows the next hour of the first symbol."""
    closes = recording.bars[0]["close"].astype(np.float64)
    ahead = np.concatenate((closes[horizon:], np.full(horizon, closes[-1])))
    return np.sign(ahead - closes)


@covers("2.110", "1.12")
def test_a_mood_against_the_side_takes_a_quarter_of_the_size_and_the_gate_shows_the_agreement() -> None:
    """Opinion and mood are two sources: half of them disagree, and the penalty is one half."""
    recording = generated(21, 400, symbols=1, moody=True)
    kept, _ = guessed(moody(recording, 1.0))
    entered = np.flatnonzero((kept.decisions["kind"] == ENTER) & (kept.decisions["sent"] != 0))
    sides = kept.decisions["side"][entered]
    assert {1, -1} == set(sides.tolist())
    assert (kept.decisions["alpha"][entered] == np.where(sides > 0, 1.0, 0.75)).all()
    assert (kept.observed[entered, column("consensus")] == np.where(sides > 0, 1.0, 0.5)).all()
    assert (kept.verdict[entered, column("consensus")] == PASS).all()
    off, _ = guessed(moody(recording, 1.0), consensus="off")
    assert (off.verdict[:, column("consensus")] == NA).all() and set(off.decisions["alpha"].tolist()) <= {0.0, 1.0}


@covers("A01", "1.12")
def test_the_mood_that_is_always_positive_stops_every_sell_only_as_the_predecessor_let_it() -> None:
    """137 BUY and no SELL, while one signal in seven said SELL: here half of them do."""
    recording = moody(generated(22, 3_000, symbols=1, moody=True), 0.7)
    as_it_was, _ = guessed(recording, consensus="hard", veto_unearned=True)
    asked = as_it_was.decisions["asks_risk"] != 0
    sells = asked & (as_it_was.decisions["side"] == -1)
    assert sells.sum() > 300
    assert (as_it_was.verdict[sells, column("consensus")] == BLOCK).all()
    assert (as_it_was.decisions["position"] > 0).any() and not (as_it_was.decisions["position"] < 0).any()
    as_it_is, result = guessed(recording, consensus="hard")
    assert (as_it_is.decisions["position"] < 0).any()
    assert not (as_it_is.verdict[:, column("consensus")] == BLOCK).any()
    standing = result.world.seats[0].mood_standing
    assert (standing.ups, standing.downs) == (200, 0)


@covers("1.12")
def test_a_mood_that_was_right_on_both_sides_stops_what_it_opposes_once_it_has_shown_it() -> None:
    recording = generated(23, 3_000, symbols=1, moody=True)
    told = moody(recording, seer(recording))
    hard, _ = guessed(told, consensus="hard")
    asked = hard.decisions["asks_risk"] != 0
    opposed = asked & (hard.decisions["side"] * seer(recording)[: len(asked)] < 0)
    verdict = hard.verdict[:, column("consensus")]
    first = int(np.flatnonzero(verdict == BLOCK)[0])
    assert 200 <= first < 1_000
    late = opposed & (np.arange(len(asked)) > first + 200)
    assert late.sum() > 100 and (verdict[late] == BLOCK).mean() > 0.8  # not while a trend makes its last 200 one-sided
    agreed = asked & ~opposed
    assert not (verdict[agreed] == BLOCK).any()
    stopped = verdict == BLOCK
    assert (hard.limit[stopped, column("consensus")] == 1.0).all() and (hard.observed[stopped, column("consensus")] == 0.5).all()
    assert (hard.verdict[late & ~stopped, column("consensus")] == PASS).all() and (hard.limit[late & ~stopped, column("consensus")] == 0.0).all()
    soft, _ = guessed(told, consensus="soft")
    assert not (soft.verdict[:, column("consensus")] == BLOCK).any()


@covers("A05")
@QUICK
@given(seed=st.integers(0, 10_000), flips=st.booleans())
def test_a_veto_never_flattens(seed: int, flips: bool) -> None:
    """What is held is left only when the arm leaves it, or by its own exits: as without any mood."""
    recording = generated(seed, 500, symbols=1, moody=True)
    turning = moody(recording, np.where(np.random.default_rng(seed).random(500) < 0.5, 1.0, -1.0))
    kept, _ = guessed(turning, consensus="hard", veto_unearned=True, reversal="flip" if flips else "through_flat")
    decisions = kept.decisions
    stopped = kept.verdict[:, column("consensus")] == BLOCK
    assert (stopped & (decisions["position"] != 0)).any()
    assert not np.isin(decisions["kind"][stopped], (ENTER, INCREASE)).any()
    left = stopped & (decisions["kind"] == EXIT)
    assert (decisions["side"][left] != np.sign(decisions["position"][left])).all()  # it was the arm that left
    held = stopped & (decisions["kind"] == HOLD)
    assert (decisions["wanted"][held] == decisions["position"][held] + decisions["pending"][held]).all()


@covers("A06", "A16", "A27")
def test_a_mood_is_known_for_so_many_bars_and_not_one_longer() -> None:
    recording = generated(24, 300, symbols=1, moody=True)
    for bars in (0.0, 1.0, 3.0):
        kept, _ = guessed(moody(recording, 1.0, every=5), max_mood_age_bars=bars)
        age = np.arange(300) % 5
        verdict = kept.verdict[:, column("mood")]
        assert (verdict[age <= bars] == PASS).all() and (verdict[age > bars] == UNKNOWN).all()
        asked = (kept.decisions["asks_risk"] != 0) & (age > bars)
        assert not (kept.decisions["kind"][asked] == ENTER).any()
        assert (kept.observed[age > bars, column("consensus")][kept.decisions["side"][age > bars] != 0] == 1.0).all()  # asleep, it has no weight
    lenient, _ = guessed(moody(recording, np.nan), unknown_passes=("mood",))
    assert (lenient.verdict[:, column("mood")] == UNKNOWN).all() and len(lenient.fills) > 0


@covers("2.110")
def test_a_neutral_mood_stops_nothing_unless_it_may_not_be_overruled() -> None:
    recording = moody(generated(25, 300, symbols=1, moody=True), np.where(np.arange(300) % 2 == 0, 0.12, -0.1199))
    alone, _ = guessed(recording, min_mood=0.12, consensus="hard", veto_unearned=True)
    both, _ = guessed(recording, min_mood=0.12, consensus="hard", veto_unearned=True, allow_model_only_when_mood_neutral=False)
    even = np.arange(300) % 2 == 0
    assert (alone.verdict[:, column("mood")] == PASS).all()
    assert (both.verdict[even, column("mood")] == PASS).all() and (both.verdict[~even, column("mood")] == BLOCK).all()
    sold = alone.decisions["side"] == -1
    assert (alone.verdict[sold & even, column("consensus")] == BLOCK).all()  # exactly at the band it names a side
    assert (alone.verdict[sold & ~even, column("consensus")] == PASS).all()


@covers("A24")
def test_a_model_is_no_second_source_of_its_own_opinion_and_one_beside_a_rule() -> None:
    recording = generated(26, 1_200, symbols=1)
    told = predictions_of(recording, "5m", 26, silent=0.1, missing=0.0)
    own, _ = by_block(recording, "5m", "model", EngineSettings(), predictions=told)
    assert (own.verdict[:, column("consensus")] == NA).all()
    eager = PosteriorSettings(prior_count=1.0, enter=0.51, stay=0.5, strength=5.0)
    chosen = EngineSettings(posterior=eager, arms=ArmSettings(momentum=Momentum(length=3)))
    kept, _ = by_block(recording, "5m", "posterior", chosen, predictions=told, arms=("model", "momentum"))
    rule = kept.decisions["arm"] == ARM_NAMES.index("momentum")
    sided = rule & (np.abs(kept.decisions["side"]) == 1)
    agreement = kept.observed[sided, column("consensus")]
    assert set(agreement.tolist()) == {0.5, 1.0}
    assert (kept.verdict[~rule, column("consensus")] == NA).all()


@covers("A34")
@QUICK
@given(seed=st.integers(0, 10_000), after=st.integers(250, 400), arm=st.sampled_from(["random_entries", "model"]))
def test_neither_vetoes_nor_levels_know_what_comes_later(seed: int, after: int, arm: str) -> None:
    recording = moody(generated(seed, 450, symbols=1, moody=True), np.random.default_rng(seed).normal(size=450))
    told = predictions_of(recording, "5m", seed) if arm == "model" else ()
    chosen = EngineSettings(decision=DecisionSettings(consensus="hard", conformal_gamma=0.1), arms=GUESSING)
    clean, _ = by_block(recording, "5m", arm, chosen, predictions=told)
    bars, mood = recording.bars[0].copy(), recording.mood[0].copy()  # type: ignore[union-attr]
    for name in ("open", "high", "low", "close"):
        bars[name][after:] = bars[name][after:] * 3 + 17
    mood["mood"][after:] = -mood["mood"][after:] * 5
    dirty, _ = by_block(structs.replace(recording, bars=(bars,), mood=(mood,)), "5m", arm, chosen, predictions=told)
    known_ns = bars["known_ns"][after - 1]
    count = int((clean.decisions["at_ns"] <= known_ns).sum())
    assert count > 200
    for name in ("decisions", "observed", "limit", "verdict"):
        assert getattr(clean, name)[:count].tobytes() == getattr(dirty, name)[:count].tobytes()
