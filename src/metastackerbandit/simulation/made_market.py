"""The made market as arrays: one row for the market, one a symbol for its value, its past trades, and its terms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import joined, kernel, row, rows
from metastackerbandit.market.bar_terms import BarTerms, bar_terms
from metastackerbandit.simulation.chance import ChanceRow, chance_of, seed_row
from metastackerbandit.simulation.settings import GeneratorSettings, ListingSettings
from metastackerbandit.simulation.value import (
    MarketRow,
    ValueRow,
    begin_market,
    begin_value,
    funding_rate,
    market_step,
    settle_funding,
    ticks_of,
    value_step,
)
from metastackerbandit.simulation.value_terms import ListedTerms, listed_terms, value_terms

Rows = np.ndarray[Any, Any]


class MadeSymbol(Struct, frozen=True):
    """An instrument of the made market, and how it differs from the others."""

    instrument: Instrument
    settings: ListingSettings


class TapeRow(Struct, frozen=True):
    """A symbol's trades of the past: the state that they are drawn from, and their last price in ticks."""

    word_a: int
    word_b: int
    word_c: int
    word_d: int
    close: int


class MadeMarket(NamedTuple):
    """A made market of S symbols at one time: `market` (1,) MarketRow, `values` (S,) ValueRow, `tapes` (S,) TapeRow; what does not change: `terms`
    (1,) ValueTerms, `listed` (S,) ListedTerms, `bar_terms` (S,) BarTerms."""

    market: Rows
    values: Rows
    tapes: Rows
    terms: Rows
    listed: Rows
    bar_terms: Rows


def begun_market(settings: GeneratorSettings, symbols: Sequence[MadeSymbol], at_ns: int) -> MadeMarket:
    """A market at its first instant. A symbol's path depends on the seed, its name and its own settings, not on what is listed beside it."""
    market = _seeded(MarketRow, chance_of(settings.seed, "market"))
    terms = row(value_terms(settings))
    begin_market(market[0], terms[0], at_ns)
    values, tapes, listed, bars = [], [], [], []
    for one in symbols:
        symbol = one.instrument.symbol
        value = _seeded(ValueRow, chance_of(settings.seed, f"value {symbol}"))
        begin_value(value[0], market[0], terms[0], math.log(one.settings.price / float(one.instrument.tick_size)))
        values.append(value)
        tape = _seeded(TapeRow, chance_of(settings.seed, f"tape {symbol}"))
        tape["close"] = ticks_of(value["log_ticks"][0])
        tapes.append(tape)
        listed.append(row(listed_terms(settings, one.settings, one.instrument)))
        bars.append(row(bar_terms(one.instrument)))
    if not symbols:
        return MadeMarket(market, rows(ValueRow, 0), rows(TapeRow, 0), terms, rows(ListedTerms, 0), rows(BarTerms, 0))
    return MadeMarket(market, joined(values), joined(tapes), terms, joined(listed), joined(bars))


@kernel
def advance_market(made: Any, step_ns: int) -> None:
    """The market and every symbol go on by `step_ns` (> 0): live time, step by step."""
    market_step(made.market[0], made.terms[0], step_ns)
    for s in range(len(made.values)):
        value_step(made.values[s], made.market[0], made.terms[0], made.listed[s])


@kernel
def settle(made: Any, funding: Any, k: int) -> None:
    """Settle the interval that ends now: every symbol's rate at its value goes to funding (S, K) FundingRow, place `k`, and a new interval begins."""
    for s in range(len(made.values)):
        value = made.values[s]
        funding[s, k].at_ns = made.market[0].at_ns
        funding[s, k].rate = int(funding_rate(value, made.terms[0]))
        funding[s, k].mark = ticks_of(value.log_ticks)
        settle_funding(value)


def _seeded(kind: type[Struct], chance: ChanceRow) -> Rows:
    made = rows(kind, 1)
    seed_row(made, chance)
    return made
