"""`msb replay`: a capture's raw frames drive the engine: books, bars from trades, features of the book, decisions, orders, fills."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import JsonFlag, answering, tell
from metastackerbandit.cli.wanted import Wanted, on_market

if TYPE_CHECKING:
    from metastackerbandit.cli.session import Session

FRAME, ARM = "1s", "book_pressure"  # what is traded where nobody says otherwise


@on_market("data", "market", "funding", "mood")
def replay(
    wanted: Wanted,
    paths: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The files of one capture, a raw log, or stored columns.")],
    twin: Annotated[bool, typer.Option("--twin", help="Look at every decision in a mirror; a one-sided engine alarms.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="One line an action instead of the live view.")] = False,
    json: JsonFlag = False,
) -> None:
    """Drive the engine with a recorded market: order books and trades as they came, on bars of one second."""
    with answering(json):
        from metastackerbandit.cli.replay import replayed, run_text
        from metastackerbandit.cli.session import open_session

        asked = wanted._replace(captures=tuple(paths), frames=wanted.frames or FRAME, arm=wanted.arm or ARM)
        session = open_session(asked)
        payload = replayed(session, quiet=json, plain=plain, twin=twin)
        payload |= {"market": market_told(session), "book_features": {one.symbol: features_told(session, s) for s, one in _traded(session)}}
        tell(payload, "\n".join([run_text(payload), *market_text(payload)]), json)


def _traded(session: Session) -> list[tuple[int, Any]]:
    """The recording's instruments with their places."""
    return list(enumerate(session.recording.instruments))


def market_told(session: Session) -> dict[str, dict[str, Any]]:
    """Of each symbol: bars, seconds of its book, and in how many of them the book could be trusted."""
    told = {}
    for s, one in _traded(session):
        seconds, bars = session.recording.seconds[s], session.recording.bars[s]
        assert seconds is not None
        trusted = seconds["is_trusted"] != 0
        told[one.symbol] = {
            "bars": len(bars),
            "seconds": len(seconds),
            "trusted_seconds": int(trusted.sum()),
            "spread_bps": float(seconds["spread_mean_bps"][trusted].mean()) if trusted.any() else None,
            "book_changes": int(seconds["updates"].sum()),
            "trades": int(seconds["trades"].sum()),
        }
    return told


def features_told(session: Session, s: int) -> dict[str, Any]:
    """The features of a symbol's book on the traded frame: how many there are, in how many bars all are valid, and the last bar's."""
    from metastackerbandit.domain.timeframe import frame_ns
    from metastackerbandit.features.batch import columns_of, features_over
    from metastackerbandit.features.catalog import FAMILIES
    from metastackerbandit.market.frames import frame_bars

    recording, length = session.recording, frame_ns(session.plan.frame)
    families = [family.name for family in FAMILIES if any(spec.needs == "book" for spec in family.specs)]
    table = features_over(
        frame_bars(recording.bars[s], recording.base_ns, length),
        length,
        None,
        has_volume=recording.has_volume[s],
        has_flow=recording.has_flow[s],
        families=families,
        seconds=recording.seconds[s],
    )
    last = table.values[-1].tolist() if len(table.values) else []
    return {
        "features": len(columns_of(families)),
        "bars": len(table.values),
        "bars_with_all": int(table.valid.all(axis=1).sum()),
        "last": {name: value if value == value else None for name, value in zip(columns_of(families), last, strict=False)},
    }


def market_text(payload: dict[str, Any]) -> list[str]:
    """The market and its features for a reader."""
    lines = []
    for symbol, told in payload["market"].items():
        features = payload["book_features"][symbol]
        spread = "n/a" if told["spread_bps"] is None else f"{told['spread_bps']:.3f} bps"
        lines.append(
            f"  {symbol}: {told['bars']:,} bars from {told['trades']:,} trades; the book could be trusted in {told['trusted_seconds']:,} of "
            f"{told['seconds']:,} seconds ({told['book_changes']:,} changes, mean spread {spread})"
        )
        lines.append(
            f"  {symbol}: {features['features']} features of the book, all valid in {features['bars_with_all']:,} of {features['bars']:,} bars"
        )
    return lines
