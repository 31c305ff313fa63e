"""The parts of a page about what lies behind a run: its models, what watched it, and what was run."""

from __future__ import annotations

from itertools import groupby

from metastackerbandit.report import charts_signals
from metastackerbandit.report.facts import Facts
from metastackerbandit.report.looks import count, counted, number
from metastackerbandit.report.markup import Cell, Section, figure, folded, listed, paragraph, table, words

_SHOWN = 4  # symbols whose candles are open; the others are folded
_PAPER = "Nothing ran beside it: baselines, random entries and other costs are run by a backtest (`msb backtest` over the same candles)."


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
        parts.append(figure(charts_signals.calibration(both), look, frame))
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
        caption = f"{count(both[0].awake)} bars answered. Bars: with a known outcome; error: beyond chance; slope: 1 is calibrated, with 95 %."
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
            paragraph(
                f"{counted(len(found.alarms), 'alarm')}, {found.halts} of them calls for a halt; "
                "the worst of each monitor about each book (`msb monitors` tells more):"
            )
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
            f"{counted(told.decisions, 'decision')}, {counted(told.orders, 'order')}, {counted(told.fills, 'fill')}, "
            f"{counted(told.round_trips, 'round trip')}",
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
