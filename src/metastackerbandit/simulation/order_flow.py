"""The made market's background: makers who quote around each symbol's value, and takers, as rows of flow for its book.

After a step of the market (made_market.advance_market), each book is read once and what its background does in that step is written, in this order:

1. **Withdraw.** Makers who stand on the wrong side of the value, or nearer to it than half of what they ask for, go at once. Whoever else stands
   beyond the value (an owner's order) is taken up to where makers would stand.
2. **Quote.** Best bid and ask are renewed at once, at least half a spread from the value, on a grid of `level_ticks`; gaps further away after a
   while, and levels far away or off the grid go after a while. A side without any order is filled whole. Some levels get another size, those near
   the value more often.
3. **Take.** A Poisson number of takers, buyers by the value's `buy_share`, log-normal sizes, no further from the value than the reach.

Spread and depth go with the square root of the market's activity, takers and changes of mind with the activity. No trade moves the value: the impact
of an order is the depth that it eats until makers are back. All of it draws from the symbol's own state.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from metastackerbandit.domain.kernel import joined, kernel, row, rows
from metastackerbandit.simulation.chance import chance_of, count_of, normal, seed_row, uniform
from metastackerbandit.simulation.flow import ADD, PULL, TAKE, background_at, lay_row
from metastackerbandit.simulation.made_market import MadeMarket, MadeSymbol, Rows, advance_market
from metastackerbandit.simulation.queues import BUY, price_count
from metastackerbandit.simulation.settings import GeneratorSettings
from metastackerbandit.simulation.value import activity_of
from metastackerbandit.simulation.value_terms import QuoteTerms, quote_terms

_INSIDE = 0.5  # of the half spread: makers nearer to the value withdraw
_LEAST = 0.5  # of a level's usual size: what is put there lies between that and as much above
_SLACK = 4  # a quarter more levels than are quoted may stand before the farthest go


class MakerRow(Struct, frozen=True):
    """A symbol's makers and takers: the state that they draw from, and the levels' distance in ticks, a power of two."""

    word_a: int
    word_b: int
    word_c: int
    word_d: int
    level_ticks: int


class QuoteRow(Struct, frozen=True):
    """What makers go by in this step: the value in ticks, half their spread, the size of the best level in lots, the chance that a gap is filled,
    and how many levels of a side change their size, over the square root of all."""

    value: float
    half_spread: float
    best_lots: float
    refill: float
    changes: float


class Background(NamedTuple):
    """The background of S symbols: `makers` (S,) MakerRow, `terms` (S,) QuoteTerms, `quotes` (S,) QuoteRow of the last step."""

    makers: Rows
    terms: Rows
    quotes: Rows


def begun_background(settings: GeneratorSettings, symbols: Sequence[MadeSymbol], made: MadeMarket) -> Background:
    """The background of a made market whose books are empty: its first step fills them."""
    makers, terms = rows(MakerRow, len(symbols)), [row(quote_terms(settings, one.instrument)) for one in symbols]
    for s, one in enumerate(symbols):
        seed_row(makers[s : s + 1], chance_of(settings.seed, f"flow {one.instrument.symbol}"))
        ideal = settings.level_bps * 1e-4 * math.exp(float(made.values["log_ticks"][s]))
        makers["level_ticks"][s] = 2 ** max(0, round(math.log2(ideal)))
    return Background(makers, joined(terms) if terms else rows(QuoteTerms, 0), rows(QuoteRow, len(symbols)))


@kernel
def live_step(background: Any, made: Any, queues: Any, step_ns: int, flow: Any) -> int:
    """Let the market go on by `step_ns`, and write what the background of every book does to flow (K,) Flow; how many rows that are.

    What does not fit is left for the next step, makers first: 8 (levels + 8) rows a symbol are room for any but a storm of takers.
    """
    advance_market(made, step_ns)
    n = 0
    for s in range(len(made.values)):
        n = flow_step(background, made, queues, s, flow, n)
    return n


@kernel
def flow_step(background: Any, made: Any, queues: Any, s: int, flow: Any, n: int) -> int:
    """What the background of symbol `s` does after the market's step, from row `n` of flow on; the first row that it did not write."""
    return _take(background, made, s, flow, make_quotes(background, made, queues, s, flow, n))


@kernel
def make_quotes(background: Any, made: Any, queues: Any, s: int, flow: Any, n: int) -> int:
    """What the makers of symbol `s` do, as `flow_step`."""
    _look(background, made, s)
    for side in range(2):
        n = _withdraw(background, made, queues, s, side, flow, n)
    for side in range(2):
        n = _quote(background, made, queues, s, side, flow, n)
    return n


@kernel
def _look(background: Any, made: Any, s: int) -> None:
    """Makers see the value, how busy the market is, and whether their grid still suits."""
    maker, terms, quote, market = background.makers[s], background.terms[s], background.quotes[s], made.market[0]
    width = math.sqrt(activity_of(market.regime, made.terms[0]))
    quote.value = math.exp(made.values[s].log_ticks)
    quote.half_spread = terms.half_spread * quote.value * width
    quote.best_lots = terms.level_turnover / (quote.value * width)
    quote.refill = -math.expm1(-terms.refill_rate * market.step_s)
    quote.changes = 0.5 * terms.quotes * market.busy_s / math.sqrt(terms.levels)
    ideal = terms.level_step * quote.value
    if ideal > 2.0 * maker.level_ticks:
        maker.level_ticks *= 2
    elif 2.0 * ideal < maker.level_ticks and maker.level_ticks > 1:
        maker.level_ticks //= 2


