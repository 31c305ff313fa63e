"""`msb models`: which models there are, which serve, what speaks against one, and every change of that."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, SetFlags, Verbs, answering, tell
from metastackerbandit.cli.who import who

if TYPE_CHECKING:
    from metastackerbandit.domain.card import ModelCard
    from metastackerbandit.storage.fitness import Refusal, Use
    from metastackerbandit.storage.registry import Registry
    from metastackerbandit.training.evidence import Evidence

app = typer.Typer(cls=Verbs, help="List, show, promote, roll back and waive models.", no_args_is_help=True, rich_markup_mode=None)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="A series, such as stack-5m-BTCUSDT-1a2b3c4d5e, or one version of it.")]
SymbolFlag = Annotated[str | None, typer.Option("--symbol", metavar="BTCUSDT", help="[default: every symbol of the series]", show_default=False)]
FrameFlag = Annotated[str | None, typer.Option("--frame", metavar="5m", help="[default: the frame of the series]", show_default=False)]


@app.command("list")
def list_models(home: HomeFlag = None, json: JsonFlag = False) -> None:
    """Every series with its newest version, which slot each serves, and the waivers in force."""
    with answering(json):
        from metastackerbandit.cli.model_pages import list_text, series_row, slot_row, waiver_row
        from metastackerbandit.storage.fitness import in_force

        registry, now_ns = _registry(home), time.time_ns()
        slots = [slot_row(registry, slot, now_ns) for slot in registry.slots()]
        payload = {
            "folder": registry.folder,
            "models": [series_row(registry, name, slots) for name in registry.series()],
            "slots": slots,
            "waivers": [waiver_row(waiver, now_ns) for waiver in registry.waivers() if in_force(waiver, now_ns)],
        }
        tell(payload, list_text(payload), json)


@app.command()
def show(
    which: IdArgument,
    features: Annotated[bool, typer.Option("--features", help="Also what each feature says alone, of a series' newest version.")] = False,
    sets: SetFlags = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """One version's card (of a series: the newest): scores with intervals, weights, files, waivers, and what would block its promotion."""
    with answering(json):
        from metastackerbandit.cli.model_pages import page, page_text

        registry, now_ns = _registry(home), time.time_ns()
        card = _card(registry, which)
        found = registry.refusals(card, _use(card, card.symbols[0], card.frame, home, sets), now_ns)
        payload = page(registry, card, found, _evidence(registry, card, found), now_ns)
        tell(payload, page_text(payload, with_features=features), json)


