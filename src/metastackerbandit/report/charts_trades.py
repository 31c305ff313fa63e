"""Charts of trades: fills on candles, and how results are spread."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from metastackerbandit.report.charts import MS, Chart, chart_of, line, ms, plain, timed
from metastackerbandit.report.facts import Facts
from metastackerbandit.report.looks import COLOURS
from metastackerbandit.report.trades import Traded

BINS = 60  # of a histogram
_ROOM = 1.0 + 1e-9  # so that rounding leaves no value outside the outermost edge


def trades(one: Traded, place: int, currency: str) -> Chart:
    """One symbol's candles (or closes), its fills and the lines of its round trips."""
    prices = one.prices
    if prices.candles:
        columns = {name: getattr(prices, name) for name in ("open", "high", "low", "close")}
        traces: list[dict[str, Any]] = [
            {"type": "candlestick", "x": ms(prices.times), **columns, "name": "price", "meta": "candles", "line": {"width": 1}, "showlegend": False}
        ]
    else:
        traces = [line(ms(prices.times), prices.close, "close", meta="faint", line={"width": 1.2}, showlegend=False)]
    for won, words in ((True, "won"), (False, "lost")):
        own = [trip for trip in one.trips if trip.won is won]
        if own:
            x = [at for trip in own for at in (trip.opened_ns // MS, trip.closed_ns // MS, None)]
            y = [price for trip in own for price in (trip.entry, trip.exit, None)]
            look = {"color": COLOURS[words], "width": 1.6, "dash": "solid" if won else "dot"}
            traces.append({"type": "scatter", "mode": "lines", "x": x, "y": y, "name": f"round trip {words}", "line": look, "hoverinfo": "skip"})
    for side, sign, symbol in (("BUY", 1, "triangle-up"), ("SELL", -1, "triangle-down")):
        for opens in (True, False):
            marks = [mark for mark in one.marks if mark.side == sign and mark.opens is opens]
            if marks:
                traces.append(
                    {
                        "type": "scatter",
                        "mode": "markers",
                        "x": [mark.at_ns // MS for mark in marks],
                        "y": [mark.price for mark in marks],
                        "text": [mark.text.replace("\n", "<br>") for mark in marks],
                        "name": f"{side} to {'enter' if opens else 'leave'}",
                        "marker": {"symbol": symbol if opens else f"{symbol}-open", "size": 9, "color": COLOURS[side], "line": {"width": 1.5}},
                        "hovertemplate": "%{text}<br>%{x|%Y-%m-%d %H:%M:%S} UTC<extra></extra>",
                    }
                )
    layout = timed(f"price, {currency}")
    layout["yaxis"]["hoverformat"] = f",.{prices.digits}f"
    layout["xaxis"]["rangeslider"] = {"visible": False}
    layout["hovermode"] = "closest"
    return chart_of(f"trades-{place}", traces, layout, 430)


def results(facts: Facts) -> Chart:
    """How net results of round trips are spread."""
    bps = facts.bps
    edges = bin_edges(bps)
    counts = np.histogram(bps, edges)[0]
    middles = (edges[:-1] + edges[1:]) / 2.0
    trace = {
        "type": "bar",
        "x": np.round(middles, 4).tolist(),
        "y": counts.tolist(),
        "width": float(edges[1] - edges[0]) * 0.94,
        "marker": {"color": [COLOURS["won"] if middle > 0.0 else COLOURS["lost"] for middle in middles]},
        "hovertemplate": "%{y} trips near %{x:,.1f} bps<extra></extra>",
    }
    layout = plain("net result of a round trip, bps of its entry", "round trips")
    layout["shapes"] = [{"type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1, "line": {"width": 1}}]
    return chart_of("results", [trace], layout, 300)


def bin_edges(values: np.ndarray) -> np.ndarray:
    """Edges of at most about BINS equal bins that hold values (N,); zero is an edge, so that no bin holds gains and losses."""
    low, high = (min(float(values.min()), 0.0), max(float(values.max()), 0.0)) if len(values) else (0.0, 0.0)
    width = (high - low) / min(BINS, max(len(values), 1)) * _ROOM if high > low else 1.0
    return np.arange(math.floor(low / width), max(math.ceil(high / width), math.floor(low / width) + 1) + 1) * width
