"""The lengths, in bars, over which features look back, each with its reason."""

from __future__ import annotations

FAST = 12  # an hour of 5m bars: the label's usual horizon
USUAL = 48  # four times FAST: about 10 % error in a standard deviation
SLOW = 96  # twice USUAL: what FAST and USUAL are compared with; a quarter of a year of daily bars
WILDER = 14  # the length of Wilder (1978) for his averages
TREND = 20  # the length of Bollinger's bands and of the predecessors' average
SIGNAL = 9  # the signal line of Appel's MACD (12, 26, 9)
MACD_SLOW = 26
RING = 64  # closes kept for all families: a power of two above USUAL + 2
SECONDS = (10, 60, 300)  # of the book: as long as an order rests near the touch, a minute, and the usual window of impact measures
LONGEST_SILENCE = 10  # seconds after the end of the newest second of a book, behind which it says nothing of now
LONGEST_LOSS = 60  # seconds without a trusted book, behind which what was heard starts anew
LONGEST_HOLE = 48  # bars that may be missing in a row before all memory starts anew: beyond it a "one-bar" return says nothing
