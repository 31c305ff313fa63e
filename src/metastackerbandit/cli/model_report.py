"""A series on one page of HTML that needs nothing else: its verdict, what blocks promotion, its record in three figures, its features."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from metastackerbandit.cli.figures import Axis, Point, chart
from metastackerbandit.cli.model_evidence import features_found, number, span, strongest
from metastackerbandit.cli.model_pages import meta_label_lines
from metastackerbandit.domain.card import ModelCard, Score
from metastackerbandit.domain.quality import time_text
from metastackerbandit.training.evidence import Evidence, FeatureSkill, Figure
from metastackerbandit.training.verdict import SkillVerdict

SHOWN = 12  # features in the table
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 62em; color: #222; background: #fff; padding: 0 1em }
h1 { font-size: 1.3em } h2 { font-size: 1.05em; margin-top: 1.6em } .word { font-weight: bold }
table { border-collapse: collapse } td, th { padding: .1em .9em .1em 0; text-align: left }
td.n { text-align: right; font-variant-numeric: tabular-nums }
.figures { display: flex; flex-wrap: wrap; gap: 1em } .figures svg { width: 420px; height: 300px }
svg text { font: 11px system-ui, sans-serif; fill: #333; text-anchor: middle } svg .title { font-weight: bold; font-size: 12px }
svg .left { text-anchor: end } svg .grid { stroke: #e4e4e4 } svg .reference { stroke: #999; stroke-dasharray: 5 4 }
svg .joined, svg .interval { stroke: #24527a; stroke-width: 1.5 } svg circle { fill: #24527a; stroke: #24527a } svg .hollow { fill: #fff }
"""
_NO_RECORD = "This version carries no record: no earlier version was judged on later bars, or it was trained before records were kept."
_NOT = (
    "Every figure is of bars answered by versions that were trained before them. Intervals are 95 %. This page tells how well forecasts foresaw "
    "what became of recorded bars; it promises no profit, and a gain over the base rate may be foresight of whether the market moves, not which way."
)


def report(card: ModelCard, evidence: Evidence | None, verdict: SkillVerdict, blocked: Sequence[str]) -> str:
    """The whole page; `blocked` are sentences."""
    title = f"{card.series}: {', '.join(card.symbols)} on {card.frame}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>Version {card.version}, {escape(card.venue)} {escape(card.market)}, trained from {time_text(card.trained_from_ns)} "
        f"until {time_text(card.trained_until_ns)}: {card.n_rows:,} rows, {card.n_eff:,.0f} independent outcomes, size x {card.size:g}.</p>",
        f'<p><span class="word">{escape(verdict.word.value)}</span></p>',
        _listed(verdict.reasons),
        "<h2>What blocks promotion</h2>",
        _listed(blocked) if blocked else "<p>Nothing.</p>",
        "<h2>Walk-forward record</h2>",
    ]
    if evidence is None:
        parts.append(f"<p>{_NO_RECORD}</p>")
    else:
        parts += ['<div class="figures">', _reliability(evidence), _versions(evidence), _costs(evidence), "</div>"]
    parts += ["<h2>Scores</h2>", _scores(card.scores), "<h2>Which trades are worth taking</h2>", _listed(meta_label_lines(card))]
    if evidence is not None:
        parts += ["<h2>What each feature says alone</h2>", f"<p>{escape(features_found(evidence))}</p>", _features(strongest(evidence)[:SHOWN])]
    head = f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style></head><body>'
    return "\n".join([head, *parts, f"<p><small>{_NOT}</small></p>", "</body></html>", ""])


def _reliability(evidence: Evidence) -> str:
    points = [Point(one.predicted, one.observed) for one in evidence.bins]
    ends = sorted(value for one in evidence.bins for value in (one.predicted, one.observed))
    error = "unknown" if evidence.calibration_error is None else f"{evidence.calibration_error:.3f}"
    title = f"Reliability of p(up), error {error}"
    return chart(title, Axis("said"), Axis("came"), points, reference=(Point(ends[0], ends[0]), Point(ends[-1], ends[-1])), joined=True)


def _versions(evidence: Evidence) -> str:
    points = [_point(float(place), one.gain) for place, one in enumerate(evidence.versions)]
    marks = tuple((float(place), str(one.version)) for place, one in enumerate(evidence.versions))
    last = max(float(len(points) - 1), 1.0)
    shown = [point for point in points if point is not None]
    return chart("Gain over the base rate", Axis("version", marks), Axis("mnats"), shown, reference=(Point(0.0, 0.0), Point(last, 0.0)))


def _costs(evidence: Evidence) -> str:
    points = [_point(one.cost_bps, one.mean_bps) for one in evidence.costs]
    marks = tuple((one.cost_bps, f"{one.cost_bps:g} ({one.trades})") for one in evidence.costs if one.multiple == int(one.multiple))
    shown = [point for point in points if point is not None]
    title, across = "Net return a trade of the simplest rule", Axis("round trip, bps (trades); hollow: too few for an interval", marks)
    return chart(title, across, Axis("bps"), shown, reference=(Point(0.0, 0.0), Point(evidence.costs[-1].cost_bps, 0.0)), joined=True)


def _point(x: float, found: Figure) -> Point | None:
    return None if found.value is None else Point(x, found.value, found.low, found.high, is_hollow=found.low is None)


def _scores(scores: Sequence[Score]) -> str:
    return _table((), [(one.name, number(one.value), span(one.low, one.high), one.unit) for one in scores])


def _features(features: Sequence[FeatureSkill]) -> str:
    rows = [(one.name, number(one.ic.value), span(one.ic.low, one.ic.high), number(one.p), number(one.q), one.parity) for one in features]
    return _table(("feature", "rank IC", "95 %", "p", "q", "mirrored"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells between the first and the last are numbers."""
    lines = [f"<tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>"] if head else []
    for row in rows:
        cells = "".join(f'<td class="n">{escape(cell)}</td>' for cell in row[1:-1])
        lines.append(f"<tr><td>{escape(row[0])}</td>{cells}<td>{escape(row[-1])}</td></tr>")
    return "\n".join(["<table>", *lines, "</table>"])


def _listed(sentences: Sequence[str]) -> str:
    return "\n".join(["<ul>", *(f"<li>{escape(one.strip())}</li>" for one in sentences), "</ul>"])
