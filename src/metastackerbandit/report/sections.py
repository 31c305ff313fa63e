"""The parts of a page that come first: the verdict, equity beside baselines, and where signals ended; each says what to look at."""

from __future__ import annotations

from metastackerbandit.decision.waterfall import notable
from metastackerbandit.evaluation.verdict import Word
from metastackerbandit.report import charts_account, charts_signals
from metastackerbandit.report.facts import Facts
from metastackerbandit.report.looks import BASELINES, SCORES, chance, count, number, share, signed
from metastackerbandit.report.markup import Cell, Section, figure, folded, listed, paragraph, table, tiles, words

_SHOWN = 4  # symbols whose candles are open; the others are folded
_BESIDE = (
    "Look whether the heavy line ends above the others, and above the bar at the right: what the same positions earned when they were shifted "
    "in time at random. A click on a name hides its line. Below, how far equity was under its peak."
)
_ALONE = "Look for the depth and length of the drawdowns below: how far equity was under its peak."
_PAPER = "Nothing ran beside it: baselines, random entries and other costs are run by a backtest (`msb backtest` over the same candles)."


def verdict(facts: Facts) -> Section:
    """The word, the sentence and the key figures."""
    said = facts.judged
    parts = [paragraph(said.word.replace("_", " "), f"word {said.word.lower().replace('_', '-')}" if said.word in list(Word) else "word")]
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
    rows = [("equity at the end", number(final), f"{facts.identity.currency}, from {number(account.capital)}")]
    for name, label, is_share in SCORES:
        found = scores.get(name)
        if found and name in ("total_return", "sharpe", "max_drawdown", "hit_rate", "payoff", "in_market"):
            told = share if is_share else number
            rows.append((label, told(found["value"]), f"95 %: {told(found['low'])} .. {told(found['high'])}"))
    rows.append(("round trips", count(facts.identity.round_trips), f"{count(facts.identity.fills)} fills"))
    of = f"{share(facts.charges.share, 1)} of the profit before them" if facts.charges.share is not None else facts.identity.currency
    rows.append(("costs", number(facts.charges.total), of))
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
    look = _BESIDE if facts.account.rivals else _ALONE
    parts = [figure(charts_account.equity(facts), look)]
    if not facts.account.rivals:
        parts.append(paragraph(_PAPER, "note"))
    final = float(facts.account.equity[-1]) / facts.account.capital - 1.0
    drawn = {name: float(line[-1]) - 1.0 for name, line in facts.account.rivals.items() if len(line)}
    if drawn:
        ordered = sorted({**drawn, "flat": 0.0}.items(), key=lambda one: -one[1])
        rows = [[words(BASELINES.get(name, name)), Cell(signed(value))] for name, value in ordered]
        caption = (
            "Net return of the whole period. Baselines were fixed before any result was seen; they trade under this run's sizing, costs and limits."
        )
        parts.append(table(("", "net return"), [[words("this run"), Cell(signed(final), is_strong=True)], *rows], caption))
    if facts.baselines:
        rows = [[words(name.replace("_", " ")), Cell(signed(value))] for name, value in sorted(facts.baselines.items(), key=lambda one: -one[1])]
        parts.append(folded("Every other rule arm, with its configured parameters", table(("arm", "net return"), rows)))
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
    parts = [figure(charts_signals.funnel(facts), look, "From prediction to fill"), listed(found.findings, "findings")]
    kept = notable(falls)
    if kept:
        look = (
            "Bars are wishes left after each gate, in the order of asking. Pale: stopped here first. Hatched: no other gate would have stopped them."
        )
        parts.append(figure(charts_signals.waterfall(facts), look, "Which gate stopped the rest"))
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
