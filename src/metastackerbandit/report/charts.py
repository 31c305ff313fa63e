"""The charts of a page as Plotly figures in JSON; colours that depend on light or dark are put in by the page (`meta` says which)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.decision.waterfall import notable
from metastackerbandit.report.account import thinned
from metastackerbandit.report.calibration import Calibration
from metastackerbandit.report.charges import KINDS, WORDS
from metastackerbandit.report.facts import Facts
from metastackerbandit.report.looks import BASELINES, COLOURS, DASHES, LINES
from metastackerbandit.report.trades import Traded

MOST_POINTS = 2_000  # of a line; peaks and troughs are kept
BINS = 60  # of a histogram
_MS = 1_000_000
_MARGIN = {"l": 64, "r": 16, "t": 36, "b": 40}


class Chart(Struct, frozen=True):
    """A figure in JSON, and how high it is in pixels."""

    name: str
    json: str
    height: int


def equity(facts: Facts) -> Chart:
    """Equity beside its baselines, and the drawdown below on the same time."""
    account = facts.account
    at = thinned(account.equity, MOST_POINTS)
    times = _ms(account.times)
    traces: list[dict[str, Any]] = [
        _line(times[at], account.equity[at], "this run", meta="ink", line={"width": 2.2}, hovertemplate="%{y:,.2f}<extra>this run</extra>")
    ]
    for place, (name, levels) in enumerate((name, line) for name, line in account.rivals.items() if name not in ("0x", "2x")):
        look = {"width": 1.3, "color": LINES[place % len(LINES)], "dash": DASHES[place % len(DASHES)]}
        words = BASELINES.get(name, name)
        traces.append(_line(_ms(account.rival_times), levels * account.capital, words, line=look, hovertemplate=f"%{{y:,.2f}}<extra>{words}</extra>"))
    chance = facts.chance
    if chance and chance.get("mean") is not None and len(times):
        middle, low, high = (account.capital * (1.0 + chance[name]) for name in ("mean", "low", "high"))
        traces.append(
            {
                "type": "scatter",
                "x": [float(times[-1])],
                "y": [middle],
                "error_y": {"type": "data", "symmetric": False, "array": [high - middle], "arrayminus": [middle - low], "thickness": 2, "width": 6},
                "mode": "markers",
                "marker": {"color": COLOURS["band"], "size": 8, "symbol": "diamond"},
                "name": "random entries, at the end",
                "hovertemplate": f"{low:,.2f} .. {high:,.2f}<extra>random entries, 95 %</extra>",
            }
        )
    under = thinned(account.drawdown, MOST_POINTS)
    traces.append(
        _line(
            times[under],
            -account.drawdown[under],
            "drawdown",
            meta="ink",
            yaxis="y2",
            fill="tozeroy",
            showlegend=False,
            line={"width": 1.0},
            hovertemplate="%{y:.2%}<extra>below the peak</extra>",
        )
    )
    layout = _timed(f"equity, {facts.identity.currency}")
    layout["yaxis"] |= {"domain": [0.34, 1.0], "tickformat": ",.0f"}
    layout["yaxis2"] = {"title": {"text": "drawdown"}, "domain": [0.0, 0.26], "tickformat": ".1%", "rangemode": "tozero"}
    layout["xaxis"]["anchor"] = "y2"
    return _chart("equity", traces, layout, 520)


def funnel(facts: Facts) -> Chart:
    """Each stage's count, BUY and SELL side by side, on a logarithmic axis."""
    stages = list(facts.funnel.stages)
    traces = []
    for side, counts in (("SELL", facts.funnel.sell), ("BUY", facts.funnel.buy)):
        values = [counts[stage] for stage in stages]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": side,
                "y": stages,
                "x": [value if value else None for value in values],
                "text": [f"{value:,}" for value in values],
                "textposition": "auto",
                "cliponaxis": False,
                "marker": {"color": COLOURS[side]},
                "hovertemplate": f"%{{text}} %{{y}}<extra>{side}</extra>",
            }
        )
    layout = _plain("count (logarithmic)", "")
    layout["xaxis"] |= {"type": "log", "dtick": 1}
    layout["yaxis"] |= {"autorange": "reversed", "automargin": True, "ticksuffix": " "}
    layout |= {"barmode": "group", "bargap": 0.25, "legend": {**layout["legend"], "traceorder": "reversed"}}
    return _chart("funnel", traces, layout, 90 + 56 * len(stages))


