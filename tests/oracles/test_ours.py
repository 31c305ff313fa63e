"""Our side of the comparison: what is told of a run is what happened in it, candle by candle."""

from __future__ import annotations

from pathlib import Path

from msgspec import structs

from metastackerbandit.bench.wide import Rule
from oracles.corners import BOTH, CORNERS, FLIPPED, GAPPED, ORDERED_FIRST, SAME_CANDLE, corners
from oracles.ours import MADE_BASE_NS, play, recording_of
from oracles.scenes import MADE_NS, Scene, Ticks
from tests.covering import covers

LAST_MOVE = Rule("sma_cross", fast=1, slow=2, stop_bps=100.0)  # long after a rising close, short after a falling one
START: tuple[Ticks, ...] = (
    (10_000, 10_010, 9_990, 10_000),
    (10_000, 10_060, 9_990, 10_050),
    (10_050, 10_110, 10_040, 10_100),  # long at 10050: stop at 9950, a target of 100 bps at 10151
)
FALLEN: Ticks = (10_100, 10_110, 10_060, 10_080)  # its close asks for the other side


def scene(*after: Ticks, rule: Rule = LAST_MOVE, start: tuple[Ticks, ...] = START) -> Scene:
    return Scene(name="made", rule=rule, market="perp", made=(*start, *after))


def told(made: Scene) -> list[tuple[int, int, int, float, float]]:
    """Trades as candle in, candle out, side, ticks in, ticks out."""
    trades = play(made, recording_of(made, Path()))
    first, last = ((trades[name] - MADE_NS) // MADE_BASE_NS for name in ("opened_ns", "closed_ns"))
    return list(zip(first.tolist(), last.tolist(), trades["side"].tolist(), trades["entry"].tolist(), trades["exit"].tolist(), strict=True))


def counted(made: Scene) -> dict[str, int]:
    recording = recording_of(made, Path())
    return {name: count for name, count in corners(made, recording, play(made, recording)).items() if count}


def test_a_stop_inside_a_candle_belongs_to_that_candle_and_one_at_a_gap_to_the_next() -> None:
    inside = scene((10_100, 10_110, 9_950, 10_105))
    gapped = scene((10_100, 10_110, 9_951, 10_105), (9_940, 9_960, 9_930, 9_950))
    assert told(inside) == [(2, 3, 1, 10_050.0, 9_950.0)] and counted(inside) == {}
    assert told(gapped) == [(2, 4, 1, 10_050.0, 9_940.0)] and counted(gapped) == {GAPPED: 1}


def test_a_stop_in_the_candle_of_the_entry_belongs_to_it() -> None:
    made = scene((10_100, 10_110, 10_090, 10_105), start=(*START[:2], (10_050, 10_110, 9_950, 10_100)))
    assert told(made) == [(2, 2, 1, 10_050.0, 9_950.0)]
    assert counted(made) == {SAME_CANDLE: 1}


def test_of_stop_and_target_in_one_candle_the_stop_counts() -> None:
    made = scene((10_100, 10_160, 9_950, 10_105), rule=structs.replace(LAST_MOVE, target_bps=100.0))
    assert told(made) == [(2, 3, 1, 10_050.0, 9_950.0)]
    assert counted(made) == {BOTH: 1}


def test_an_order_at_an_open_comes_before_the_stop_that_its_candle_reaches() -> None:
    made = scene(FALLEN, (10_080, 10_090, 9_900, 9_920), (9_920, 9_930, 9_840, 9_850), (9_850, 9_900, 9_840, 9_890), (9_890, 9_900, 9_880, 9_890))
    assert told(made) == [(2, 4, 1, 10_050.0, 10_080.0), (4, 7, -1, 10_080.0, 9_890.0)]
    assert counted(made) == {ORDERED_FIRST: 1, FLIPPED: 1}


@covers("2.127")
def test_a_signal_that_had_changed_before_the_stop_is_not_used_up_by_it() -> None:
    """The word turned at a close; the next open was beyond the stop, which filled in place of the exit; then it turned back: a new signal."""
    back = (9_800, 10_095, 9_790, 10_090), (10_090, 10_100, 10_080, 10_095), (10_095, 10_100, 10_060, 10_070), (10_075, 10_080, 10_060, 10_070)
    made = scene(FALLEN, *back, rule=structs.replace(LAST_MOVE, reversal="through_flat", stop_bps=200.0))
    assert told(made) == [(2, 4, 1, 10_050.0, 9_800.0), (5, 7, 1, 10_090.0, 10_075.0)]


def test_after_a_stop_the_side_waits_until_the_word_has_changed() -> None:
    rising = (10_100, 10_110, 9_940, 10_105), (10_105, 10_120, 10_100, 10_110), (10_110, 10_130, 10_100, 10_120)
    made = scene(*rising, (10_120, 10_130, 10_100, 10_110), (10_110, 10_130, 10_100, 10_120), (10_120, 10_130, 10_100, 10_125))
    assert [one[:3] for one in told(made)] == [(2, 3, 1), (7, 8, -1)]


def test_corners_are_told_by_name() -> None:
    assert CORNERS == (SAME_CANDLE, BOTH, GAPPED, ORDERED_FIRST, FLIPPED)
