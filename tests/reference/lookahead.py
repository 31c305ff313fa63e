"""The same leaks before two judges: freqtrade's look-ahead analysis of a strategy, and our leakage checks of the same column.

    python -m tests.reference.lookahead          run both again on the same candles, and hold the kept file against freqtrade's answers
    python -m tests.reference.lookahead write    the same, and write the file anew

freqtrade runs a strategy on all candles and again on candles cut after a trade, and compares trades and columns. We replace what follows a moment
by other valid candles, and compare the column at every bar known by then. A strategy's extra condition is the column (`asked` in
benchmarks/peers/freqtrade/strategies/leaks.py), written here once more over arrays.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from scipy.signal import lfilter

from metastackerbandit.bench.peers import Playing
from metastackerbandit.domain.timeframe import HOUR_NS
from metastackerbandit.storage.candles import load_recording
from metastackerbandit.training.leakage.examine import examine
from metastackerbandit.training.leakage.pipeline import Features, Floats, Market, Pipeline
from metastackerbandit.training.leakage.settings import LeakageSettings
from metastackerbandit.training.leakage.shipped import market_of, shipped_pipeline
from tests.shared import shared_data

KEPT = Path(__file__).with_name("lookahead.json")
ROWS, TRADES, LEAST = 2_000, 20, 5  # the other tool's usual number of trades; fewer than LEAST, and it says nothing
SPARSE, SPANS = "WeeklySlip", 8  # a leak at one hour a week, and the spans of ROWS candles in which it is looked for
FRAME = "1h"
Column = Callable[[np.ndarray], Floats]


class Leak(Struct, frozen=True):
    """A strategy of the other tool, what is planted in it, the canary of ours that plants the same, and the column (N,) of closed bars (N,)."""

    strategy: str
    what: str
    canary: str
    column: Column
    is_honest: bool = False


def _closes(bars: np.ndarray) -> Floats:
    return bars["close"].astype(float)


def _ago(values: Floats, bars: int) -> Floats:
    """Values so many bars ago; negative: ahead. NaN where there are none."""
    shifted = np.full(len(values), np.nan)
    if abs(bars) < len(values):
        if bars >= 0:
            shifted[bars:] = values[: len(values) - bars]
        else:
            shifted[:bars] = values[-bars:]
    return shifted


def _holds(condition: np.ndarray) -> Floats:
    return condition.astype(float)


def honest(bars: np.ndarray) -> Floats:
    close = _closes(bars)
    return _holds(close > _ago(close, 5))


def smoothed(bars: np.ndarray) -> Floats:
    """The sign of an average of span 10 over one of 30, each begun with the first close."""
    close = _closes(bars)
    fast, slow = (lfilter([share], [1.0, share - 1.0], close, zi=[(1.0 - share) * close[0]])[0] for share in (2.0 / 11.0, 2.0 / 31.0))
    return _holds(fast > slow)


def shifted(bars: np.ndarray) -> Floats:
    close = _closes(bars)
    return _holds(_ago(close, -1) > close)


def scaled(bars: np.ndarray) -> Floats:
    close = _closes(bars)
    move = close / _ago(close, 5) - 1.0
    return _holds((move - np.nanmean(move)) / np.nanstd(move) > 0.0) if len(close) > 6 else np.zeros(len(close))


def merged(bars: np.ndarray) -> Floats:
    close, group = _closes(bars), bars["opened_ns"] // (4 * HOUR_NS)
    _, place = np.unique(group, return_inverse=True)
    first, last = np.searchsorted(group, np.unique(group)), np.searchsorted(group, np.unique(group), side="right") - 1
    return _holds((close[last] > bars["open"][first])[place])


def filled(bars: np.ndarray) -> Floats:
    """The next hour that is there stands for those that are not."""
    close = _closes(bars)
    there = ~np.isin(bars["opened_ns"] // HOUR_NS % 24, (7, 8))
    after = np.minimum.accumulate(np.where(there, np.arange(len(close)), len(close))[::-1])[::-1]
    whole = np.append(close, np.nan)[after]
    return _holds(whole > _ago(whole, 5))


def target(bars: np.ndarray) -> Floats:
    close = _closes(bars)
    return _holds(_ago(close, -12) / close - 1.0 > 0.0)


def whole_sample(bars: np.ndarray) -> Floats:
    return _holds(_closes(bars) > 0.9 * bars["high"].max())


def centred(bars: np.ndarray) -> Floats:
    high = bars["high"].astype(float)
    around = np.stack([_ago(high, bars_ago) for bars_ago in (-2, -1, 0, 1, 2)])
    return _holds(high == around.max(axis=0))


def thin(bars: np.ndarray) -> Floats:
    close, told = _closes(bars), honest(bars)
    week = (bars["opened_ns"] >= WEEK_NS) & (bars["opened_ns"] < WEEK_NS + 168 * HOUR_NS)
    return np.where(week, _holds(_ago(close, -6) > close), told)


def slipping(bars: np.ndarray) -> Floats:
    told = honest(bars)
    at_end_of_week = (bars["closed_ns"] // HOUR_NS - 4 * 24) % 168 == 0  # the epoch began on a Thursday
    ahead = np.nan_to_num(_ago(told, -1))
    return np.where(at_end_of_week, ahead, told)


WEEK_NS = 1_707_667_200 * 10**9  # 2024-02-11 16:00 UTC, amid the candles

LEAKS: tuple[Leak, ...] = (
    Leak("Honest", "nothing: averages of 10 and 30 closes", "", honest, True),
    Leak("HonestSmoothed", "nothing: averages that never end", "", smoothed, True),
    Leak("OneBarShift", "a column shifted by one bar from the future", "one_bar_shift", shifted),
    Leak("FutureScaler", "a column scaled by mean and deviation of all rows", "future_scaler", scaled),
    Leak("HigherFrameMerge", "a longer bar merged by the time it opened", "higher_frame_merge", merged),
    Leak("FutureFill", "two hours a day filled from behind", "future_fill", filled),
    Leak("TargetInFeatures", "the return of the next twelve bars as a column", "target_in_features", target),
    Leak("WholeSample", "a price against the highest of all rows", "", whole_sample),
    Leak("CentredWindow", "swing highs from bars on both sides", "", centred),
    Leak("ThinStretch", "a look six bars ahead in one week alone", "a canary at random", thin),
    Leak("WeeklySlip", "the next bar taken for this one at one hour a week", "", slipping),
    Leak("Unused", "a look ahead that no signal asks", "", shifted),
    Leak("LeakingExit", "an exit that looks one bar ahead", "", shifted),
)

SPARSE_LEAK = next(leak for leak in LEAKS if leak.strategy == SPARSE)

ELSEWHERE = {
    "label_overlap": "a rule has no labels and no folds",
    "resample_edge": "bars are given to a strategy, it does not stamp them",
    "in_sample_stack": "a rule has no stack",
}
"""Canaries of ours that a strategy has no stage for."""


class Judged(Struct, frozen=True):
    """What our checks said of one column: those that found something, and the first finding in words."""

    strategy: str
    by: tuple[str, ...]
    finding: str


def candles_path() -> Path:
    """The file whose first ROWS candles both judge; ours are read by symbol, from this file and the one that goes on from it."""
    return shared_data() / "klines" / "binance_spot_1h" / "BTCUSDT_2024-2026.parquet"


@cache
def _all_candles() -> Market:
    recording = load_recording(shared_data() / "klines" / "binance_spot_1h", ("BTCUSDT",), market="spot", instruments_file=None, funding=None)
    return market_of(recording, 0, HOUR_NS, len(recording.bars[0]))


def market(span: int = 0) -> Market:
    """The candles that both judge, as our checks read them: the first ROWS of the file, or a later span."""
    whole = _all_candles()
    return replace(whole, candles=whole.candles[span * ROWS : (span + 1) * ROWS])


def _with(honest_one: Pipeline, column: Column) -> Pipeline:
    """A pipeline whose only feature is the column, over all bars and as it would be served."""

    def features(_: Market, bars: np.ndarray[Any, Any]) -> Features:
        return Features(bars["closed_ns"].astype(np.int64), bars["known_ns"].astype(np.int64), column(bars)[:, None], ("asked",))

    def serve(_: Market, bars: np.ndarray[Any, Any]) -> Features:
        values = np.array([column(bars[: n + 1])[-1:] for n in range(len(bars))])
        return Features(bars["closed_ns"].astype(np.int64), bars["known_ns"].astype(np.int64), values, ("asked",))

    return replace(honest_one, features=features, serve=serve)


def judged(leak: Leak, given: Market, settings: LeakageSettings, seed: int = 1) -> Judged:
    """Our checks of features on one column."""
    pipeline = shipped_pipeline(FRAME)
    examined = examine(_with(pipeline, leak.column), (given,), settings, seed, judged=pipeline)
    findings = examined.findings
    return Judged(leak.strategy, tuple(check.name for check in examined.checks if not check.passed), findings[0].what if findings else "")


def theirs(strategies: list[str], span: int = 0) -> tuple[dict[str, Any], dict[str, str]]:
    """freqtrade's own answers by strategy, and the versions that gave them."""
    job = {
        "candles": {"BTC/USDT": str(candles_path())},
        "timeframe": FRAME,
        "from": span * ROWS,
        "rows": ROWS,
        "strategies": strategies,
        "trades": TRADES,
        "least": LEAST,
    }
    with Playing("freqtrade") as playing:
        versions = playing.prepare("lookahead", job)
        return playing.run()["answer"], versions


