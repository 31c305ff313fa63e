"""The report as PNG files, for a chat or a slide: drawn by matplotlib without a screen, the same bytes for the same run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from itertools import groupby
from typing import Any

import numpy as np

from metastackerbandit.decision.waterfall import notable
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.report.account import thinned
from metastackerbandit.report.charges import KINDS, WORDS
from metastackerbandit.report.facts import Facts
from metastackerbandit.report.looks import BASELINES, COLOURS, LINES, count, named, number, share
from metastackerbandit.report.trades import Traded, candle_words

_INK, _FAINT, _GRID = "#16191d", "#5b6570", "#dfe3e7"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.edgecolor": _GRID,
    "axes.labelcolor": _INK,
    "axes.grid": True,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.7,
    "text.color": _INK,
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "path.simplify": True,
    "text.parse_math": False,
}
_DPI = 130
_WIDE = 11.0  # inches
_MOST_POINTS = 2_000
_MOST_CANDLES = 260  # of a symbol: more are thinner than a pixel
_MOST_SYMBOLS = 4
_DASHES = ("--", ":", "-.", (0, (6, 2)), (0, (1, 1)))


def pictures_of(facts: Facts) -> dict[str, bytes]:
    """PNG by file name."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        return {name: _png(facts, draw(facts)) for name, draw in drawn_of(facts).items()}


def drawn_of(facts: Facts) -> dict[str, Callable[[Facts], Any]]:
    """What draws each picture; what has nothing to show is left out."""
    drawn: dict[str, Callable[[Facts], Any]] = {"funnel.png": _funnel, "gates.png": _gates}
    if len(facts.account.times):
        drawn = {"equity.png": _equity, **drawn, "trades.png": _trades}
    if facts.identity.fills:
        drawn |= {"costs.png": _costs, "exposure.png": _exposure}
    if any(one.bins for one in facts.calibrations):
        drawn["calibration.png"] = _calibration
    return drawn


