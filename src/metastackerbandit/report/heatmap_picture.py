"""A heatmap of the order book as a picture: what rested at which price, second by second, and to which side it leaned."""

from __future__ import annotations

import math
from io import BytesIO
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.report.looks import amount_words

_DPI, _WIDE, _HIGH = 130, 12.0, 8.4
_LABELS = {"imbalance": "bids less asks, share", "volume": "resting", "spread": "spread, bps"}


class HeatmapFacts(Struct, frozen=True, eq=False):
    """What the picture shows of an instrument's newest seconds, oldest first.

    `times` (T,) Unix seconds; `mids` (T,) and `bucket` in quote currency; `centres` (T,) the middle's absolute bucket; `bids` and `asks` (T, C)
    what rests by relative bucket in quote currency; `values` (T, 2R + 1) the chosen `metric`; `leaning` (T,) the headline imbalance.
    """

    symbol: str
    quote: str
    source: str
    metric: str
    times: np.ndarray
    mids: np.ndarray
    centres: np.ndarray
    bucket: float
    bids: np.ndarray
    asks: np.ndarray
    values: np.ndarray
    leaning: np.ndarray


def heatmap_picture(facts: HeatmapFacts) -> bytes:
    """PNG bytes, the same for the same facts."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from metastackerbandit.report.pictures import STYLE

    with rc_context(STYLE):
        figure = Figure(figsize=(_WIDE, _HIGH), dpi=_DPI, layout="constrained")
        top, middle, bottom = figure.subplots(3, 1, height_ratios=(3.2, 1.7, 1.0), sharex=True)
        _resting(figure, top, facts)
        _chosen(figure, middle, facts)
        _leaning(bottom, facts)
        figure.suptitle(
            f"{facts.symbol} order book, {_clock(facts.times[0])} to {_clock(facts.times[-1], day=False)} UTC", x=0.012, ha="left", fontsize=12
        )
        held = BytesIO()
        FigureCanvasAgg(figure).print_png(held, metadata={"Software": None})
        return held.getvalue()


def _resting(figure: Any, axes: Any, facts: HeatmapFacts) -> None:
    """Amounts at absolute prices, with the middle price on top."""
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_title(f"what rests, by {facts.bucket:g} {facts.quote} of price; the line is the middle price")
    known = ~np.isnan(facts.mids)
    if not known.any():
        axes.text(0.5, 0.5, "no second with a book that can be trusted", ha="center", transform=axes.transAxes)
        return
    amounts = facts.bids + facts.asks
    radius = amounts.shape[1] // 2
    low, high = int(facts.centres[known].min()) - radius, int(facts.centres[known].max()) + radius
    grid = np.full((high - low + 1, len(facts.times)), math.nan)
    for t in np.flatnonzero(known):
        first = int(facts.centres[t]) - radius - low
        grid[first : first + amounts.shape[1], t] = amounts[t]
    grid[grid <= 0] = math.nan
    if np.isnan(grid).all():
        axes.text(0.5, 0.5, "what rests in these buckets is not known: narrower ones reach less far", ha="center", transform=axes.transAxes)
        return
    bounds = np.nanquantile(grid, (0.05, 0.995))
    prices = np.arange(low, high + 2) * facts.bucket
    norm = LogNorm(max(bounds[0], 1e-9), max(bounds[1], bounds[0] * 1.01, 2e-9), clip=True)
    mesh = axes.pcolormesh(_edges(facts), prices, grid, cmap="magma", norm=norm, rasterized=True)
    axes.plot(_moments(facts), facts.mids, color="#7fe3ff", linewidth=1.2)
    axes.set_facecolor("#0b0b12")
    axes.grid(False)
    axes.set_ylabel(facts.quote)
    bar = figure.colorbar(mesh, ax=axes, pad=0.01, aspect=24)
    bar.set_label(f"{facts.quote} in a bucket")
    bar.ax.yaxis.set_major_formatter(lambda value, _: amount_words(value))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))


def _chosen(figure: Any, axes: Any, facts: HeatmapFacts) -> None:
    """The metric that was asked for. The imbalance is told by distance, since a bucket of one book holds bids or asks alone."""
    radius = facts.values.shape[1] // 2
    if facts.metric == "imbalance":
        middle = facts.bids.shape[1] // 2
        below, above = facts.bids[:, middle - radius : middle + 1][:, ::-1], facts.asks[:, middle : middle + radius + 1]
        values = np.divide(below - above, below + above, out=np.full_like(below, math.nan), where=below + above > 0)
        first, limits, colours = 0, {"vmin": -1.0, "vmax": 1.0}, "RdBu"
        axes.set_title("imbalance by distance: bids so many buckets below the middle less asks as many above")
    else:
        values, first, limits, colours = facts.values, -radius, {}, "viridis"
        axes.set_title(f"{facts.metric} by buckets from the middle")
    mesh = axes.pcolormesh(_edges(facts), np.arange(first, radius + 2) - 0.5, values.T, cmap=colours, rasterized=True, **limits)
    axes.grid(False)
    axes.set_ylabel("buckets")
    bar = figure.colorbar(mesh, ax=axes, pad=0.01, aspect=14)
    bar.set_label(_LABELS[facts.metric] + (f", {facts.quote}" if facts.metric == "volume" else ""))
    if facts.metric == "volume":
        bar.ax.yaxis.set_major_formatter(lambda value, _: amount_words(value))


def _leaning(axes: Any, facts: HeatmapFacts) -> None:
    """The headline imbalance and its average over a quarter of a minute."""
    axes.set_title("imbalance of the nearest buckets: above 0 more is bid for than offered")
    moments = _moments(facts)
    axes.plot(moments, facts.leaning, color="#9aa4ae", linewidth=0.8, label="each second")
    averaged = [_mean(facts.leaning[max(t - 14, 0) : t + 1]) for t in range(len(facts.leaning))]
    axes.plot(moments, averaged, color="#b4311e", linewidth=1.4, label="over 15 s")
    axes.axhline(0.0, color="#5b6570", linewidth=0.7)
    axes.set_ylim(-1.05, 1.05)
    axes.legend(loc="upper left", ncols=2)
    axes.set_xlabel(f"seconds, from {_clock(facts.times[0])} UTC; {facts.source}")


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def _moments(facts: HeatmapFacts) -> np.ndarray:
    return facts.times - facts.times[0] + 0.5


def _edges(facts: HeatmapFacts) -> np.ndarray:
    return np.arange(len(facts.times) + 1)


def _clock(second: int, *, day: bool = True) -> str:
    text = str(np.datetime64(int(second), "s"))
    return text.replace("T", " ") if day else text[11:]