def kept() -> dict[str, Any]:
    """The file: versions, freqtrade's answers by strategy, and those to the sparse one in each span."""
    decoded: dict[str, Any] = msgspec.json.decode(KEPT.read_bytes())
    return decoded


def rerun(write: bool = False) -> list[str]:
    """Run freqtrade again; what differs from the file, which is written anew where that is asked."""
    answers, versions = theirs([leak.strategy for leak in LEAKS])
    spans = [theirs([SPARSE], span)[0][SPARSE] for span in range(SPANS)]
    if write:
        file = {"versions": versions, "answers": answers, "spans": spans}
        KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n")
        return []
    wrong = [f"{name}: {answers[name]} for {told}" for name, told in kept()["answers"].items() if answers[name] != told]
    return wrong + [f"span {n}: {spans[n]} for {told}" for n, told in enumerate(kept()["spans"]) if spans[n] != told]


def main(arguments: list[str]) -> int:
    """Run both, tell, and fail where the file is not what freqtrade says now."""
    wrong = rerun("write" in arguments)
    given = market()
    for leak in LEAKS:
        ours = judged(leak, given, LeakageSettings())
        told = kept()["answers"][leak.strategy]
        print(f"{leak.strategy:18} freqtrade {'bias' if told['has_bias'] else 'none':5} ours {', '.join(ours.by) or 'none':18} {ours.finding[:90]}")
    for line in wrong:
        print(f"wrong: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