@app.command()
def report(
    series: Annotated[str, typer.Argument(metavar="SERIES", help="The series, told by its newest version.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="[default: reports/SERIES.html in the home]", show_default=False)] = None,
    sets: SetFlags = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Write one page about a series: verdict, what blocks promotion, reliability, gain by version, cost curve, features. It needs no other file."""
    with answering(json):
        from metastackerbandit.cli.market_data import config_of
        from metastackerbandit.cli.model_report import report as written
        from metastackerbandit.config.home import home_folder
        from metastackerbandit.storage.fitness import binding
        from metastackerbandit.storage.whole_files import write_whole
        from metastackerbandit.training.promotion import shortfalls
        from metastackerbandit.training.verdict import judge_skill

        registry, place = _registry(home), home_folder(home, os.environ)
        card = _card(registry, series)
        found = registry.refusals(card, _use(card, card.symbols[0], card.frame, home, sets), time.time_ns())
        lacking = shortfalls(card, config_of(home, sets).training)
        blocked = (*lacking, *(f"check {one.check}: it {one.what}" for one in binding(found)))
        verdict = judge_skill(card.scores)
        path = out or place / "reports" / f"{card.series}.html"
        write_whole(path, written(card, _evidence(registry, card, found), verdict, blocked).encode())
        tell({"report": path, "id": card.model_id, "verdict": verdict.word.value, "blocked": blocked}, f"{verdict.word.value}: {path}", json)


@app.command()
def promote(
    series: Annotated[str, typer.Argument(metavar="SERIES", help="The series whose versions shall serve.")],
    symbol: SymbolFlag = None,
    frame: FrameFlag = None,
    sets: SetFlags = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Let a series serve its symbols, if its newest version fits; exit code 4 and no change where it does not."""
    with answering(json):
        from metastackerbandit.domain.errors import UsageError
        from metastackerbandit.storage.fitness import binding, cautions, raise_for
        from metastackerbandit.storage.registry import Slot

        registry, now_ns = _registry(home), time.time_ns()
        card = _card(registry, series)
        if series != card.series:
            raise UsageError(f"{series} is one version", where="promote", mend=f"series are promoted: `msb models promote {card.series}`")
        slots = [Slot(name, frame or card.frame) for name in ([symbol] if symbol else card.symbols)]
        uses = [_use(card, slot.symbol, slot.frame, home, sets) for slot in slots]
        waived: list[Refusal] = []
        for use in uses:  # all or none of them
            waived = list(registry.refusals(card, use, now_ns))
            raise_for(card, binding(waived))
        done, lines = [], []
        for slot, use in zip(slots, uses, strict=True):
            before = registry.promoted(slot)
            change = registry.promote(slot, series, use, who=who(), now_ns=now_ns)
            replaced = before if before != series else None
            done.append({"symbol": slot.symbol, "frame": slot.frame, "series": change.series, "replaced": replaced, "waived": change.waived})
            lines.append(f"{slot}: {change.series} serves{_instead(replaced)}")
        notes = [*(f"waived: check {one.check}: it {one.what}" for one in waived), *cautions(card)]
        tell({"promoted": done, "notes": notes}, "\n".join([*lines, *(f"  note: {note}" for note in notes)]), json)


@app.command()
def rollback(
    symbol: Annotated[str, typer.Option("--symbol", metavar="BTCUSDT", help="Of the slot.")],
    frame: Annotated[str, typer.Option("--frame", metavar="5m", help="Of the slot.")],
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Let the series that served a slot before serve it again; its files are checked first."""
    with answering(json):
        from metastackerbandit.storage.registry import Slot

        registry, slot = _registry(home), Slot(symbol, frame)
        before = registry.promoted(slot)
        change = registry.rollback(slot, who=who(), now_ns=time.time_ns())
        payload = {"symbol": symbol, "frame": frame, "series": change.series, "replaced": before}
        tell(payload, f"{slot}: {change.series} serves again{_instead(before)}", json)


@app.command()
def waive(
    which: IdArgument,
    check: Annotated[str, typer.Option("--check", metavar="NAME", help="The check to waive, as `msb models show` names it.")],
    days: Annotated[float, typer.Option("--days", metavar="N", help="How long, at most 30.")],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, shown wherever the waiver is.")],
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Let a version, or all of a series, pass one named check for some days; never the files' check, and never in live mode."""
    with answering(json):
        from metastackerbandit.cli.model_pages import waiver_row
        from metastackerbandit.domain.card import Waiver

        registry, now_ns = _registry(home), time.time_ns()
        _card(registry, which)
        given = Waiver(model_id=which, check=check, until_ns=_until(now_ns, days), who=who(), why=why, given_ns=now_ns)
        row = waiver_row(registry.waive(given), now_ns)
        tell({"waiver": row}, f"check {check} of {which} is waived until {row['until']} by {row['who']}: {why}", json)


@app.command()
def clean(
    yes: Annotated[bool, typer.Option("--yes", help="Remove them; else they are only named.")] = False,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Remove series that never served and are not among the newest; what serves, served lately, or is needed by these stays."""
    with answering(json):
        from metastackerbandit.storage import cleaning

        registry = _registry(home)
        names = cleaning.clean(registry) if yes else tuple(sorted(set(registry.series()) - cleaning.kept(registry)))
        text = "\n".join([*names, f"{len(names)} series {'removed' if yes else 'would go: --yes removes them'}"])
        tell({"removed": names if yes else (), "removable": () if yes else names}, text, json)


def _registry(home: Path | None) -> Registry:
    """The installation's registry, which must be there."""
    from metastackerbandit.config.home import home_folder
    from metastackerbandit.domain.errors import NotFound
    from metastackerbandit.storage.registry import Registry

    folder = home_folder(home, os.environ) / "models"
    if not folder.is_dir():
        raise NotFound("no models here: nothing was trained", where=str(folder), mend="`msb train --data FOLDER` trains some, or name another --home")
    return Registry(folder)


def _card(registry: Registry, which: str) -> ModelCard:
    """The card of a version, or of a series' newest one; a slip of the finger is told what may have been meant."""
    from metastackerbandit.config.problems import closest
    from metastackerbandit.domain.errors import NotFound

    if registry.ids(which):
        return registry.newest(which)
    if registry.has(which):
        return registry.card(which)
    meant = closest(which, registry.series())
    mend = f"did you mean {meant}?" if meant else "`msb models list` names those there are"
    raise NotFound(f"no series or version is named {which!r}", where=str(registry.folder), mend=mend)


def _evidence(registry: Registry, card: ModelCard, found: tuple[Refusal, ...]) -> Evidence | None:
    """What the version's files tell of its record; nothing where they are damaged, which the refusals say already."""
    from metastackerbandit.training.evidence import evidence_in

    if any(one.check == "files" for one in found):
        return None
    return evidence_in(registry.files(card.model_id), card.model_id)


def _use(card: ModelCard, symbol: str, frame: str, home: Path | None, sets: list[str] | None) -> Use:
    """What this installation would ask of the version: this program's features, its labels at the configured costs. Venue and market are asked
    by the run that serves it, which alone knows its own."""
    from metastackerbandit.cli.market_data import config_of
    from metastackerbandit.config.books import engine_settings
    from metastackerbandit.costs.rates import round_trip_bps
    from metastackerbandit.domain.label import label_spec
    from metastackerbandit.features.catalog import fingerprint
    from metastackerbandit.storage.fitness import Use

    config = config_of(home, sets)
    spec = label_spec(frame)
    return Use(
        symbol=symbol,
        frame=spec.frame,
        horizon=spec.horizon,
        feature_hash=fingerprint(),
        label_hash=spec.digest(round_trip_bps(engine_settings(config, symbol, spec.frame).costs)),
        venue=card.venue,
        market=card.market,
    )


def _until(now_ns: int, days: float) -> int:
    """The end of a waiver; the registry says how long it may be."""
    import math

    from metastackerbandit.domain.errors import UsageError
    from metastackerbandit.domain.timeframe import DAY_NS

    if not math.isfinite(days):
        raise UsageError(f"{days} is no number of days", where="--days", mend="give a number, at most 30")
    return now_ns + round(days * DAY_NS)


def _instead(before: str | None) -> str:
    return f", instead of {before}" if before else ""
