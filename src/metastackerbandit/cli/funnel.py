"""`msb funnel`: counts by side and stage, the waterfall of gates, and both taken apart by gate, side, frame, symbol, arm or day."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, answering, tell
from metastackerbandit.cli.looking import DaysFlag, FrameFlag, RunFlag, SymbolFlag, journal_of, lenient_gates, with_notices

if TYPE_CHECKING:
    import numpy as np

    from metastackerbandit.decision.funnel import Funnel
    from metastackerbandit.decision.waterfall import Waterfall
    from metastackerbandit.storage.lookup import Among
    from metastackerbandit.storage.run_view import RunView

ByFlag = Annotated[
    str, typer.Option("--by", metavar="gate,side,frame", help="Group by some of gate, side, frame, symbol, arm, day.", show_default=False)
]
_NAMED = 6  # symbols named in a picture's heading

PictureFlag = Annotated[Path | None, typer.Option("--picture", metavar="FILE.svg", help="Draw the waterfall.", show_default=False)]


def funnel(
    run: RunFlag = "last",
    by: ByFlag = "",
    days: DaysFlag = None,
    symbol: SymbolFlag = None,
    frame: FrameFlag = None,
    picture: PictureFlag = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """How many opinions of each side became orders and fills, and which gate stopped the rest."""
    with answering(json):
        import msgspec

        from metastackerbandit.decision.attrition import attrition, dimensions_of
        from metastackerbandit.decision.attrition_groups import Words
        from metastackerbandit.decision.attrition_text import attrition_text
        from metastackerbandit.decision.funnel import funnel_text
        from metastackerbandit.decision.waterfall import waterfall_text
        from metastackerbandit.storage.lookup import among_of

        wanted = dimensions_of(by) if by else ()
        _check_picture(picture)
        view = journal_of(home).run(run)
        rows, orders, verdict, said, found, falls = counted_of(view, among_of(view, symbol, frame, None, days))
        gates = [gate.name for gate in view.row.gates]
        payload = {**msgspec.to_builtins(found), "run": view.row.run, "days": days, "decisions": len(rows), "waterfall": msgspec.to_builtins(falls)}
        text = [funnel_text(found), "", waterfall_text(falls)]
        if wanted:
            symbols = [instrument.symbol for instrument in view.row.instruments]
            apart = attrition(rows, orders, verdict, Words(gates, symbols, view.row.arms), wanted, predictions=said)
            payload |= {"by": apart.by, "groups": apart.groups, "symmetry": apart.symmetry, "group_findings": apart.findings}
            text += ["", attrition_text(apart)]
        if picture is not None:
            _draw(picture, view, rows, found, falls)
            payload["picture"] = str(picture)
            text += ["", f"drawn: {picture}"]
        tell(payload, with_notices("\n".join(text), view), json)


class Counted(NamedTuple):
    """A run's decisions, orders, verdicts and predictions, the funnel that they make, and what fell where."""

    rows: np.ndarray
    orders: np.ndarray
    verdict: np.ndarray
    said: np.ndarray | None
    found: Funnel
    falls: Waterfall


def counted_of(view: RunView, among: Among) -> Counted:
    """The funnel of a run, or of the part of it that is meant."""
    import numpy as np

    from metastackerbandit.decision.funnel import funnel as counted
    from metastackerbandit.decision.waterfall import waterfall

    rows, verdict = view.verdicts()
    kept = among.mask(rows)
    rows, verdict, orders = rows[kept], verdict[kept], view.orders()
    orders = orders[np.isin(orders["decision"], rows["decision"])]
    gates = [gate.name for gate in view.row.gates]
    said = _predictions(view, among)
    is_spot = all(instrument.market == "spot" for instrument in view.row.instruments)
    sides = None if said is None else said["side"]
    found = counted(rows, orders, verdict, gates, is_spot=is_spot, lenient=lenient_gates(view.row.config), predicted=sides)
    return Counted(rows, orders, verdict, said, found, waterfall(rows, verdict, gates))


def _predictions(view: RunView, among: Among) -> np.ndarray | None:
    """Awake predictions of the books' own frames, with their side; None where the run heard none."""
    if not view.row.models:
        return None
    import numpy as np

    from metastackerbandit.stacking.opinion import predicted_sides

    said = view.predicted_sides()
    own = np.array([view.row.frame_of(book) for book in range(len(view.row.instruments))], np.int64)
    said = said[(said["silence"] == 0) & (said["frame_ns"] == own[said["instrument"]])]
    sides = np.zeros(len(said), np.int64)
    p_down, p_up, long_bps, short_bps = (np.ascontiguousarray(said[name]) for name in ("p_down", "p_up", "long_bps", "short_bps"))
    predicted_sides(p_down, p_up, long_bps, short_bps, sides)
    found = np.zeros(len(said), np.dtype([(name, np.int64) for name in ("instrument", "frame_ns", "closed_ns", "side")]))
    for name in ("instrument", "frame_ns", "closed_ns"):
        found[name] = said[name]
    found["side"] = sides
    return found[among.mask(found)]


def _check_picture(picture: Path | None) -> None:
    """Only SVG is drawn here: the report has the same as PNG."""
    from metastackerbandit.domain.errors import UsageError

    if picture is None or picture.suffix.lower() == ".svg":
        return
    raise UsageError(f"{picture} is not SVG", where="--picture", mend="name a file that ends in .svg, or take gates.png of `msb report`")


def _draw(picture: Path, view: RunView, rows: np.ndarray, found: Funnel, falls: Waterfall) -> None:
    from metastackerbandit.decision.waterfall_picture import waterfall_svg
    from metastackerbandit.domain.timeframe import frame_name
    from metastackerbandit.storage.whole_files import write_whole

    symbols = list(dict.fromkeys(view.row.symbols))
    frames = [frame_name(length) for length in sorted({view.row.frame_of(book) for book in range(len(view.row.instruments))})]
    many = f" and {len(symbols) - _NAMED} more" if len(symbols) > _NAMED else ""
    under = [
        f"{_period(rows)} · {', '.join(symbols[:_NAMED])}{many} · {', '.join(frames)} · arm {view.row.arm} · {len(rows):,} decisions",
        *(
            f"{side}: " + " → ".join(f"{counts[stage]:,} {stage if counts[stage] == 1 else stage + 's'}" for stage in found.stages)
            for side, counts in (("BUY", found.buy), ("SELL", found.sell))
        ),
    ]
    title = f"What the gates left of the wishes for new risk: {view.row.mode} run {view.row.run}"
    write_whole(picture, waterfall_svg(falls, title, under, found.findings).encode())


def _period(rows: np.ndarray) -> str:
    from metastackerbandit.decision.explain_text import utc_text

    if not len(rows):
        return "no decisions"
    first, last = (utc_text(int(rows["closed_ns"][place]))[:16].replace("T", " ") for place in (0, -1))
    return f"{first} to {last} UTC"
