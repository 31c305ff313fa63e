"""`msb data`: list, check and import recorded candles; record live streams, check and prune what was captured; the self-test of market data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, SetFlags, Verbs, answering, tell, tell_error
from metastackerbandit.domain.errors import ConnectFailed, DataRefused, UsageError

if TYPE_CHECKING:
    from metastackerbandit.domain.errors import OperatorError
    from metastackerbandit.runtime.recorded.tables import Told
    from metastackerbandit.storage.candle_check import Checked, Listed

app = typer.Typer(cls=Verbs, help="List, check and import candles; record and check streams.", no_args_is_help=True, rich_markup_mode=None)

MarketFlag = Annotated[str | None, typer.Option("--market", metavar="spot|perp", help="If the folder does not say.", show_default=False)]
SymbolFlag = Annotated[str | None, typer.Option("--symbol", metavar="SYMBOL", help="If the file does not say.", show_default=False)]
VenueFlag = Annotated[str | None, typer.Option("--venue", metavar="VENUE", help="If the file does not say.", show_default=False)]
DataFlag = Annotated[Path | None, typer.Option("--data", metavar="FOLDER", help="Candles. [default: the installation's own]", show_default=False)]
FrameFlag = Annotated[str | None, typer.Option("--frame", metavar="FRAME", help="Length of a candle. [default: from the times]", show_default=False)]

MISSED = 5  # the exit code when the self-test misses a defect
_SHOWN = 40  # issues that the text answer lists; --json has all


@app.command("list")
def list_candles(
    data: DataFlag = None,
    market: MarketFlag = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """What candles there are: symbol, market, frame, span, rows, absent rows, where the rules come from."""
    with answering(json):
        from metastackerbandit.config.home import home_folder
        from metastackerbandit.storage.candle_check import listed
        from metastackerbandit.storage.candle_names import files_by_symbol
        from metastackerbandit.storage.store import leaf_folders, store_folder

        folder = data if data is not None else store_folder(home_folder(home, os.environ))
        leaves = leaf_folders(folder)
        if data is not None and not leaves:
            files_by_symbol(data)  # says what is wrong with a folder that was named
        rows = [row for leaf in leaves for row in listed(leaf, market)]
        tell({"folder": folder, "candles": [_row(row) for row in rows]}, _list_text(rows, folder), json)


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Candles, the files of one capture, a raw log, or a table.")],
    frame: FrameFlag = None,
    symbol: SymbolFlag = None,
    market: MarketFlag = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Everything wrong with candles or with recorded trades and books: what is broken (exit 4), and gaps, outliers, stretches without volume."""
    with answering(json):
        from metastackerbandit.runtime.recorded.reading import is_recorded
        from metastackerbandit.runtime.recorded.tables import Told

        if all(is_recorded(path) for path in paths):
            _check_capture(paths, Told(symbol=symbol, market=market), home, json)
        elif len(paths) > 1:
            raise UsageError("several files are checked together where they are one capture", where="msb data check", mend="name one file or folder")
        else:
            _check_candles(paths[0], frame, home, json)


def _check_candles(path: Path, frame: str | None, home: Path | None, json: bool) -> None:
    from metastackerbandit.cli.market_data import config_of
    from metastackerbandit.storage.candle_check import checked

    settings = config_of(home).market
    found = checked(path, frame, settings.outlier_return)
    payload = _check_payload(path, found)
    errors = [error for one in found for error in one.errors]
    if errors:
        error = _one_error(errors, path)
        tell_error(error, json, payload)
        raise typer.Exit(error.exit_code)
    tell(payload, _check_text(found), json)


