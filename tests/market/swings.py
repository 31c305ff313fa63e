"""The rule of pivots read off lists."""

from __future__ import annotations

from metastackerbandit.market.pivots import LEVELS

Point = tuple[int, int, int]  # price, bar where it stands, bar at whose close it is known


def stand_out(points: list[Point], strength: int = 1) -> list[Point]:
    """The rule: p[i-n] .. p[i-1] <= p[i] > p[i+1] .. p[i+n], known when p[i+n] is."""
    prices = [price for price, _, _ in points]
    return [
        (points[i][0], points[i][1], points[i + strength][2])
        for i in range(strength, len(points) - strength)
        if max(prices[i - strength : i]) <= prices[i] > max(prices[i + 1 : i + strength + 1])
    ]


def plainly(highs: list[int], lows: list[int], strength: int = 1) -> set[tuple[int, int, int, int, int]]:
    """Every pivot (at, confirmed_at, price, level, side) by lists of lists."""
    kept: list[int] = []
    for i in range(len(highs)):
        if not kept or highs[i] > highs[kept[-1]] or lows[i] < lows[kept[-1]]:
            kept.append(i)
    found = set()
    for side, prices in ((1, highs), (-1, [-low for low in lows])):
        points = [(prices[i], i, i) for i in kept]
        for level in range(1, LEVELS + 1):
            points = stand_out(points, strength if level == 1 else 1)
            found |= {(at, known, side * price, level, side) for price, at, known in points}
    return found
