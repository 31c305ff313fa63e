"""Hyperliquid's frames made for tests: a book that moves a little, and trades."""

from __future__ import annotations

from tests.exchanges.binance.venue import Told


def pushed(count: int) -> list[Told]:
    """Hyperliquid's frames, books and trades in turn: ids of trades that do not rise, prices of one decimal, sizes of three."""
    told = []
    for n in range(count):
        ms = 1_700_000_000_000 + 500 * n
        sides = "],[".join(f'{{"px":"{price + n % 3}.0","sz":"1.25","n":1}}' for price in (999, 1002))
        book = f'{{"channel":"l2Book","data":{{"coin":"BTC","time":{ms},"levels":[[{sides}]]}}}}'
        trades = ",".join(f'{{"coin":"BTC","side":"A","px":"999.5","sz":"0.125","time":{ms},"tid":{900 - n}}}' for _ in range(2))
        for text in (book, f'{{"channel":"trades","data":[{trades}]}}'):
            told.append(Told((ms + 40) * 1_000_000, text.encode(), text is book))
    return told