def _check_capture(paths: list[Path], told: Told, home: Path | None, json: bool) -> None:
    from metastackerbandit.cli.captures import capture_payload, capture_text, graves
    from metastackerbandit.cli.market_data import config_of

    payload = capture_payload(paths, told, config_of(home).quality)
    grave = graves(payload)
    if not grave:
        tell(payload, capture_text(payload), json)
        return
    if not json:
        tell(payload, capture_text(payload), json)
    first = grave[0]
    more = f", and {len(grave) - 1} more" if len(grave) > 1 else ""
    error = DataRefused(
        f"{first['type']}: {first['what']}{more}", where=first["where"], mend="what stands above says where; record that stretch again"
    )
    tell_error(error, json, payload)
    raise typer.Exit(error.exit_code)


@app.command()
def selftest(json: JsonFlag = False) -> None:
    """Plant each defect of market data in a sandbox feed and look whether it is told in time; exit code 5 when one was missed."""
    with answering(json):
        from metastackerbandit.runtime.self_test import self_test

        found = self_test()
        missed = [one for one in found if not one.detected]
        lines = [f"{'told  ' if one.detected else 'MISSED'} {one.issue or '-':<10} {one.defect}: {one.how}" for one in found]
        lines.append(f"{len(missed)} of {len(found)} missed: do not trust this feed's data" if missed else f"all {len(found)} as they should be")
        tell({"defects": found, "missed": len(missed)}, "\n".join(lines), json)
        if missed:
            raise typer.Exit(MISSED)


@app.command()
def download(
    venue: Annotated[str, typer.Option("--venue", help="loopback or binance.")] = "loopback",
    market: Annotated[str, typer.Option("--market", metavar="spot|perp", help="Which market of it.")] = "perp",
    symbols: Annotated[
        str | None, typer.Option("--symbols", metavar="A,B", help="Symbols. [default: all, of the loopback exchange]", show_default=False)
    ] = None,
    frames: Annotated[str, typer.Option("--frames", metavar="5m,1h", help="Lengths of candles.")] = "5m",
    days: Annotated[float, typer.Option("--days", help="How far back.", min=0.01, max=4_000)] = 365.0,
    url: Annotated[str | None, typer.Option("--url", help="Another address of the venue.", show_default=False)] = None,
    home: HomeFlag = None,
    sets: SetFlags = None,
    json: JsonFlag = False,
) -> None:
    """A venue's candles over REST into the store, and its rules of what is traded beside them; what is there already is added to."""
    with answering(json):
        import os

        from metastackerbandit.cli.downloading import download_payload, download_text
        from metastackerbandit.cli.market_data import config_of
        from metastackerbandit.cli.venues import market_named, venue_named
        from metastackerbandit.config.home import home_folder

        named, kind = venue_named(venue), market_named(market)
        chosen = [one.strip().upper() for one in (symbols or "").split(",") if one.strip()]
        if not chosen and not named.is_made:
            raise UsageError("no symbols are named", where="--symbols", mend="name some, such as --symbols BTCUSDT,ETHUSDT")
        payload = download_payload(
            home_folder(home, os.environ), config_of(home, sets), named, kind, chosen, [one.strip() for one in frames.split(",")], days, url
        )
        tell(payload, download_text(payload), json)


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Candles (file or folder, named by symbol), a capture, a raw log, tables.")],
    venue: VenueFlag = None,
    symbol: SymbolFlag = None,
    market: MarketFlag = None,
    frame: FrameFlag = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Take market data into the installation; nothing that is there already comes twice. Candles: only rows that agree with those already there."""
    with answering(json):
        from metastackerbandit.cli.importing import import_candle_paths, import_recorded_paths
        from metastackerbandit.config.home import home_folder
        from metastackerbandit.runtime.recorded.reading import is_candles
        from metastackerbandit.runtime.recorded.tables import Told

        folder = home_folder(home, os.environ)
        if all(is_candles(path) for path in paths):
            tell(*import_candle_paths(folder, paths, Told(venue, symbol, market), frame), json)
        else:
            tell(*import_recorded_paths(folder, paths, Told(venue, symbol, market)), json)


@app.command()
def sql(
    query: Annotated[str | None, typer.Argument(metavar="[SELECT]", help="[default: list tables and columns]", show_default=False)] = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Ask the installation's columns, candles and journal in SQL (DuckDB), read-only."""
    with answering(json):
        from metastackerbandit.cli.sql_answer import answer_payload, answer_text, tables_payload, tables_text
        from metastackerbandit.config.home import home_folder
        from metastackerbandit.storage.sql import Database

        database = Database(home_folder(home, os.environ))
        if query is None:
            payload = tables_payload(database)
            tell(payload, tables_text(payload), json)
        else:
            answer = database.ask(query)
            tell(answer_payload(answer), answer_text(answer), json)


