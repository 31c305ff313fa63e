"""The parts of a page, the most important first; each says in a sentence what to look at."""

from __future__ import annotations

from itertools import groupby

from metastackerbandit.decision.waterfall import notable
from metastackerbandit.report import charts
from metastackerbandit.report.charges import KINDS, WORDS
from metastackerbandit.report.facts import Facts
from metastackerbandit.report.looks import BASELINES, SCORES, chance, count, counted, number, share, signed
from metastackerbandit.report.markup import Cell, Section, figure, folded, listed, paragraph, table, tiles, words
from metastackerbandit.report.trades import candle_words

_SHOWN = 4  # symbols whose candles are open; the others are folded
_PAPER = "Nothing ran beside it: baselines, random entries and other costs are run by a backtest (`msb backtest` over the same candles)."


def verdict(facts: Facts) -> Section:
    """The word, the sentence and the key figures."""
    said = facts.judged
    parts = [f'<p class="word {said.word.lower().replace("_", "-")}">{said.word.replace("_", " ")}</p>']
    if facts.identity.unfinished:
        parts.append(paragraph(facts.identity.unfinished, "warning"))
    parts.append(paragraph(said.sentence, "sentence"))
    parts.append(listed(said.reasons))
    if not said.is_weighed and len(facts.account.times):
        parts.append(
            paragraph("Judged by its own rows alone, without the tests that a backtest adds: WEAK would be the most that it could earn.", "note")
        )
    account, scores = facts.account, said.scores
    final = float(account.equity[-1]) if len(account.equity) else account.capital
    rows = [("equity at the end", f"{number(final)} {facts.identity.currency}", f"from {number(account.capital)}")]
    for name, label, is_share in SCORES:
        found = scores.get(name)
        if found and name in ("total_return", "sharpe", "max_drawdown", "hit_rate", "payoff", "in_market"):
            told = share if is_share else number
            rows.append((label, told(found["value"]), f"95 %: {told(found['low'])} .. {told(found['high'])}"))
    rows.append(("round trips", count(facts.identity.round_trips), f"{count(facts.identity.fills)} fills"))
    parts.append(tiles(rows))
    every = [
        [words(label), *(Cell((share if is_share else number)(scores[name][bound])) for bound in ("value", "low", "high"))]
        for name, label, is_share in SCORES
        if scores.get(name)
    ]
    caption = "95 % intervals by resampling bars in blocks and trips one by one; a dash is not known, or not defined here."
    parts.append(folded("All scores with their intervals", table(("score", "value", "from", "to"), every, caption)))
    return Section("verdict", "Verdict", "Verdict", "".join(parts))


def equity(facts: Facts) -> Section:
    """Equity beside baselines."""
    if not len(facts.account.times):
        return Section("equity", "Equity beside baselines", "Equity", paragraph("Nothing was decided, so there is no curve."))
    look = (
        "Look whether the heavy line ends above the others, and above the bar at the right: what the same positions earned when they were shifted "
        "in time at random. Below it, how far equity was under its peak."
    )
    parts = [figure(charts.equity(facts), look)]
    if not facts.account.rivals:
        parts.append(paragraph(_PAPER, "note"))
    final = float(facts.account.equity[-1]) / facts.account.capital - 1.0
    rows = [[words("this run"), Cell(signed(final), is_strong=True)]]
    rows += [[words(_baseline(name)), Cell(signed(value))] for name, value in sorted(facts.baselines.items(), key=lambda one: -one[1])]
    if facts.baselines:
        caption = (
            "Net return of the whole period. Every baseline is an arm under this run's sizing, costs, limits and gates, with its configured "
            "parameters; those that are drawn have fixed ones (average cross 10/50, momentum of 30 days), as the verdict uses them."
        )
        parts.append(table(("arm", "net return"), rows, caption))
    if facts.chance and facts.chance.get("mean") is not None:
        found = facts.chance
        parts.append(
            paragraph(
                f"Random entries: {count(found['shifts'])} shifts of what was held against the market, same sides, sizes, durations and costs: mean "
                f"{signed(found['mean'])}, 95 % {signed(found['low'])} .. {signed(found['high'])}; these positions {signed(found['own'])}, flipped "
                f"{signed(found['flipped'])}; p {chance(found['p'])}. Sums a bar, not compounded."
            )
        )
    return Section("equity", "Equity beside baselines", "Equity", "".join(parts))


