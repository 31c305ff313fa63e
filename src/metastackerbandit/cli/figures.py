"""A plain chart as SVG text: axes, a reference line, points with their intervals; nothing but what it is given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import pairwise

from msgspec import Struct

_WIDTH, _HEIGHT = 420, 300  # pixels
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 28, 44  # margins
_TICKS = 5  # wanted on an axis
_ROOM = 0.06  # of the span, beyond the outermost value


class Point(Struct, frozen=True):
    """A value at a place, with the interval around it where one is known; drawn hollow where too little stands behind it."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    is_hollow: bool = False


class Axis(Struct, frozen=True):
    """What an axis says, and marks of its own (place, text) where numbers would not do."""

    title: str
    marks: tuple[tuple[float, str], ...] = ()


def chart(title: str, x: Axis, y: Axis, points: Sequence[Point], *, reference: tuple[Point, Point], joined: bool = False) -> str:
    """Points in order, joined by a line where that is asked for, beside a dashed reference line through two points."""
    seen = [*points, *reference]
    levels = [value for point in seen for value in (point.y, point.low, point.high) if value is not None]
    across, up = _span([point.x for point in seen]), _span(levels)

    def at(point_x: float, point_y: float) -> tuple[float, float]:
        return (
            _LEFT + (point_x - across[0]) / (across[1] - across[0]) * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - (point_y - up[0]) / (up[1] - up[0]) * (_HEIGHT - _TOP - _BOTTOM),
        )

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">']
    parts.append(_text(_WIDTH / 2, 16, title, "title"))
    parts += _grid(x, y, across, up)
    parts.append(_line(at(reference[0].x, reference[0].y), at(reference[1].x, reference[1].y), "reference"))
    if joined:
        parts += [_line(at(one.x, one.y), at(two.x, two.y), "joined") for one, two in pairwise(points)]
    for point in points:
        if point.low is not None and point.high is not None:
            parts.append(_line(at(point.x, point.low), at(point.x, point.high), "interval"))
        place = at(point.x, point.y)
        kind = ' class="hollow"' if point.is_hollow else ""
        parts.append(f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="3"{kind}/>')
    return "\n".join([*parts, "</svg>"])


def _grid(x: Axis, y: Axis, across: tuple[float, float], up: tuple[float, float]) -> list[str]:
    """Lines and numbers of both axes, and what they say."""
    parts = []
    for value, text in x.marks or tuple((value, f"{value:g}") for value in ticks(*across)):
        place = _LEFT + (value - across[0]) / (across[1] - across[0]) * (_WIDTH - _LEFT - _RIGHT)
        parts += [_line((place, _TOP), (place, _HEIGHT - _BOTTOM), "grid"), _text(place, _HEIGHT - _BOTTOM + 14, text, "tick")]
    for value, text in y.marks or tuple((value, f"{value:g}") for value in ticks(*up)):
        place = _HEIGHT - _BOTTOM - (value - up[0]) / (up[1] - up[0]) * (_HEIGHT - _TOP - _BOTTOM)
        parts += [_line((_LEFT, place), (_WIDTH - _RIGHT, place), "grid"), _text(_LEFT - 5, place + 4, text, "tick left")]
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, x.title, "axis"))
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    parts.append(f'<text x="14" y="{middle:.1f}" class="axis" transform="rotate(-90 14 {middle:.1f})">{escape(y.title)}</text>')
    return parts


def ticks(low: float, high: float) -> tuple[float, ...]:
    """About five round numbers between two others."""
    raw = (high - low) / _TICKS
    scale = 10.0 ** math.floor(math.log10(raw))
    step = next(scale * times for times in (1.0, 2.0, 5.0, 10.0) if scale * times >= raw)
    return tuple(round(step * n, 12) for n in range(math.ceil(low / step), math.floor(high / step) + 1))


def _span(values: Sequence[float]) -> tuple[float, float]:
    """From the least to the greatest with room beyond; a single value gets one unit on either side."""
    low, high = min(values), max(values)
    room = (high - low) * _ROOM if high > low else 1.0
    return low - room, high + room


def _line(start: tuple[float, float], end: tuple[float, float], kind: str) -> str:
    return f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" class="{kind}"/>'


def _text(x: float, y: float, said: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(said)}</text>'
