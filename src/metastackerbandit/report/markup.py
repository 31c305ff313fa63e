"""Pieces of HTML: everything that a run can name is escaped here, and nowhere else is text put into a page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from msgspec import Struct

from metastackerbandit.report.charts import Chart


class Cell(Struct, frozen=True):
    """A cell of a table: text, whether it is a number (to the right), and whether it stands out."""

    text: str
    is_number: bool = True
    is_strong: bool = False


class Section(Struct, frozen=True):
    """A part of the page: its anchor, its heading, what the contents bar calls it, and its HTML."""

    anchor: str
    title: str
    short: str
    body: str


def words(text: str) -> Cell:
    """A cell of words."""
    return Cell(text, is_number=False)


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text."""
    return f"<p{_class(kind)}>{escape(text)}</p>"


def listed(lines: Sequence[str], kind: str = "") -> str:
    """A list of plain text; nothing for none."""
    return f"<ul{_class(kind)}>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""


def table(head: Sequence[str], rows: Sequence[Sequence[Cell]], caption: str = "", last: int = 0) -> str:
    """A table; a heading stands over its column's side, and the `last` rows are sums."""
    if not rows:
        return ""
    kinds = [cell.is_number for cell in rows[0]]
    top = "".join(f'<th scope="col"{_class("n" if number else "")}>{escape(name)}</th>' for name, number in zip(head, kinds, strict=True))
    body = []
    for place, row in enumerate(rows):
        cells = "".join(
            f"<td{_class(' '.join(kind for kind, on in (('n', cell.is_number), ('strong', cell.is_strong)) if on))}>{escape(cell.text)}</td>"
            for cell in row
        )
        body.append(f"<tr{_class('sum' if place >= len(rows) - last else '')}>{cells}</tr>")
    told = paragraph(caption, "caption") if caption else ""
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{"".join(body)}</tbody></table></div>{told}'


def tiles(rows: Sequence[tuple[str, str, str]]) -> str:
    """Figures that are seen first: name, value, and a line below."""
    return '<dl class="tiles">' + "".join(_tile(*row) for row in rows) + "</dl>"


def _tile(name: str, value: str, below: str) -> str:
    return f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd><dd class=below>{escape(below)}</dd></div>"


def figure(chart: Chart, look: str, title: str = "") -> str:
    """A chart with the sentence that says what to look at; its data lie beside it as JSON that no browser takes for markup."""
    name = escape(chart.name, quote=True)
    safe = chart.json.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    head = f"<h3>{escape(title)}</h3>" if title else ""
    return (
        f'<figure>{head}<figcaption>{escape(look)}</figcaption><div class="chart" id="chart-{name}" style="height:{chart.height}px"></div>'
        f'<script type="application/json" id="data-{name}">{safe}</script></figure>'
    )


def folded(title: str, body: str) -> str:
    """What is there for who wants it."""
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