def signals(facts: Facts) -> Section:
    """Where signals ended."""
    found, falls = facts.funnel, facts.falls
    look = "Look for the step at which a side shrinks most, and whether BUY and SELL shrink alike. Bars are logarithmic; the counts stand on them."
    parts = [figure(charts.funnel(facts), look, "From prediction to fill"), listed(found.findings, "findings")]
    kept = notable(falls)
    if kept:
        look = (
            "Bars are wishes left after each gate, in the order of asking. Pale: stopped here first. Hatched: no other gate would have stopped them."
        )
        parts.append(figure(charts.waterfall(facts), look, "Which gate stopped the rest"))
    parts.append(_passes(facts))
    parts.append(paragraph(f"At the other {len(falls.steps) - len(kept)} of {len(falls.steps)} gates nothing fell.", "note"))
    return Section("signals", "Where signals ended", "Signals", "".join(parts))


def _passes(facts: Facts) -> str:
    steps = {step.gate: step for step in facts.falls.steps}
    rows = []
    for one in facts.passes:
        gate = one.of["gate"]
        if one.buy.passed == one.buy.asked and one.sell.passed == one.sell.asked:
            continue
        cells = [words(gate)]
        for side, fall in ((one.buy, steps[gate].buy), (one.sell, steps[gate].sell)):
            cells += [
                Cell(count(side.asked)),
                Cell(share(side.passed / side.asked if side.asked else None, 1)),
                Cell(count(fall.fell)),
                Cell(count(fall.sole)),
            ]
        rows.append([*cells, Cell(chance(one.p), is_strong=gate in facts.unequal)])
    head = ("gate", "BUY asked", "passed", "fell here", "alone", "SELL asked", "passed", "fell here", "alone", "p")
    caption = (
        "Gates that did not let everything pass. Fell here: this gate was the first to stop it; alone: no other gate would have. p: Fisher's exact "
        "chance of such a difference between the sides, bold where that is beyond chance (p < 0.0001 on 50 wishes each)."
    )
    return table(head, rows, caption)


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
        look = f"{what}; {drawn}. Up is bought, down is sold; full enters, hollow leaves. Drag to zoom, point at a mark to read its decision."
        chart = figure(charts.trades(one, place, facts.identity.currency), look, one.symbol)
        parts.append(chart if place < _SHOWN else folded(f"{one.symbol}: {drawn}", chart))
    return Section("trades", "Trades on the market", "Trades", "".join(parts))


def results(facts: Facts) -> Section:
    """What round trips came to."""
    parts = []
    if len(facts.bps):
        look = "Look whether a few trips carry the whole, and how long the tail to the left is. Net of fees and funding; the line is zero."
        parts.append(figure(charts.results(facts), look))
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
        parts.append(table(head, rows, f"Closed round trips; money in {facts.identity.currency}.", last=3))
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
        parts.append(figure(charts.charges(facts), look))
    told = f"Before costs these fills came to {number(found.before)} {currency}"
    told += (
        f"; costs are {share(found.share, 1)} of it."
        if found.share is not None
        else "; there was no profit for costs to be a share of."
        if found.total
        else "."
    )
    parts += [table(("cost", currency), rows), paragraph(told)]
    if any(name in facts.account.rivals for name in ("0x", "2x")):
        look = "Look whether the sign of the end changes between the lines. The run was made again at each: it knows what it is charged, and trades accordingly."
        parts.append(figure(charts.cost_multiples(facts), look, "At other costs"))
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
    return Section("exposure", "Exposure", "Exposure", figure(charts.exposure(facts), look))