def waterfall(facts: Facts) -> Chart:
    """What is left after each gate: SELL to the left, BUY to the right; what fell is pale, what no other gate stopped is hatched."""
    falls, kept = facts.falls, notable(facts.falls)
    names = ["asked for new risk", *(step.gate for step in kept)]
    traces = []
    for side, sign in (("SELL", -1), ("BUY", 1)):
        asked = falls.buy if sign > 0 else falls.sell
        steps = [step.buy if sign > 0 else step.sell for step in kept]
        left = [asked, *(fall.left for fall in steps)]
        alone = [0, *(min(fall.sole, fall.fell) for fall in steps)]
        others = [0, *(fall.fell - min(fall.sole, fall.fell) for fall in steps)]
        looks: tuple[tuple[str, list[int], dict[str, Any]], ...] = (
            ("left", left, {"color": COLOURS[side]}),
            ("stopped by it alone", alone, {"color": COLOURS[side], "opacity": 0.55, "pattern": {"shape": "/", "size": 6}}),
            ("stopped here first", others, {"color": COLOURS[side], "opacity": 0.28}),
        )
        for words, values, look in looks:
            traces.append(
                {
                    "type": "bar",
                    "orientation": "h",
                    "name": f"{side}: {words}",
                    "y": names,
                    "x": [sign * value for value in values],
                    "customdata": values,
                    "marker": look,
                    "hovertemplate": f"%{{customdata:,}} {words}<extra>{side} %{{y}}</extra>",
                }
            )
    most = max(falls.buy, falls.sell, 1)
    layout = _plain("wishes for new risk: SELL to the left, BUY to the right", "")
    ticks = [-1.0, -0.5, 0.0, 0.5, 1.0]
    layout["xaxis"] |= {"tickvals": [tick * most for tick in ticks], "ticktext": [f"{abs(tick) * most:,.0f}" for tick in ticks]}
    layout["yaxis"] |= {"autorange": "reversed", "automargin": True, "ticksuffix": " "}
    layout |= {"barmode": "relative", "bargap": 0.3}
    return _chart("waterfall", traces, layout, 130 + 30 * len(names))


def trades(one: Traded, place: int, currency: str) -> Chart:
    """One symbol's candles (or closes), its fills and the lines of its round trips."""
    prices = one.prices
    if prices.candles:
        columns = {name: getattr(prices, name).tolist() for name in ("open", "high", "low", "close")}
        traces: list[dict[str, Any]] = [
            {"type": "candlestick", "x": _ms(prices.times), **columns, "name": "price", "meta": "candles", "line": {"width": 1}, "showlegend": False}
        ]
    else:
        traces = [_line(_ms(prices.times), prices.close, "close", meta="faint", line={"width": 1.2}, showlegend=False)]
    for won, words in ((True, "won"), (False, "lost")):
        own = [trip for trip in one.trips if trip.won is won]
        if own:
            x = [at for trip in own for at in (trip.opened_ns / _MS, trip.closed_ns / _MS, None)]
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
                        "x": [mark.at_ns / _MS for mark in marks],
                        "y": [mark.price for mark in marks],
                        "text": [mark.text.replace("\n", "<br>") for mark in marks],
                        "name": f"{side} to {'enter' if opens else 'leave'}",
                        "marker": {"symbol": symbol if opens else f"{symbol}-open", "size": 9, "color": COLOURS[side], "line": {"width": 1.5}},
                        "hovertemplate": "%{text}<br>%{x|%Y-%m-%d %H:%M:%S} UTC<extra></extra>",
                    }
                )
    layout = _timed(f"price, {currency}")
    layout["yaxis"]["hoverformat"] = f",.{prices.digits}f"
    layout["xaxis"]["rangeslider"] = {"visible": False}
    layout["hovermode"] = "closest"
    return _chart(f"trades-{place}", traces, layout, 430)


