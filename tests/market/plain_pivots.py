"""Swings read off lists of points, level by level: the rule without memory, for tests."""

from __future__ import annotations

from metastackerbandit.market.pivots import LEVELS

Point = tuple[int, int, int]  # price, bar where it stands, bar at whose close it is known


def three_points(points: list[Point]) -> list[Point]:
    """The rule: p[i-1] <= p[i] > p[i+1], known when p[i+1] is."""
    return [(points[i][0], points[i][1], points[i + 1][2]) for i in range(1, len(points) - 1) if points[i - 1][0] <= points[i][0] > points[i + 1][0]]


def plainly(highs: list[int], lows: list[int]) -> set[tuple[int, int, int, int, int]]:
    """Every pivot (at, confirmed_at, price, level, side) by lists of lists."""
    kept: list[int] = []
    for i in range(len(highs)):
        if not kept or highs[i] > highs[kept[-1]] or lows[i] < lows[kept[-1]]:
            kept.append(i)
    found = set()
    for side, prices in ((1, highs), (-1, [-low for low in lows])):
        points = [(prices[i], i, i) for i in kept]
        for level in range(1, LEVELS + 1):
            points = three_points(points)
            found |= {(at, known, side * price, level, side) for price, at, known in points}
    return found
