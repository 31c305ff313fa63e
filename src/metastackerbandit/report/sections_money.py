"""The parts of a page about money: trades on the market, what they came to, what they cost, and what was held."""

from __future__ import annotations

from metastackerbandit.report import charts_account, charts_trades
from metastackerbandit.report.charges import KINDS, WORDS
from metastackerbandit.report.facts import Facts
from metastackerbandit.report.looks import count, counted, number, share, signed
from metastackerbandit.report.markup import Cell, Section, figure, folded, paragraph, table, words
from metastackerbandit.report.trades import candle_words

_LINES = 14  # of results that are open; more are folded, but for the sums
_SUMS = 3  # lines of both sides and all
_SHOWN = 4  # symbols whose candles are open; the others are folded
_PAPER = "Nothing ran beside it: baselines, random entries and other costs are run by a backtest (`msb backtest` over the same candles)."


def trades(facts: Facts) -> Section:
    """Fills on candles."""
    parts = []
    if not facts.identity.fills:
        parts.append(paragraph("No order was filled. Prices are shown for themselves."))
    for place, one in enumerate(facts.traded):
        if not len(one.prices.times):
            continue
        what = f"Candles of {candle_words(one.prices)}" if one.prices.candles else f"Closes of decided bars (no candles: {facts.no_candles})"
        drawn = (
            f"{counted(one.fills, 'fill')}"
            if len(one.marks) == one.fills
            else f"{len(one.marks):,} of {one.fills:,} fills, those of the largest results"
        )
        look = (
            f"{what}; {drawn}. Up is bought, down is sold; full enters, hollow leaves; a line joins the mean prices of a round trip. "
            "Drag to zoom, point at a mark to read its decision."
        )
        chart = figure(charts_trades.trades(one, place, facts.identity.currency), look, one.symbol)
        parts.append(chart if place < _SHOWN else folded(f"{one.symbol}: {drawn}", chart))
    return Section("trades", "Trades on the market", "Trades", "".join(parts))


def results(facts: Facts) -> Section:
    """What round trips came to."""
    parts = []
    if len(facts.bps):
        look = "Look whether a few trips carry the whole, and how long the tail to the left is. Net of fees and funding; the line is zero."
        parts.append(figure(charts_trades.results(facts), look))
        head = ("symbol", "frame", "side", "trips", "won", "net", "mean, bps", "fees", "funding", "bars held")
        rows = [
            [
                words(line.symbol),
                words(line.frame),
                words(line.side),
                Cell(count(line.trips)),
                Cell(share(line.won / line.trips if line.trips else None, 1)),
                Cell(number(line.net)),
                Cell(number(line.mean_bps, 1)),
                Cell(number(line.fees)),
                Cell(number(line.funding)),
                Cell(number(line.mean_bars, 1)),
            ]
            for line in facts.lines
        ]
        caption = f"Closed round trips; money in {facts.identity.currency}."
        if len(rows) <= _LINES:
            parts.append(table(head, rows, caption, last=_SUMS))
        else:
            parts += [table(head, rows[-_SUMS:], caption, last=_SUMS), folded("Every symbol, frame and side", table(head, rows))]
    else:
        parts.append(paragraph("No round trip was closed."))
    periods = [[words(one.name), Cell(signed(one.net_return)), Cell(count(one.trips)), Cell(number(one.net))] for one in facts.periods]
    caption = (
        f"By {facts.period} (UTC): the return of equity, and the round trips that closed in it with their net result, {facts.identity.currency}."
    )
    parts.append(table((facts.period if facts.period == "month" else "week from", "net return", "trips", "their net"), periods, caption))
    return Section("results", "What trades came to", "Results", "".join(parts))


def costs(facts: Facts) -> Section:
    """What trading cost."""
    found, currency = facts.charges, facts.identity.currency
    rows = [[words(WORDS[kind]), Cell(number(found.totals[kind]))] for kind in KINDS]
    rows.append([words("all"), Cell(number(found.total), is_strong=True)])
    parts = []
    if len(found.times):
        look = "Look which cost grows fastest. Fills keep the half spread within slippage; funding falls where it was received."
        parts.append(figure(charts_account.charges(facts), look))
    told = f"Before costs these fills came to {number(found.before)} {currency}"
    told += (
        f"; costs are {share(found.share, 1)} of it."
        if found.share is not None
        else "; there was no profit for costs to be a share of."
        if found.total
        else "."
    )
    parts += [table(("cost", currency), rows), paragraph(told)]
    if facts.account.at_costs and any((line != 1.0).any() for line in facts.account.at_costs.values()):
        look = "Look whether the sign of the end changes between the lines. The run was made again at each: it knows what it is charged."
        parts.append(figure(charts_account.cost_multiples(facts), look, "At other costs"))
        rows = [[words(name), Cell(signed(value))] for name, value in facts.costs_curve.items()]
        parts.append(table(("costs", "net return"), rows))
    return Section("costs", "What trading cost", "Costs", "".join(parts))


def exposure(facts: Facts) -> Section:
    """How much was held."""
    if not facts.identity.fills:
        return Section("exposure", "Exposure", "Exposure", paragraph("Nothing was ever held."))
    look = (
        "Look for how much was at stake, and whether net leans to one side. Notional at the last close over equity; thinned, peaks of net are kept."
    )
    return Section("exposure", "Exposure", "Exposure", figure(charts_account.exposure(facts), look))