def results(facts: Facts) -> Chart:
    """How net results of round trips are spread."""
    bps = facts.bps
    low, high = (float(bps.min()), float(bps.max())) if len(bps) else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1.0, min(BINS, max(len(bps), 1)) + 1)
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
    layout = _plain("net result of a round trip, bps of its entry", "round trips")
    layout["shapes"] = [{"type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1, "line": {"width": 1}}]
    return _chart("results", [trace], layout, 300)


def charges(facts: Facts) -> Chart:
    """Cumulated costs by kind, stacked, and their sum."""
    found = facts.charges
    at = _steps(len(found.times))
    times = _ms(found.times)[at]
    traces = [
        _line(times, found.paid[kind][at], WORDS[kind], line={"width": 1.8, "color": LINES[place], "dash": DASHES[-1 - place], "shape": "hv"})
        for place, kind in enumerate(KINDS)
    ]
    total = np.sum([found.paid[kind] for kind in KINDS], axis=0)
    traces.append(_line(times, total[at], "all", meta="ink", line={"width": 2.2, "shape": "hv"}))
    layout = _timed(f"paid so far, {facts.identity.currency}")
    layout["yaxis"]["hoverformat"] = ",.2f"
    return _chart("costs", traces, layout, 340)


def cost_multiples(facts: Facts) -> Chart:
    """The run without costs, as it was, and at twice its costs."""
    account = facts.account
    at = thinned(account.equity, MOST_POINTS)
    traces = [_line(_ms(account.times)[at], account.equity[at] / account.capital - 1.0, "1x: this run", meta="ink", line={"width": 2.2})]
    for place, name in enumerate(name for name in ("0x", "2x") if name in account.rivals):
        look = {"width": 1.5, "color": LINES[place], "dash": DASHES[place]}
        traces.append(_line(_ms(account.rival_times), account.rivals[name] - 1.0, f"{name}: {BASELINES[name]}", line=look))
    layout = _timed("net return")
    layout["yaxis"] |= {"tickformat": ".1%", "hoverformat": ".2%"}
    return _chart("multiples", traces, layout, 320)


def exposure(facts: Facts) -> Chart:
    """Gross and net notional over equity."""
    account = facts.account
    at = thinned(account.net, MOST_POINTS)
    times = _ms(account.times)[at]
    traces = [
        _line(times, account.gross[at], "gross", line={"width": 1.2, "color": LINES[0], "shape": "hv"}, fill="tozeroy"),
        _line(times, account.net[at], "net", line={"width": 1.6, "color": LINES[1], "shape": "hv"}),
    ]
    layout = _timed("x equity")
    layout["yaxis"]["hoverformat"] = ".3f"
    return _chart("exposure", traces, layout, 300)


def calibration(both: Sequence[Calibration]) -> Chart:
    """What was said against what came, with intervals, for UP and DOWN of one frame."""
    traces: list[dict[str, Any]] = []
    seen = [value for one in both for found in one.bins for value in (found.said, found.came)]
    if seen:
        ends = [min(seen), max(seen)]
        traces.append(
            {"type": "scatter", "mode": "lines", "x": ends, "y": ends, "name": "as said", "meta": "faint", "line": {"dash": "dash", "width": 1.2}}
        )
    for one, side, symbol in zip(both, ("BUY", "SELL"), ("circle", "square"), strict=False):
        known = [found.low is not None for found in one.bins]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers+lines",
                "name": f"{one.of} came",
                "x": [found.said for found in one.bins],
                "y": [found.came for found in one.bins],
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [(found.high or 0.0) - found.came if is_known else 0.0 for found, is_known in zip(one.bins, known, strict=True)],
                    "arrayminus": [found.came - (found.low or 0.0) if is_known else 0.0 for found, is_known in zip(one.bins, known, strict=True)],
                    "thickness": 1.2,
                    "width": 3,
                },
                "customdata": [found.bars for found in one.bins],
                "marker": {"symbol": symbol, "size": 8, "color": COLOURS[side]},
                "line": {"width": 1, "color": COLOURS[side]},
                "hovertemplate": "said %{x:.3f}, came %{y:.3f}, %{customdata:,} bars<extra></extra>",
            }
        )
    layout = _plain("chance that was said", "share that came")
    for axis in ("xaxis", "yaxis"):
        layout[axis]["tickformat"] = ".2f"
    return _chart(f"calibration-{both[0].frame}", traces, layout, 380)


# -- parts ---------------------------------------------------------------------------------------------------------------


def _steps(length: int) -> np.ndarray:
    """Places of at most MOST_POINTS of so many, the last one among them: for lines that only step."""
    return np.unique(np.linspace(0, length - 1, min(length, MOST_POINTS)).astype(np.int64)) if length else np.zeros(0, np.int64)


def _ms(times: np.ndarray) -> np.ndarray:
    """Nanoseconds as Plotly's milliseconds."""
    return times.astype(np.float64) / _MS


def _line(x: np.ndarray, y: np.ndarray, name: str, **rest: Any) -> dict[str, Any]:
    return {"type": "scatter", "mode": "lines", "x": x, "y": np.asarray(y, np.float64), "name": name, **rest}


def _plain(across: str, up: str) -> dict[str, Any]:
    return {
        "margin": dict(_MARGIN),
        "xaxis": {"title": {"text": across}, "zeroline": False},
        "yaxis": {"title": {"text": up}, "zeroline": False},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        "hovermode": "closest",
    }


def _timed(up: str) -> dict[str, Any]:
    layout = _plain("", up)
    layout["xaxis"] |= {"type": "date", "hoverformat": "%Y-%m-%d %H:%M"}
    return {**layout, "hovermode": "x unified"}


def _chart(name: str, traces: list[dict[str, Any]], layout: dict[str, Any], height: int) -> Chart:
    """Checked by Plotly, in JSON; the look of light and dark is the page's."""
    import plotly.graph_objects as go

    figure = go.Figure(data=traces, layout={**layout, "height": height, "template": {}})
    text = figure.to_json()
    assert text is not None
    return Chart(name, text, height)
