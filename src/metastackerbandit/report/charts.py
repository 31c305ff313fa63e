"""A chart: a figure of Plotly in JSON; colours that depend on light or dark are put in by the page (`meta` says which)."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

MOST_POINTS = 2_000  # of a line; peaks and troughs are kept
MS = 1_000_000
_DIGITS = 8  # of a value on a line
_MARGIN = {"l": 64, "r": 16, "t": 36, "b": 40}


class Chart(Struct, frozen=True):
    """A figure in JSON, and how high it is in pixels."""

    name: str
    json: str
    height: int


def steps(length: int) -> np.ndarray:
    """Places of at most MOST_POINTS of so many, the last one among them: for lines that only step."""
    return np.unique(np.linspace(0, length - 1, min(length, MOST_POINTS)).astype(np.int64)) if length else np.zeros(0, np.int64)


def ms(times: np.ndarray) -> np.ndarray:
    """Nanoseconds as Plotly's milliseconds."""
    return times.astype(np.int64) // MS


def line(x: np.ndarray, y: np.ndarray, name: str, **rest: Any) -> dict[str, Any]:
    return {"type": "scatter", "mode": "lines", "x": x, "y": np.round(np.asarray(y, np.float64), _DIGITS), "name": name, **rest}


def plain(across: str, up: str) -> dict[str, Any]:
    return {
        "margin": dict(_MARGIN),
        "xaxis": {"title": {"text": across, "standoff": 12}, "zeroline": False, "automargin": True},
        "yaxis": {"title": {"text": up, "standoff": 8}, "zeroline": False, "automargin": True},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        "hovermode": "closest",
    }


def timed(up: str) -> dict[str, Any]:
    layout = plain("", up)
    layout["xaxis"] |= {"type": "date", "hoverformat": "%Y-%m-%d %H:%M"}
    return {**layout, "hovermode": "x unified"}


def chart_of(name: str, traces: list[dict[str, Any]], layout: dict[str, Any], height: int) -> Chart:
    """In JSON as Plotly's script takes it; the look of light and dark is the page's. Tests hold every figure to Plotly's own schema."""
    figure = {"data": traces, "layout": {**layout, "height": height}}
    return Chart(name, msgspec.json.encode(figure, enc_hook=_numbers).decode(), height)


def _numbers(value: Any) -> Any:
    """Arrays as lists; what is not a number is null."""
    return value.tolist()
