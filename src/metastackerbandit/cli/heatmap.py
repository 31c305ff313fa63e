"""`msb heatmap`: a recorded order book as numbers and as a picture, second by second around the middle price."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, answering, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metastackerbandit.domain.capture import Capture
    from metastackerbandit.domain.instrument import Instrument
    from metastackerbandit.market.cob import Cob, Heatmap
    from metastackerbandit.market.settings import CobSettings
    from metastackerbandit.runtime.book_feed import Feeds


def heatmap(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The files of one capture.")],
    symbol: Annotated[str | None, typer.Option("--symbol", metavar="SYMBOL", help="[default: the only one]", show_default=False)] = None,
    png: Annotated[Path | None, typer.Option("--png", metavar="FILE.png", help="Draw it.", show_default=False)] = None,
    metric: Annotated[Literal["imbalance", "volume", "spread"], typer.Option("--metric", help="What is told by bucket.")] = "imbalance",
    seconds: Annotated[int, typer.Option("--seconds", min=1, max=300, metavar="N", help="The newest N seconds.")] = 300,
    radius: Annotated[int, typer.Option("--radius", min=0, max=20, metavar="N", help="Buckets on each side of the middle's.")] = 10,
    bucket: Annotated[
        float | None,
        typer.Option("--bucket", min=0, metavar="PRICE", help="Width of a bucket. [default: cob.bucket, else 2 bp of the price]", show_default=False),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="As it stood then, UTC. [default: the capture's end]", show_default=False)
    ] = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """The order book of a capture by price bucket and second: imbalance, resting volume or spread, and the picture of it."""
    with answering(json):
        from metastackerbandit.config.home import home_folder
        from metastackerbandit.config.loading import load_home

        configured = load_home(home_folder(home, os.environ), os.environ, ()).config.cob
        payload = heatmap_payload(paths, symbol, png, metric, seconds, radius, bucket, until, configured)
        tell(payload, _text(payload), json)


def heatmap_payload(
    paths: Sequence[Path],
    symbol: str | None,
    png: Path | None,
    metric: str,
    seconds: int,
    radius: int,
    bucket: float | None,
    until: str | None,
    cob_settings: CobSettings,
) -> dict[str, Any]:
    """The shape of `msb heatmap --json`; a value that is not known is null."""
    from metastackerbandit.cli.market_data import received_between, time_ns
    from metastackerbandit.domain.errors import DataRefused
    from metastackerbandit.market.cob import bucket_width
    from metastackerbandit.market.cob import heatmap as heatmap_of
    from metastackerbandit.runtime.capture_rules import instruments_in
    from metastackerbandit.runtime.cob_feed import cob_of
    from metastackerbandit.runtime.recorded.reading import read_recorded
    from metastackerbandit.runtime.recorded.tables import Told

    capture = received_between(read_recorded(paths, Told(symbol=symbol)), None, time_ns(until, "--until"))
    instruments = instruments_in(capture)
    place = _place(instruments, symbol)
    chosen = instruments[place]
    tick = float(chosen.tick_size)
    wanted = bucket if bucket is not None else cob_settings.bucket.get(chosen.symbol)
    fixed = 0 if wanted is None else bucket_width(0.0, tick, fixed=wanted)
    cob, market = cob_of(capture, instruments, [fixed if n == place else 0 for n in range(len(instruments))])
    row = market.book.row[place]
    if not row["bids"] or not row["asks"]:
        what = (
            f"there is no book of {chosen.symbol}: changes came and no snapshot"
            if row["last_id"] == 0
            else f"the book of {chosen.symbol} has an empty side"
        )
        raise DataRefused(what, where=capture.source, mend="give the file with its depth snapshot first; `msb data check` tells more")
    if bucket is None and _seen(cob, place, seconds) < 0.5:  # the best levels alone: none of the usual buckets is known to its end
        reach = min(abs(int(side[place, count - 1, 0]) - int(side[place, 0, 0])) for side, count in _sides(market, row))
        cob, market = cob_of(capture, instruments, [max(reach // max(radius, 1), 1) if n == place else 0 for n in range(len(instruments))])
    if not _seen(cob, place, seconds):
        what = f"no bucket of {chosen.symbol} is known to its end: the book tells its best levels alone"
        raise DataRefused(what, where=capture.source, mend=f"give a smaller --bucket, {tick:g} is the smallest")
    width = int(cob.terms[place]["width"])
    shown = heatmap_of(cob, place, seconds=seconds, radius=radius, metric=metric)
    first = int((shown.mids == shown.mids).argmax())  # seconds before the first book are not told
    told = {
        "symbol": chosen.symbol,
        "market": chosen.market,
        "metric": metric,
        "bucket": width * tick,
        "times": shown.times[first:].tolist(),
        "prices": shown.prices.tolist(),
        "values": [[_known(value) for value in values] for values in shown.values[first:]],
        "mids": [_known(mid * tick) for mid in shown.mids[first:]],
        "imbalance": {"now": _known(cob.row[place]["imbalance"]), **{f"{n}s": _known(cob.row[place][f"average_{n}"]) for n in (1, 5, 15, 60)}},
        "picture": None,
    }
    if png is not None:
        _draw(png, capture, chosen, cob, place, shown, first, metric, width * tick)
        told["picture"] = png
    return told


def _seen(cob: Cob, place: int, seconds: int) -> float:
    """The share of seconds with a book in which something that rests is in a bucket that is known to its end."""
    from metastackerbandit.market.cob import LENGTH

    end = int(cob.row[place]["second"]) % LENGTH + LENGTH + 1
    window = slice(end - seconds, end)
    told = int((cob.mids[place, window] > 0).sum())
    seen = (cob.bids[place, 0, window] + cob.asks[place, 0, window] > 0).any(axis=-1)
    return int(seen.sum()) / max(told, 1)


def _sides(market: Feeds, row: Any) -> tuple[tuple[Any, int], ...]:
    return (market.book.bids, int(row["bids"])), (market.book.asks, int(row["asks"]))


def _place(instruments: Sequence[Instrument], symbol: str | None) -> int:
    from metastackerbandit.domain.errors import NotFound, UsageError

    names = [one.symbol for one in instruments]
    if symbol is None and len(names) > 1:
        raise UsageError(f"the capture has {len(names)} instruments", where="msb heatmap", mend=f"choose with --symbol: {', '.join(names)}")
    if symbol is not None and symbol.upper() not in names:
        raise NotFound(f"no {symbol} in the capture", where="--symbol", mend=f"it has {', '.join(names)}")
    return 0 if symbol is None else names.index(symbol.upper())


def _draw(png: Path, capture: Capture, chosen: Instrument, cob: Cob, place: int, shown: Heatmap, first: int, metric: str, bucket: float) -> None:
    from metastackerbandit.market.cob import newest
    from metastackerbandit.report.heatmap_picture import HeatmapFacts, heatmap_picture
    from metastackerbandit.storage.whole_files import write_whole

    window = newest(cob, place, len(shown.times) - first)
    facts = HeatmapFacts(
        symbol=chosen.symbol,
        quote=_quote(chosen),
        source=", ".join(Path(name).name for name in capture.source.split(", ")),
        metric=metric,
        times=shown.times[first:],
        mids=shown.mids[first:] * float(chosen.tick_size),
        centres=cob.centres[place, window],
        bucket=bucket,
        bids=cob.bids[place, 0, window],
        asks=cob.asks[place, 0, window],
        values=shown.values[first:],
        leaning=cob.imbalances[place, window],
    )
    write_whole(png, heatmap_picture(facts))


def _quote(one: Instrument) -> str:
    """What an instrument is quoted in: as its venue says, or as its symbol ends."""
    from metastackerbandit.storage.candle_names import base_and_quote

    if one.quote or one.venue == "HYPERLIQUID":  # whose names of coins do not say
        return one.quote or "quote currency"
    return base_and_quote(one.symbol)[1] or "quote currency"


def _known(value: Any) -> float | None:
    return float(value) if value == value else None


def _text(payload: dict[str, Any]) -> str:
    told = [value for value in payload["mids"] if value is not None]
    averages = ", ".join(f"{name} {value:+.3f}" if value is not None else f"{name} n/a" for name, value in payload["imbalance"].items())
    lines = [
        f"{payload['symbol']} {payload['market']}: {len(payload['times']):,} seconds, {len(payload['times']) - len(told):,} without a book; "
        f"buckets of {payload['bucket']:g}; middle {min(told):g} to {max(told):g}",
        f"imbalance of the nearest buckets, and its averages: {averages}",
    ]
    return "\n".join(
        [*lines, f"drawn in {payload['picture']}"] if payload["picture"] else [*lines, "--png FILE.png draws it, --json tells the values"]
    )
