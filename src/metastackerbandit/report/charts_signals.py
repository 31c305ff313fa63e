"""Charts of signals: the funnel by side, the waterfall of gates, the calibration of what models said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from metastackerbandit.decision.waterfall import notable
from metastackerbandit.report.calibration import Calibration
from metastackerbandit.report.charts import Chart, chart_of, plain
from metastackerbandit.report.facts import Facts
from metastackerbandit.report.looks import COLOURS, PALE


def funnel(facts: Facts) -> Chart:
    """Each stage's count, BUY and SELL side by side, on a logarithmic axis."""
    stages = list(facts.funnel.stages)
    traces = []
    for side, counts in (("BUY", facts.funnel.buy), ("SELL", facts.funnel.sell)):
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
    layout = plain("count (logarithmic)", "")
    most = max(*facts.funnel.buy.values(), *facts.funnel.sell.values(), 1)
    layout["xaxis"] |= {"type": "log", "dtick": 1, "range": [math.log10(0.8), math.log10(most) + 0.35]}
    layout["yaxis"] |= {"autorange": "reversed", "automargin": True, "ticksuffix": " "}
    layout |= {"barmode": "group", "bargap": 0.25}
    return chart_of("funnel", traces, layout, 90 + 56 * len(stages))


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
            ("stopped by it alone", alone, {"color": PALE[side], "pattern": {"shape": "/", "size": 6, "fgcolor": COLOURS[side]}}),
            ("stopped here first", others, {"color": PALE[side]}),
        )
        for words, values, look in looks:
            traces.append(
                {
                    "type": "bar",
                    "orientation": "h",
                    "name": words,
                    "showlegend": sign > 0,
                    "y": names,
                    "x": [sign * value for value in values],
                    "customdata": values,
                    "marker": look,
                    "hovertemplate": f"%{{customdata:,}} {words}<extra>{side} %{{y}}</extra>",
                }
            )
    most = max(falls.buy, falls.sell, 1)
    for sign, asked, place in ((-1, falls.sell, "middle left"), (1, falls.buy, "middle right")):
        left = [asked, *((step.buy if sign > 0 else step.sell).left for step in kept)]
        text = {"mode": "text", "text": [f"{value:,}" for value in left], "textposition": place, "showlegend": False, "hoverinfo": "skip"}
        traces.append({"type": "scatter", "x": [sign * most * 1.01] * len(names), "y": names, **text})
    layout = plain("← SELL   wishes left   BUY →", "")
    ticks = [-1.0, -0.5, 0.0, 0.5, 1.0]
    layout["xaxis"] |= {
        "range": [-1.4 * most, 1.4 * most],
        "tickvals": [tick * most for tick in ticks],
        "ticktext": [f"{abs(tick) * most:,.0f}" for tick in ticks],
    }
    layout["yaxis"] |= {"autorange": "reversed", "automargin": True, "ticksuffix": " "}
    layout |= {"barmode": "relative", "bargap": 0.3}
    return chart_of("waterfall", traces, layout, 130 + 30 * len(names))


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
    layout = plain("chance that was said", "share that came")
    for axis in ("xaxis", "yaxis"):
        layout[axis]["tickformat"] = ".2f"
    return chart_of(f"calibration-{both[0].frame}", traces, layout, 380)