def calibration(facts: Facts) -> Section:
    """Whether models meant what they said."""
    title = "Did the models mean what they said?"
    if not facts.calibrations:
        return Section("calibration", title, "Calibration", paragraph("No model spoke in this run."))
    parts = []
    for frame, group in groupby(facts.calibrations, key=lambda one: one.frame):
        both = list(group)
        if not any(one.bins for one in both):
            why = facts.no_labels or "no outcome was known by the run's end"
            parts.append(paragraph(f"{frame}: {count(both[0].awake)} bars were answered, and what became of them is not known: {why}."))
            continue
        look = (
            "Points on the dashed line: what was said is what came. Whiskers are 95 % over blocks of time; where they miss the line, the model is "
            "over- or underconfident."
        )
        parts.append(figure(charts.calibration(both), look, frame))
        rows = [
            [
                words(one.of),
                Cell(count(one.bars)),
                Cell(number(one.outcomes, 0)),
                Cell(number(one.error, 4)),
                Cell(number(one.slope)),
                Cell(number(one.slope_low)),
                Cell(number(one.slope_high)),
            ]
            for one in both
        ]
        caption = f"{count(both[0].awake)} bars answered; of those with a known outcome: independent ones, error beyond chance, slope (1 is calibrated) with 95 %."
        parts.append(table(("class", "bars", "independent", "error", "slope", "from", "to"), rows, caption))
        bins = [
            [
                words(one.of),
                Cell(number(found.said, 3)),
                Cell(number(found.came, 3)),
                Cell(number(found.low, 3)),
                Cell(number(found.high, 3)),
                Cell(count(found.bars)),
            ]
            for one in both
            for found in one.bins
        ]
        parts.append(folded(f"{frame}: the bins", table(("class", "said", "came", "from", "to", "bars"), bins)))
    return Section("calibration", title, "Calibration", "".join(parts))


def watched(facts: Facts) -> Section:
    """Alarms, breakers, the twin."""
    found = facts.watched
    parts = []
    if found.in_force:
        parts += [paragraph("In force at the end:", "warning"), listed(found.in_force)]
    parts.append(paragraph(found.twin) if found.twin else "")
    if found.alarms:
        parts.append(
            paragraph(f"{counted(len(found.alarms), 'alarm')}, {found.halts} of them calls for a halt; the worst of each monitor about each book:")
        )
        parts.append(listed(found.alarms))
    else:
        parts.append(paragraph("No monitor raised an alarm."))
    if found.controls:
        more = f" ({found.more_controls:,} more are not shown)" if found.more_controls else ""
        parts.append(
            folded(f"{counted(len(found.controls) + found.more_controls, 'control')}: breakers and the operator's word{more}", listed(found.controls))
        )
    else:
        parts.append(paragraph("No breaker tripped."))
    return Section("watched", "What watched it", "Alarms", "".join(parts))


def setup(facts: Facts) -> Section:
    """What was run, and what stands behind the verdict."""
    told, evidence = facts.identity, facts.evidence or {}
    costs = ", ".join(
        f"{name.removesuffix('_bps').replace('_', ' ')} {value:g}{' bps' if name.endswith('_bps') else ''}" for name, value in told.costs.items()
    )
    lines = [
        ("run", f"{told.run}, {told.mode} by the {told.driver} driver, {told.state}"),
        ("market", f"{told.venue} {told.market}: {', '.join(told.symbols)}"),
        ("frames", ", ".join(told.frames)),
        ("arm", told.arm),
        ("time (UTC)", f"{told.since} to {told.until}, {number(told.days, 1)} days"),
        (
            "counts",
            f"{counted(told.decisions, 'decision')}, {counted(told.orders, 'order')}, {counted(told.fills, 'fill')}, {counted(told.round_trips, 'round trip')}",
        ),
        ("capital", f"{number(told.capital)} {told.currency}"),
        ("costs", f"{costs}; fills at {told.fill.replace('_', ' ')}"),
        ("candles", f"{told.source}, {'recorded' if told.lineage == 'recorded' else 'MADE, not a market'}, digest {told.data_digest}"),
        ("configuration", told.config_hash),
        ("code", told.code),
        ("identity", told.identity),
    ]
    if evidence:
        lines.append(("trials counted", f"{count(evidence['n_trials'])} on this market"))
    parts = [table(("", ""), [[words(name), words(value)] for name, value in lines])]
    if evidence.get("missing"):
        parts += [paragraph("What SUPPORTED would still need:"), listed(evidence["missing"])]
    if told.models:
        rows = [[words(one.series), Cell(count(one.versions)), Cell(count(one.bars)), words(one.since), words(one.until)] for one in told.models]
        parts.append(
            table(
                ("series", "versions", "bars answered", "first", "last"),
                rows,
                "Models that spoke; each version was trained before the bars that it answered.",
            )
        )
    parts.append(listed([f"silent on {count(bars)} bars: {why}" for why, bars in told.silent.items()]))
    if told.notices:
        parts += [paragraph("The run said of itself:"), listed(told.notices)]
    return Section("setup", "What was run", "Setup", "".join(parts))


def _baseline(name: str) -> str:
    return BASELINES.get(name, name.replace("_", " "))
