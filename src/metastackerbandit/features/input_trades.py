"""What was traded in one second, by bucket of the consolidated book: from the newest trades of market.tick_ring, by the time of their arrival."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import kernel


@kernel
def flow_of(bars: Any, s: int, second: int, width: int, centre: int, unit: float, flow: Any) -> tuple[float, float, float, float]:
    """Bought less sold by bucket around `centre` -> flow (C,); bought, sold, log1p of the number of trades, log1p of their value (quote currency).

    NaN throughout where trades were not heard from the second's beginning on, or have fallen off the ring since; of buckets, and of what was bought
    and sold, where the venue does not tell the taker's side of a trade.
    """
    began_ns = second * 1_000_000_000
    heard_ns = bars.tape[s].heard_ns
    is_heard = 0 < heard_ns <= began_ns
    for c in range(41):
        flow[c] = 0.0 if is_heard else math.nan
    if not is_heard:
        return math.nan, math.nan, math.nan, math.nan
    cursor = bars.ticks.cursor[s]
    length = bars.ticks.trades.shape[1] // 2
    bought, sold, unsided, count, back = 0.0, 0.0, 0.0, 0, 0
    while back < cursor.kept:
        trade = bars.ticks.trades[s, (cursor.written - 1 - back) % length]
        if trade.received_ns < began_ns:
            break
        back += 1
        if trade.received_ns < began_ns + 1_000_000_000:
            value = float(trade.ticks) * trade.lots * unit
            count += trade.last_id - trade.first_id + 1
            column = trade.ticks // width - centre + 20 if width > 0 else -1
            if trade.side > 0:
                bought += value
            elif trade.side < 0:
                sold += value
            else:
                unsided += value
            if 0 <= column < 41:
                flow[column] += math.nan if trade.side == 0 else trade.side * value
    if back == cursor.kept and cursor.dropped > 0:
        for c in range(41):
            flow[c] = math.nan
        return math.nan, math.nan, math.nan, math.nan
    volume = math.log1p(bought + sold + unsided)
    if unsided > 0.0:
        return math.nan, math.nan, math.log1p(count), volume
    return bought, sold, math.log1p(count), volume
