"""`msb heatmap`: a recorded order book as numbers and as a picture, second by second around the middle price."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, answering, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from metastackerbandit.cli.heatmap_books import Filled
    from metastackerbandit.market.cob import Heatmap
    from metastackerbandit.market.settings import CobSettings


def heatmap(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The files of one capture, or captures of several venues.")],
    symbol: Annotated[
        str | None,
        typer.Option("--symbol", metavar="SYMBOL", help="Of several venues the asset too, such as BTC. [default: the only one]", show_default=False),
    ] = None,
    venues: Annotated[
        str | None,
        typer.Option("--venues", metavar="NAME,...", help="What rests at these alone, such as binance-spot. [default: all]", show_default=False),
    ] = None,
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
    """The order book of a capture by price bucket and second: imbalance, resting volume or spread, and the picture of it.

    Captures of several venues are consolidated into one book of the asset.
    """
    with answering(json):
        from metastackerbandit.cli.market_data import config_of

        configured = config_of(home).cob
        wanted = Wanted(symbol, venues, metric, seconds, radius, bucket, until)
        payload = heatmap_payload(paths, wanted, png, configured)
        tell(payload, _text(payload), json)


class Wanted(NamedTuple):
    """What is asked of a book: the options of `msb heatmap`."""

    symbol: str | None
    venues: str | None
    metric: str
    seconds: int
    radius: int
    bucket: float | None
    until: str | None


def heatmap_payload(paths: Sequence[Path], wanted: Wanted, png: Path | None, cob_settings: CobSettings) -> dict[str, Any]:
    """The shape of `msb heatmap --json`; a value that is not known is null."""
    from metastackerbandit.cli.heatmap_books import books_in, chosen_of, filled_books, first_told, label_of, shares_of
    from metastackerbandit.market.cob import AVERAGED, LENGTH, average_back, leaning
    from metastackerbandit.market.cob import heatmap as heatmap_of

    books = books_in(paths, wanted.symbol, wanted.until)
    chosen = chosen_of(books, wanted.venues)
    filled = filled_books(books, chosen, wanted, cob_settings)
    filtered = None if len(chosen) == len(books) else chosen
    shown = heatmap_of(filled.cob, 0, seconds=wanted.seconds, radius=wanted.radius, metric=wanted.metric, venues=filtered)
    first = first_told(filled.cob, shown)
    leans = leaning(filled.cob, 0, venues=filtered)
    averages = {f"{n}s": _known(average_back(leans, LENGTH - 1, n)) for n in AVERAGED}
    told = {
        "symbol": label_of(books),
        "market": ", ".join(dict.fromkeys(one.instrument.market for one in books)),
        "metric": wanted.metric,
        "bucket": filled.bucket,
        "times": shown.times[first:].tolist(),
        "prices": shown.prices.tolist(),
        "values": [[_known(value) for value in values] for values in shown.values[first:]],
        "mids": [_known(mid * filled.tick) for mid in shown.mids[first:]],
        "imbalance": {"now": _known(leans[-1]), **averages},
        "venues": shares_of(filled, chosen, len(shown.times) - first, wanted.radius),
        "picture": None,
    }
    if png is not None:
        _draw(png, filled, chosen, shown, first, wanted.metric, leans)
        told["picture"] = png
    return told


def _draw(png: Path, filled: Filled, chosen: tuple[int, ...], shown: Heatmap, first: int, metric: str, leans: np.ndarray) -> None:
    from metastackerbandit.cli.heatmap_books import label_of, quote_of, resting_at
    from metastackerbandit.market.cob import newest
    from metastackerbandit.report.heatmap_picture import HeatmapFacts, heatmap_picture
    from metastackerbandit.storage.whole_files import write_whole

    window = newest(filled.cob, 0, len(shown.times) - first)
    at = ", ".join(filled.books[v].name for v in chosen)
    facts = HeatmapFacts(
        symbol=label_of(filled.books) + (f" ({at})" if len(filled.books) > 1 else ""),
        quote=quote_of(filled.books),
        source=", ".join(Path(name).name for one in filled.books for name in one.capture.source.split(", ")),
        metric=metric,
        times=shown.times[first:],
        mids=shown.mids[first:] * filled.tick,
        centres=filled.cob.centres[0, window],
        bucket=filled.bucket,
        bids=resting_at(filled.cob.bids[0, list(chosen), window]),
        asks=resting_at(filled.cob.asks[0, list(chosen), window]),
        values=shown.values[first:],
        leaning=leans[len(leans) - len(shown.times) + first :],
    )
    write_whole(png, heatmap_picture(facts))


def _share_text(one: dict[str, Any]) -> str:
    """A venue's part of the book in one line."""
    share = f"{one['share']:.1%} of what rests" if one["share"] is not None else "share n/a: no bucket is known at all venues"
    left_out = "" if one["shown"] else "; not shown"
    return f"{one['venue']} {one['symbol']}: {share} near the middle, a book in {one['seconds']:,} seconds{left_out}"


def _known(value: Any) -> float | None:
    return float(value) if value == value else None


def _text(payload: dict[str, Any]) -> str:
    told = [value for value in payload["mids"] if value is not None]
    averages = ", ".join(f"{name} {value:+.3f}" if value is not None else f"{name} n/a" for name, value in payload["imbalance"].items())
    lines = [
        f"{payload['symbol']} {payload['market']}: {len(payload['times']):,} seconds, {len(payload['times']) - len(told):,} without a book; "
        f"buckets of {payload['bucket']:g}; middle {min(told):g} to {max(told):g}",
        f"imbalance of the nearest buckets, and its averages: {averages}",
        *(_share_text(one) for one in payload["venues"] if len(payload["venues"]) > 1),
    ]
    return "\n".join(
        [*lines, f"drawn in {payload['picture']}"] if payload["picture"] else [*lines, "--png FILE.png draws it, --json tells the values"]
    )
