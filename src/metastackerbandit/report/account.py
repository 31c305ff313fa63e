"""The account through time: equity, drawdown, exposure, and the run's scores, from rows alone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.money import money_digits, money_of
from metastackerbandit.evaluation.account import equity_of, exposure_of, traded_of
from metastackerbandit.evaluation.scores import as_dict, scores
from metastackerbandit.evaluation.verdict import judge
from metastackerbandit.report.reading import Reading
from metastackerbandit.storage.holdings import Course, notionals_at
from metastackerbandit.storage.standing import BESIDE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

COSTS = ("0x", "2x")
UNJUDGED = "No closed bar: nothing can be said."


class Account(Struct, frozen=True, eq=False):
    """An account by closed bar, all (T,): closing times, equity (account currency), drawdown from the peak, gross and net notional over equity.

    `capital` is the deposit; `rivals` are the curves of its baselines, `at_costs` of the run at other costs (0x, 2x): levels as multiples of
    the capital at `rival_times` (ns), as the run kept them.
    """

    times: Ints
    equity: Floats
    drawdown: Floats
    gross: Floats
    net: Floats
    capital: float
    rival_times: Ints
    rivals: dict[str, Floats]
    at_costs: dict[str, Floats]


class Judged(Struct, frozen=True):
    """The verdict in one word and in words, its reasons, what must be said first, and the scores by name (null for what does not exist).

    `is_weighed` tells whether the evidence of a backtest stands behind it.
    """

    word: str
    sentence: str
    reasons: tuple[str, ...]
    headline: str
    scores: dict[str, Any]
    is_weighed: bool


def account_of(reading: Reading) -> Account:
    """The account of a run; empty columns where it decided nothing."""
    capital, digits = float(reading.config.account.deposit), money_digits(reading.currency)
    times, money = equity_of(reading.decided) if len(reading.decided) else (np.zeros(0, np.int64), np.zeros(0, np.int64))
    money = _ended(reading, money)
    equity = money / 10**digits
    levels = money.astype(np.float64)
    peak = np.maximum.accumulate(np.maximum(levels, float(money_of(reading.config.account.deposit, reading.currency))))
    notionals = notionals_at(_course(reading), times)
    safe = np.where(equity > 0.0, equity, np.nan)
    kept = reading.summary.get(BESIDE) or {"at_ns": [], "levels": {}}
    levels_of = {name: np.array(level, np.float64) for name, level in kept["levels"].items()}
    return Account(
        times=times,
        equity=equity,
        drawdown=1.0 - levels / peak,
        gross=np.abs(notionals).sum(axis=1) / safe,
        net=notionals.sum(axis=1) / safe,
        capital=capital,
        rival_times=np.array(kept["at_ns"], np.int64),
        rivals={name: level for name, level in levels_of.items() if name not in COSTS},
        at_costs={name: level for name, level in levels_of.items() if name in COSTS},
    )


def judged(reading: Reading) -> Judged:
    """What the backtest said of itself; of a run that did not, what its rows allow to be said, by the same rules and without evidence."""
    said = reading.summary
    if said.get("verdict"):
        reasons = tuple(said.get("verdict_reasons", ()))
        return Judged(said["verdict"], said["verdict_text"], reasons, said.get("headline") or "", said.get("scores") or {}, is_weighed=True)
    if not len(reading.decided):
        return Judged("UNDERPOWERED", UNJUDGED, (), "", {}, is_weighed=False)
    found = scored(reading)
    verdict = judge(found)
    return Judged(str(verdict.word), verdict.sentence, verdict.reasons, "", as_dict(found), is_weighed=False)


def scored(reading: Reading) -> Any:
    """The scores of a run's rows, as a backtest makes them of the rows in its memory."""
    times, money = equity_of(reading.decided)
    money = _ended(reading, money)
    instruments = reading.row.instruments
    return scores(
        equity=money,
        capital=money_of(reading.config.account.deposit, reading.currency),
        exposure=exposure_of(instruments, reading.decided, times, money),
        traded=traded_of(instruments, reading.fills, times, money),
        trips=reading.trips,
        frame_ns=reading.row.frame_ns,
    )


def thinned(values: Floats, most: int) -> Ints:
    """Places of at most about `most` values (T,) that keep the first, the last, and the least and greatest of every stretch."""
    count = len(values)
    if count <= most:
        return np.arange(count)
    edges = np.linspace(0, count, max(most // 2, 1) + 1).astype(np.int64)
    kept = {0, count - 1}
    for start, stop in pairwise(edges.tolist()):
        part = values[start:stop]
        kept |= {int(start + np.nanargmin(part)), int(start + np.nanargmax(part))} if np.isfinite(part).any() else {int(start)}
    return np.array(sorted(kept), np.int64)


def _ended(reading: Reading, money: Ints) -> Ints:
    """Equity with its last value as the run ended: what came after the last decision, such as funding, counts too."""
    final = reading.summary.get("equity")
    if len(money) and final is not None and reading.row.state in ("finished", "stopped"):
        money[-1] = round(final * 10 ** money_digits(reading.currency))
    return money


def _course(reading: Reading) -> Course:
    rows = reading.decided
    digits = money_digits(reading.currency)
    units = np.array([instrument.rules().unit / 10**digits for instrument in reading.row.instruments])
    return Course(rows[np.argsort(rows["at_ns"], kind="stable")], reading.fills, reading.signals.orders, units, digits)