@app.command()
def record(
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the log goes.")],
    symbols: Annotated[str, typer.Option("--symbols", metavar="A,B", help="Symbols as the venue names them.")],
    venue: Annotated[str, typer.Option("--venue", metavar="VENUE", help="binance, mexc or hyperliquid.")] = "binance",
    market: Annotated[str, typer.Option("--market", metavar="spot|perp", help="The venue's market.")] = "perp",
    streams: Annotated[
        str, typer.Option("--streams", metavar="A,B", help="depth, trade, bookTicker, kline_1m, markPrice ...")
    ] = "depth,trade,bookTicker",
    span: Annotated[str, typer.Option("--for", metavar="TIME", help="How long, such as 90s, 5m or 2h.")] = "5m",
    url: Annotated[str | None, typer.Option("--url", metavar="ws://HOST", help="Another address of the streams.", show_default=False)] = None,
    rest_url: Annotated[str | None, typer.Option("--rest-url", metavar="http://HOST", help="Another address of REST.", show_default=False)] = None,
    home: HomeFlag = None,
    sets: SetFlags = None,
    json: JsonFlag = False,
) -> None:
    """Record live streams; Ctrl-C ends it with a whole log. Books are followed beside, so that gaps are told."""
    with answering(json):
        from metastackerbandit.cli.market_data import config_of
        from metastackerbandit.cli.record import Shown, record_payload, record_text, seconds_of

        config = config_of(home, sets)
        shown = Shown()
        try:
            payload = record_payload(
                config,
                venue=venue.upper(),
                market=market,
                symbols=_names(symbols),
                streams=_names(streams),
                out=out,
                seconds=seconds_of(span, "--for"),
                url=url,
                rest_url=rest_url,
                show=shown,
            )
        finally:
            shown.end()
        if not payload["frames"]:
            said = payload["issues"][-1]["what"] if payload["issues"] else "the venue sent nothing"
            error = ConnectFailed(f"nothing was received: {said}", where=f"{payload['venue']} {market}", mend="check the network and the address")
            tell_error(error, json, payload)
            raise typer.Exit(error.exit_code)
        tell(payload, record_text(payload), json)


@app.command()
def prune(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A raw log, the folder in which they are, or the `inputs` of a home.")],
    keep_days: Annotated[
        float | None, typer.Option("--keep-days", metavar="DAYS", help="Older ones leave. [default: as configured]", show_default=False)
    ] = None,
    keep_bytes: Annotated[
        str | None, typer.Option("--keep-bytes", metavar="SIZE", help="As 500MB or 50GB. [default: as configured]", show_default=False)
    ] = None,
    archive: Annotated[
        Path | None, typer.Option("--archive", metavar="FOLDER", help="Move them there. [default: as configured]", show_default=False)
    ] = None,
    pins: Annotated[list[int] | None, typer.Option("--pin", metavar="RUN", help="Inputs of this run stay from now on.", show_default=False)] = None,
    unpins: Annotated[list[int] | None, typer.Option("--unpin", metavar="RUN", help="They may leave again.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would leave.")] = False,
    home: HomeFlag = None,
    sets: SetFlags = None,
    json: JsonFlag = False,
) -> None:
    """Take out the oldest segments of raw logs, or the inputs of the oldest runs: those too old, and as many as make the rest small enough.

    Never what may be being written. Of runs, those that have no end, the newest of each market and those that are pinned stay.
    """
    with answering(json):
        from metastackerbandit.cli.market_data import config_of
        from metastackerbandit.cli.pruning import limits_of, prune_inputs_payload, prune_inputs_text, prune_payload, prune_text
        from metastackerbandit.storage.input_retention import has_inputs

        config = config_of(home, sets)
        if has_inputs(folder):
            limits = limits_of(config.input_log, "input_log", keep_days, keep_bytes)
            payload = prune_inputs_payload(folder, limits, archive, pins or (), unpins or (), dry_run=dry_run)
            tell(payload, prune_inputs_text(payload), json)
            return
        if pins or unpins:
            raise UsageError("only inputs of runs are pinned", where="--pin", mend="name the folder `inputs` of a home")
        payload = prune_payload(folder, limits_of(config.raw_log, "raw_log", keep_days, keep_bytes), archive, dry_run=dry_run)
        tell(payload, prune_text(payload), json)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _row(row: Listed) -> dict[str, Any]:
    return {
        "symbol": row.symbol,
        "market": row.market,
        "venue": row.venue,
        "frame": row.frame,
        "from": row.first,
        "to": row.last,
        "rows": row.rows,
        "missing": row.missing,
        "rules": row.rules,
        "folder": row.folder,
        "problem": row.problem,
    }


