"""The waterfall as a picture: SVG text of our own, mirrored bars by side, what fell at each gate and what it alone stopped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from metastackerbandit.decision.waterfall import Fall, Waterfall, notable

# Pixels of the picture, and its colours: told apart also without colour, by side of the axis, tint and hatching.
_WIDTH, _LABEL, _BAR, _GAP, _EDGE = 1240, 170, 310, 8, 24
_ROW, _THICK, _TOP, _HEAD, _LINE = 34, 20, 70, 34, 18
_MOST_FINDINGS, _LETTERS = 6, 165
_INK, _FAINT, _GRID = "#1b1f24", "#59636e", "#d8dee4"
_COLOURS = {"BUY": "#1f7a8c", "SELL": "#c8553d"}
_FALLEN = 0.30  # opacity of what fell
_TICKS = (0.5, 1.0)  # of the longest bar


def waterfall_svg(found: Waterfall, title: str, under: Sequence[str], findings: Sequence[str] = ()) -> str:
    """The whole picture; `under` are the lines below the title, `findings` what stands at its foot."""
    kept = notable(found)
    most = max(found.buy, found.sell, 1)
    rows = [("asked for new risk", found.buy, Fall(found.buy, 0, 0, 0), found.sell, Fall(found.sell, 0, 0, 0))]
    buy, sell = found.buy, found.sell
    for step in kept:
        rows.append((step.gate, buy, step.buy, sell, step.sell))
        buy, sell = step.buy.left, step.sell.left
    top = _TOP + _LINE * len(under)
    foot = top + _HEAD + _ROW * len(rows)
    told = _folded(findings)
    height = foot + 74 + _LINE * len(told)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'font-family="system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif" font-size="14" role="img">',
        f"<title>{escape(title)}</title>",
        _defs(),
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(_EDGE, 38, title, size=20, weight="600"),
        *(_text(_EDGE, 62 + _LINE * n, line, colour=_FAINT) for n, line in enumerate(under)),
        *_axes(top, foot, most),
    ]
    for n, (name, buy_before, buy_fall, sell_before, sell_fall) in enumerate(rows):
        y = top + _HEAD + _ROW * n
        lines.append(_text(_WIDTH / 2, y + _THICK - 5, name, anchor="middle", weight="600"))
        lines += _side("SELL", y, sell_before, sell_fall, most)
        lines += _side("BUY", y, buy_before, buy_fall, most)
    lines += _legend(foot + 16, len(found.steps) - len(kept))
    lines += [_text(_EDGE, foot + 62 + _LINE * n, line) for n, line in enumerate(told)]
    return "\n".join([*lines, "</svg>", ""])


def _side(side: str, y: float, before: int, fall: Fall, most: int) -> list[str]:
    """One side of one gate: what is left, what fell beside it (hatched where this gate alone stopped it), and the numbers."""
    left, fell, alone = (count * _BAR / most for count in (fall.left, fall.fell, fall.sole))
    parts = [
        _bar(side, y, 0.0, left, f'fill="{_COLOURS[side]}"'),
        _bar(side, y, left, fell, f'fill="{_COLOURS[side]}" fill-opacity="{_FALLEN}"'),
        _bar(side, y, left, alone, f'fill="url(#alone-{side})"'),
    ]
    x, anchor = _at(side, before * _BAR / most + _GAP), "start" if side == "BUY" else "end"
    number = f'<tspan font-weight="600">{fall.left:,}</tspan>'
    told = escape(_told(fall))
    words = f"{number} {told}" if side == "BUY" else f"{told} {number}"
    parts.append(f'<text x="{x:.1f}" y="{y + _THICK - 5:.1f}" text-anchor="{anchor}" fill="{_INK}">{words.strip()}</text>')
    return [part for part in parts if part]


def _told(fall: Fall) -> str:
    if not fall.fell:
        return ""
    unknown = f", {fall.unknown:,} no data" if fall.unknown else ""
    alone = f", {fall.sole:,} alone" if fall.sole else ""
    return f"−{fall.fell:,}{unknown}{alone}"


def _bar(side: str, y: float, start: float, length: float, how: str) -> str:
    if length <= 0.0:
        return ""
    x = _at(side, start) if side == "BUY" else _at(side, start + length)
    return f'<rect x="{x:.2f}" y="{y:.1f}" width="{length:.2f}" height="{_THICK}" {how}/>'


def _at(side: str, distance: float) -> float:
    """The place that is so far from the axis."""
    return _WIDTH / 2 + (_LABEL / 2 + distance) * (1.0 if side == "BUY" else -1.0)


def _axes(top: float, foot: float, most: int) -> list[str]:
    """The two sides' names, their zero lines, and faint lines at half and all of the longest bar."""
    lines = []
    for side, anchor in (("SELL", "end"), ("BUY", "start")):
        lines.append(_text(_at(side, 0.0), top + 12, side, anchor=anchor, weight="700", colour=_COLOURS[side]))
        for share in (0.0, *_TICKS):
            count = round(most * share)
            if share and abs(count - most * share) < 0.5:
                x = _at(side, count * _BAR / most)
                lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + 18}" y2="{foot}" stroke="{_GRID}"/>')
                lines.append(_text(x, top + 12, f"{count:,}", anchor="middle", colour=_FAINT, size=12))
            elif not share:
                x = _at(side, 0.0)
                lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + 18}" y2="{foot}" stroke="{_FAINT}"/>')
    return lines


def _legend(y: float, others: int) -> list[str]:
    entries = (
        ("left after the gate", 'fill="#59636e"'),
        ("fell at the gate, the first that stopped it", f'fill="#59636e" fill-opacity="{_FALLEN}"'),
        ("of these, no other gate stopped it", 'fill="url(#alone-key)"'),
    )
    lines, x = [], float(_EDGE)
    for words, how in entries:
        lines.append(f'<rect x="{x:.1f}" y="{y}" width="26" height="12" {how}/>')
        if "url" in how:
            lines.append(f'<rect x="{x:.1f}" y="{y}" width="26" height="12" fill="#59636e" fill-opacity="{_FALLEN}"/>')
        lines.append(_text(x + 34, y + 11, words, colour=_FAINT, size=13))
        x += 34 + 7.2 * len(words) + 26
    lines.append(_text(_WIDTH - _EDGE, y + 11, f"counts of decisions; nothing fell at {others} other gates", anchor="end", colour=_FAINT, size=13))
    return lines


def _defs() -> str:
    """Hatching for what one gate alone stopped."""
    patterns = "".join(
        f'<pattern id="alone-{name}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<line x1="0" y1="0" x2="0" y2="6" stroke="{colour}" stroke-width="2.4"/></pattern>'
        for name, colour in (*_COLOURS.items(), ("key", "#59636e"))
    )
    return f"<defs>{patterns}</defs>"


def _text(x: float, y: float, words: str, *, anchor: str = "start", colour: str = _INK, size: int = 14, weight: str = "400") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" fill="{colour}">{escape(words)}</text>'


def _folded(findings: Sequence[str]) -> list[str]:
    """The first findings, each cut to the width of the picture."""
    shown = [f"{line[: _LETTERS - 1]}…" if len(line) > _LETTERS else line for line in findings[:_MOST_FINDINGS]]
    rest = len(findings) - len(shown)
    return [f"← {line}" for line in shown] + ([f"and {rest} more: msb funnel"] if rest else [])