def _png(facts: Facts, figure: Any) -> bytes:
    """As bytes without a date or a version, under the run's name and above its verdict."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    told = facts.identity
    made = " · MADE MARKET" if told.lineage == "simulated" else ""
    unfinished = f" · {told.state}" if told.unfinished else ""
    figure.suptitle(
        f"{named(told.symbols, 3)} on {', '.join(told.frames)}, {told.arm} · {told.since[:10]} to {told.until[:10]}{made}{unfinished}",
        x=0.012,
        ha="left",
        fontsize=11.5,
        fontweight="bold",
    )
    figure.text(0.012, 0.006, f"{told.mode} run {told.run} · {facts.judged.word.replace('_', ' ')}", color=_FAINT, fontsize=8.5)
    content = BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(content, format="png", dpi=_DPI, metadata={"Software": None})
    return content.getvalue()


def _figure(height: float, rows: int = 1, columns: int = 1, **rest: Any) -> tuple[Any, Any]:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(_WIDE, height), layout=ConstrainedLayoutEngine(rect=(0.0, 0.03, 1.0, 0.965)))
    return figure, figure.subplots(rows, columns, squeeze=False, **rest)


def _times(times: np.ndarray) -> list[datetime]:
    return [datetime.fromtimestamp(int(at) / SECOND_NS, UTC) for at in times]


def _equity(facts: Facts) -> Any:
    account = facts.account
    figure, axes = _figure(5.6, 2, sharex=True, height_ratios=(2.4, 1.0))
    above, below = axes[0, 0], axes[1, 0]
    at, times = thinned(account.equity, _MOST_POINTS), _times
    for place, (name, levels) in enumerate(account.rivals.items()):
        look = {"color": LINES[place % len(LINES)], "linestyle": _DASHES[place % len(_DASHES)]}
        above.plot(times(account.rival_times), levels * account.capital, lw=1.2, label=BASELINES.get(name, name), **look)
    above.plot(times(account.times[at]), account.equity[at], color=_INK, lw=1.8, label="this run")
    chance = facts.chance
    if chance and chance.get("mean") is not None:
        middle, low, high = (account.capital * (1.0 + chance[name]) for name in ("mean", "low", "high"))
        error = [[middle - low], [high - middle]]
        above.errorbar(
            times(account.times[-1:]), [middle], yerr=error, fmt="D", ms=5, capsize=4, color=COLOURS["band"], label="random entries, at the end"
        )
    above.yaxis.set_major_formatter("{x:,.0f}")
    above.set_ylabel(f"equity, {facts.identity.currency}")
    above.legend(ncols=3, loc="best")
    under = thinned(account.drawdown, _MOST_POINTS)
    below.fill_between(times(account.times[under]), -account.drawdown[under] * 100.0, 0.0, color=_GRID, lw=0)
    below.plot(times(account.times[under]), -account.drawdown[under] * 100.0, color=_INK, lw=0.8)
    below.set_ylabel("drawdown, %")
    return figure


def _funnel(facts: Facts) -> Any:
    stages = list(facts.funnel.stages)
    from matplotlib.ticker import NullLocator

    figure, axes = _figure(1.6 + 0.55 * len(stages))
    axis, places = axes[0, 0], np.arange(len(stages))
    for shift, side, counts in ((-0.2, "BUY", facts.funnel.buy), (0.2, "SELL", facts.funnel.sell)):
        values = [counts[stage] for stage in stages]
        axis.barh(places + shift, [max(value, 0.8) if value else 0.0 for value in values], 0.36, color=COLOURS[side], label=side)
        for place, value in zip(places, values, strict=True):
            axis.text(max(value, 0.9), place + shift, f" {count(value)}", va="center", fontsize=9)
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlim(0.8, max(*facts.funnel.buy.values(), *facts.funnel.sell.values(), 1) * 5)
    axis.set_yticks(places, stages)
    axis.invert_yaxis()
    axis.set_xlabel("count (logarithmic)")
    axis.set_title("Where signals ended, by side")
    axis.legend(loc="lower right")
    return figure


def _gates(facts: Facts) -> Any:
    falls, kept = facts.falls, notable(facts.falls)
    names = ["asked for new risk", *(step.gate for step in kept)]
    figure, axes = _figure(1.9 + 0.36 * len(names))
    axis, places = axes[0, 0], np.arange(len(names))
    most = max(falls.buy, falls.sell, 1)
    for side, sign, asked in (("SELL", -1, falls.sell), ("BUY", 1, falls.buy)):
        steps = [step.buy if sign > 0 else step.sell for step in kept]
        left, fell = np.array([asked, *(one.left for one in steps)]), np.array([0, *(one.fell for one in steps)])
        alone = np.minimum([0, *(one.sole for one in steps)], fell)
        axis.barh(places, sign * left, 0.62, color=COLOURS[side], label=f"{side}: left after the gate")
        axis.barh(
            places,
            sign * alone,
            0.62,
            left=sign * left,
            color=COLOURS[side],
            alpha=0.5,
            hatch="///",
            edgecolor="white",
            lw=0,
            label="fell, by it alone",
        )
        axis.barh(places, sign * (fell - alone), 0.62, left=sign * (left + alone), color=COLOURS[side], alpha=0.25, label="fell, others too")
        for place, value in zip(places, left, strict=True):
            axis.text(sign * most * 1.03, place, count(int(value)), va="center", ha="left" if sign > 0 else "right", fontsize=9)
    axis.axvline(0.0, color=_INK, lw=0.8)
    axis.set_xlim(-most * 1.18, most * 1.18)
    axis.set_xticks([-most, 0, most], [count(most), "0", count(most)])
    axis.set_yticks(places, names)
    axis.invert_yaxis()
    axis.set_title(
        f"Wishes for new risk left after each gate: SELL to the left, BUY to the right; nothing fell at {len(falls.steps) - len(kept)} others"
    )
    axis.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.06))
    return figure


def _trades(facts: Facts) -> Any:
    shown = [one for one in facts.traded if len(one.prices.times)][:_MOST_SYMBOLS]
    figure, axes = _figure(0.8 + 3.2 * max(len(shown), 1), max(len(shown), 1))
    for axis, one in zip(axes[:, 0], shown, strict=False):
        _priced(axis, one)
        for side, sign, marker in (("BUY", 1, "^"), ("SELL", -1, "v")):
            for opens in (True, False):
                marks = [mark for mark in one.marks if mark.side == sign and mark.opens is opens]
                if marks:
                    face = COLOURS[side] if opens else "none"
                    where = _times(np.array([mark.at_ns for mark in marks])), [mark.price for mark in marks]
                    axis.scatter(*where, marker=marker, s=30, facecolors=face, edgecolors=COLOURS[side], lw=1.1, zorder=3)
        axis.set_ylabel(f"{one.symbol}, {facts.identity.currency}")
        axis.set_title(
            f"{one.symbol}: {one.fills:,} fills ({len(one.marks):,} drawn); up bought, down sold; full enters, hollow leaves", fontsize=9.5
        )
    if len(facts.traded) > len(shown):
        axes[-1, 0].set_xlabel(f"{len(facts.traded) - len(shown)} more symbols are on the page")
    return figure


def _priced(axis: Any, one: Traded) -> None:
    """Ranges of a few candles each as bars, with the closes as a line."""
    prices = one.prices
    if prices.candles and len(prices.times):
        starts = np.arange(0, len(prices.times), max(-(-len(prices.times) // _MOST_CANDLES), 1))
        at = _times(prices.times[starts])
        axis.vlines(at, np.minimum.reduceat(prices.low, starts), np.maximum.reduceat(prices.high, starts), color="#c3cad1", lw=2.2)
        axis.set_xlabel(f"ranges of {_together(prices.times, starts)} candles of {candle_words(prices)} each")
    axis.plot(_times(prices.times), prices.close, color=_FAINT, lw=0.8)


def _together(times: np.ndarray, starts: np.ndarray) -> int:
    """How many candles a range stands for."""
    return int(starts[1] - starts[0]) if len(starts) > 1 else len(times)


def _costs(facts: Facts) -> Any:
    found = facts.charges
    figure, axes = _figure(4.2)
    axis, times = axes[0, 0], _times(found.times)
    for place, kind in enumerate(KINDS):
        words = f"{WORDS[kind]}: {number(found.totals[kind])}"
        axis.step(times, found.paid[kind], where="post", color=LINES[place], linestyle=("-", *_DASHES)[place], lw=1.5, label=words)
    total = np.sum([found.paid[kind] for kind in KINDS], axis=0)
    axis.step(times, total, where="post", color=_INK, lw=1.9, label=f"all: {number(found.total)}")
    of = f"{share(found.share, 1)} of the profit before costs" if found.share is not None else "there was no profit before costs"
    axis.set_title(f"Costs paid so far: {of}")
    axis.set_ylabel(facts.identity.currency)
    axis.legend(loc="upper left")
    return figure


def _exposure(facts: Facts) -> Any:
    account = facts.account
    figure, axes = _figure(3.6)
    axis, at = axes[0, 0], thinned(account.net, _MOST_POINTS)
    times = _times(account.times[at])
    axis.fill_between(times, account.gross[at], 0.0, step="post", color=LINES[0], alpha=0.35, lw=0, label="gross")
    axis.step(times, account.net[at], where="post", color=LINES[1], lw=1.1, label="net")
    axis.set_ylabel("x equity")
    axis.set_title("Exposure")
    axis.legend(loc="upper left")
    return figure


def _calibration(facts: Facts) -> Any:
    frames = [list(group) for _, group in groupby(facts.calibrations, key=lambda one: one.frame)]
    frames = [both for both in frames if any(one.bins for one in both)]
    figure, axes = _figure(4.6, 1, len(frames))
    for axis, both in zip(axes[0], frames, strict=True):
        seen = [value for one in both for found in one.bins for value in (found.said, found.came)]
        axis.plot([min(seen), max(seen)], [min(seen), max(seen)], color=_FAINT, lw=1.0, linestyle="--", label="as said")
        for one, side, marker in zip(both, ("BUY", "SELL"), ("o", "s"), strict=True):
            x, y = [found.said for found in one.bins], [found.came for found in one.bins]
            spans = [
                (found.came - (found.came if found.low is None else found.low), (found.came if found.high is None else found.high) - found.came)
                for found in one.bins
            ]
            axis.errorbar(
                x, y, yerr=np.array(spans).T, fmt=f"{marker}-", ms=5, lw=0.9, capsize=2, color=COLOURS[side], label=f"{one.of}: {one.bars:,} bars"
            )
        axis.set_xlabel("chance that was said")
        axis.set_ylabel("share that came")
        axis.set_title(f"{both[0].frame}, 95 % intervals")
        axis.legend(loc="upper left")
    return figure
