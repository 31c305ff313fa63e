"""Charts of the account: equity beside baselines with drawdown, costs, the run at other costs, exposure."""

from __future__ import annotations

from typing import Any

import numpy as np

from metastackerbandit.report.account import thinned
from metastackerbandit.report.charges import KINDS, WORDS
from metastackerbandit.report.charts import MOST_POINTS, Chart, chart_of, line, ms, steps, timed
from metastackerbandit.report.facts import Facts
from metastackerbandit.report.looks import BASELINES, COLOURS, DASHES, LINES

_FINE = 20.0  # of the currency: a smaller spread of equity is told with decimals


def equity(facts: Facts) -> Chart:
    """Equity beside its baselines, and the drawdown below on the same time."""
    account = facts.account
    at = thinned(account.equity, MOST_POINTS)
    times = ms(account.times)
    traces: list[dict[str, Any]] = [
        line(times[at], account.equity[at], "this run", meta="ink", line={"width": 2.2}, hovertemplate="%{y:,.2f}<extra>this run</extra>")
    ]
    for place, (name, levels) in enumerate(account.rivals.items()):
        look = {"width": 1.3, "color": LINES[place % len(LINES)], "dash": DASHES[place % len(DASHES)]}
        words = BASELINES.get(name, name)
        traces.append(line(ms(account.rival_times), levels * account.capital, words, line=look, hovertemplate=f"%{{y:,.2f}}<extra>{words}</extra>"))
    chance = facts.chance
    if chance and chance.get("mean") is not None and len(times):
        middle, low, high = (account.capital * (1.0 + chance[name]) for name in ("mean", "low", "high"))
        traces.append(
            {
                "type": "scatter",
                "x": [int(times[-1])],
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
        line(
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
    layout = timed(f"equity, {facts.identity.currency}")
    spread = float(np.ptp(account.equity)) if not account.rivals else account.capital
    layout["yaxis"] |= {"domain": [0.34, 1.0], "tickformat": ",.0f" if spread >= _FINE else ",.2f"}
    layout["yaxis2"] = {
        "title": {"text": "drawdown", "standoff": 8},
        "automargin": True,
        "domain": [0.0, 0.26],
        "tickformat": ".1%",
        "rangemode": "tozero",
    }
    if not account.drawdown.any():
        layout["yaxis2"]["range"] = [-0.01, 0.0005]
    layout["xaxis"]["anchor"] = "y2"
    return chart_of("equity", traces, layout, 520)


def charges(facts: Facts) -> Chart:
    """Cumulated costs by kind, stacked, and their sum."""
    found = facts.charges
    at = steps(len(found.times))
    times = ms(found.times)[at]
    traces = [
        line(times, found.paid[kind][at], WORDS[kind], line={"width": 1.8, "color": LINES[place], "dash": DASHES[-1 - place], "shape": "hv"})
        for place, kind in enumerate(KINDS)
    ]
    total = np.sum([found.paid[kind] for kind in KINDS], axis=0)
    traces.append(line(times, total[at], "all", meta="ink", line={"width": 2.2, "shape": "hv"}))
    layout = timed(f"paid so far, {facts.identity.currency}")
    layout["yaxis"]["hoverformat"] = ",.2f"
    return chart_of("costs", traces, layout, 340)


def cost_multiples(facts: Facts) -> Chart:
    """The run without costs, as it was, and at twice its costs."""
    account = facts.account
    at = thinned(account.equity, MOST_POINTS)
    traces = [line(ms(account.times)[at], account.equity[at] / account.capital - 1.0, "1x: this run", meta="ink", line={"width": 2.2})]
    for place, name in enumerate(account.at_costs):
        look = {"width": 1.5, "color": LINES[place], "dash": DASHES[place]}
        traces.append(line(ms(account.rival_times), account.at_costs[name] - 1.0, f"{name}: {BASELINES[name]}", line=look))
    layout = timed("net return")
    layout["yaxis"] |= {"tickformat": ".1%", "hoverformat": ".2%"}
    return chart_of("multiples", traces, layout, 320)


def exposure(facts: Facts) -> Chart:
    """Gross and net notional over equity."""
    account = facts.account
    at = thinned(account.net, MOST_POINTS)
    times = ms(account.times)[at]
    traces = [
        line(times, account.gross[at], "gross", line={"width": 1.2, "color": LINES[0], "shape": "hv"}, fill="tozeroy"),
        line(times, account.net[at], "net", line={"width": 1.6, "color": LINES[1], "shape": "hv"}),
    ]
    layout = timed("x equity")
    layout["yaxis"]["hoverformat"] = ".3f"
    return chart_of("exposure", traces, layout, 300)