@kernel
def best_quote(background: Any, s: int, side: int) -> int:
    """Where makers want the best price of a side: on the grid, half a spread or more from the value; bid and ask never meet."""
    quote, step = background.quotes[s], background.makers[s].level_ticks
    bid = max(1, math.floor((quote.value - quote.half_spread) / step) * step)
    if side == BUY:
        return bid
    return max(bid + 1, math.ceil((quote.value + quote.half_spread) / step) * step)


@kernel
def put_row(made: Any, s: int, what: int, side: int, ticks: int, lots: int, flow: Any, n: int) -> int:
    """Write a row, where there is room for it."""
    if n >= len(flow) or lots <= 0 or ticks <= 0:
        return n
    lay_row(flow[n], made.market[0].at_ns, s, what, side, ticks, lots)
    return n + 1


@kernel
def _withdraw(background: Any, made: Any, queues: Any, s: int, side: int, flow: Any, n: int) -> int:
    """Makers go whose price the value has reached; what others bid beyond it is taken."""
    quote = background.quotes[s]
    sign = 1 if side == BUY else -1
    place = price_count(queues, s, side) - 1
    limit = best_quote(background, s, 1 - side)
    beyond = 0
    while place >= 0:
        ticks = queues.prices[s, side, place, 0]
        if sign * (quote.value - ticks) >= _INSIDE * quote.half_spread:
            break
        lots = background_at(queues, s, side, place)
        n = put_row(made, s, PULL, side, ticks, lots, flow, n)
        if sign * ticks >= sign * limit:
            beyond += queues.prices[s, side, place, 1] - lots
        place -= 1
    return put_row(made, s, TAKE, 1 - side, limit, beyond, flow, n)


@kernel
def level_lots(background: Any, s: int, level: int) -> int:
    """What makers want at a level (0 is the best)."""
    return max(1, math.floor(background.quotes[s].best_lots * (1.0 + background.terms[s].level_growth * level) + 0.5))


@kernel
def _wished(background: Any, s: int, level: int) -> int:
    """What one maker who comes to a level puts there: between half and one and a half times what is wanted."""
    return max(1, math.floor(level_lots(background, s, level) * (_LEAST + uniform(background.makers[s])) + 0.5))


@kernel
def _quote(background: Any, made: Any, queues: Any, s: int, side: int, flow: Any, n: int) -> int:
    """Walk a side and its grid outwards together: fill what is missing, remove what should not stand there, change some of what should."""
    maker, quote, levels = background.makers[s], background.quotes[s], background.terms[s].levels
    sign = 1 if side == BUY else -1
    step = maker.level_ticks
    best = best_quote(background, s, side)
    place = price_count(queues, s, side) - 1
    is_empty = place < 0
    level = 0
    while level < levels or place >= 0:
        wanted = best - sign * step * level
        found = queues.prices[s, side, place, 0] if place >= 0 else 0
        if place >= 0 and (level >= levels or sign * found > sign * wanted):
            is_near = sign * (best - found) <= step * (levels + levels // _SLACK)
            is_right = sign * (quote.value - found) >= _INSIDE * quote.half_spread
            if is_right and not ((best - found) % step == 0 and is_near) and uniform(maker) < quote.refill:
                n = put_row(made, s, PULL, side, found, background_at(queues, s, side, place), flow, n)
            place -= 1
            continue
        lots = background_at(queues, s, side, place) if place >= 0 and found == wanted else 0
        if lots > 0:
            if uniform(maker) < quote.changes * (math.sqrt(level + 1.0) - math.sqrt(level)):
                more = _wished(background, s, level) - lots
                n = put_row(made, s, ADD if more > 0 else PULL, side, wanted, abs(more), flow, n)
        elif level == 0 or is_empty or uniform(maker) < quote.refill:
            n = put_row(made, s, ADD, side, wanted, _wished(background, s, level), flow, n)
        if place >= 0 and found == wanted:
            place -= 1
        level += 1
    return n


@kernel
def _take(background: Any, made: Any, s: int, flow: Any, n: int) -> int:
    """Takers come, each with a size and a limit."""
    maker, value, listed = background.makers[s], background.quotes[s].value, made.listed[s]
    spread = made.terms[0].trade_spread
    for _ in range(count_of(maker, listed.trades * made.market[0].busy_s)):
        is_buyer = uniform(maker) < made.values[s].buy_share
        lots = math.floor(listed.size_turnover / value * math.exp(spread * normal(maker) - 0.5 * spread * spread) + 0.5)
        reach = background.terms[s].taker_reach
        if is_buyer:
            n = put_row(made, s, TAKE, 0, math.floor(value * (1.0 + reach)) + 1, max(1, lots), flow, n)
        else:
            n = put_row(made, s, TAKE, 1, math.ceil(value * (1.0 - reach)) - 1, max(1, lots), flow, n)
    return n
