"""The whole page: one file of HTML that asks for nothing else, the same bytes for the same run."""

from __future__ import annotations

import base64
import gzip
from functools import cache
from html import escape
from pathlib import Path

from metastackerbandit.report import sections, sections_behind, sections_money
from metastackerbandit.report.facts import Facts
from metastackerbandit.report.looks import named, number
from metastackerbandit.report.markup import Section, paragraph

_NAMED = 5  # symbols in the heading; the setup names all
_HERE = Path(__file__).parent
_NOT = (
    "Every number is from the journal of this run, and what is drawn from its candles says so. Intervals are 95 %. Past results of a simulated venue "
    "promise nothing; costs and fills are modelled."
)


def page_of(facts: Facts) -> str:
    """The page of a run."""
    told = facts.identity
    title = f"{named(told.symbols, _NAMED)} on {', '.join(told.frames)}, {told.arm}"
    under = f"{told.since} to {told.until} UTC" if told.since else "nothing was decided"
    parts = (
        sections.verdict(facts),
        sections.equity(facts),
        sections.signals(facts),
        sections_money.trades(facts),
        sections_money.results(facts),
        sections_money.costs(facts),
        sections_money.exposure(facts),
        sections_behind.calibration(facts),
        sections_behind.watched(facts),
        sections_behind.setup(facts),
    )
    made = (
        paragraph("This is a MADE market, not a recorded one: nothing here says anything about trading.", "made")
        if told.lineage == "simulated"
        else ""
    )
    return "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">'
            f"<title>{escape(title)}: {told.mode} run {told.run}</title><style>{_beside('page.css')}</style></head><body>",
            f'<header><p class="under">{escape(told.mode)} run {told.run} · {escape(under)}</p><h1>{escape(title)}</h1>',
            f"{paragraph(_made_of(facts), 'under')}{made}</header>",
            f"<nav><div>{''.join(_link(one) for one in parts)}</div></nav>",
            f"<main>{''.join(_section(one) for one in parts)}</main>",
            f"<footer>{paragraph(_NOT)}</footer>",
            "<noscript><p>The charts need JavaScript; the pictures beside this page do not.</p></noscript>",
            f'<script type="text/plain" id="plotly">{_plotly()}</script>',
            f"<script>{_beside('page.js')}</script>",
            "</body></html>",
            "",
        )
    )


def _made_of(facts: Facts) -> str:
    """Candles, capital, costs and code in a line."""
    told = facts.identity
    candles = f"recorded candles of {told.source}" if told.lineage == "recorded" else "made candles"
    costs = f"taker fee {told.costs['taker_fee_bps']:g}, half spread {told.costs['half_spread_bps']:g}, slippage {told.costs['slippage_bps']:g} bps"
    return f"{candles} · {number(told.capital)} {told.currency} · {costs} · code {told.code}"


def _section(one: Section) -> str:
    return f'<section id="{one.anchor}"><h2>{escape(one.title)}</h2>{one.body}</section>'


def _link(one: Section) -> str:
    return f'<a href="#{one.anchor}">{escape(one.short)}</a>'


def _beside(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8").strip()


@cache
def _plotly() -> str:
    """Plotly's script as its package ships it, compressed: 2.0 MB of text in place of 4.8; the page unpacks it."""
    from plotly.offline import get_plotlyjs

    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()