def _list_text(rows: list[Listed], folder: Path) -> Any:
    if not rows:
        return f"no candles in {folder} yet: `msb data import PATH` takes some in"
    from rich.table import Table

    table = Table(box=None)
    for name in ("symbol", "market", "frame", "from", "to", "rows", "missing", "rules"):
        table.add_column(name, no_wrap=True, justify="right" if name in ("rows", "missing") else "left")
    table.add_column("problem", overflow="fold")
    for row in rows:
        span = [row.first and row.first[:10], row.last and row.last[:10]]
        known = [row.market, row.frame, *span, f"{row.rows:,}", f"{row.missing:,}", row.rules, row.problem]
        table.add_row(row.symbol, *(value or "" for value in known))
    return table


def _check_payload(path: Path, found: tuple[Checked, ...]) -> dict[str, Any]:
    """The stable shape; `frames` counts records, and what only a book capture has is null."""
    return {
        "file": path,
        "kind": "candles",
        "frames": sum(one.rows for one in found),
        "gaps": sum(one.gaps for one in found),
        "missing": sum(one.missing for one in found),
        "resyncs": None,
        "crossed_while_live": None,
        "bookticker": None,
        "issues": [_issue(issue, one, len(found)) for one in found for issue in one.issues],
        "files": [{"file": one.path, "frame": one.frame, "rows": one.rows, "gaps": one.gaps, "missing": one.missing} for one in found],
    }


def _issue(issue: Any, one: Checked, files: int) -> dict[str, Any]:
    where = issue.where if files == 1 else f"{one.path.name} {issue.where}"
    return {"type": issue.kind, "severity": issue.severity, "where": where, "what": issue.what, "count": issue.count}


def _one_error(errors: list[OperatorError], path: Path) -> OperatorError:
    """One file's error as it is; of several files, all of them in one."""
    if len(errors) == 1:
        return errors[0]
    from metastackerbandit.domain.errors import DataRefused

    told = "; ".join(f"{error.where}: {error.what}" for error in errors)
    return DataRefused(f"{len(errors)} files are broken: {told}", where=str(path), mend="; ".join(dict.fromkeys(error.mend for error in errors)))


def _check_text(found: tuple[Checked, ...]) -> str:
    lines = [f"{one.path.name}: {one.rows:,} candles of {one.frame}, {one.gaps:,} gaps, {one.missing:,} absent, sound" for one in found]
    issues = [f"  {issue.severity:<8} {issue.kind:<12} {one.path.name} {issue.where}: {issue.what}" for one in found for issue in one.issues]
    if len(issues) > _SHOWN:
        issues = [*issues[:_SHOWN], f"  and {len(issues) - _SHOWN:,} more (--json lists all)"]
    return "\n".join([*lines, *issues])
