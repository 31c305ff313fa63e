"""`msb readiness`: how far this installation has come, from its journal, its models and its checks alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, answering, tell

if TYPE_CHECKING:
    from metastackerbandit.evaluation.readiness import Agreement, Backtested, Criterion, Evidence, LastPreflight, Models, PaperRun, Readiness
    from metastackerbandit.storage.journal import Journal
    from metastackerbandit.storage.run_record import RunRow

NOT_READY = 4  # the exit code while a criterion is not met, or not known
ENDED = ("finished", "stopped")


def readiness(
    run: Annotated[
        str, typer.Option("--run", metavar="RUN", help="Whose setup is judged: `last`, a run's number, or the start of its identity.")
    ] = "last",
    markdown: Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="Write the report to a file too.", show_default=False)] = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """What is shown, what is not, and what to do next; exit code 0 when every criterion is met, 4 otherwise. Nothing can be typed in."""
    with answering(json):
        import time

        import msgspec

        from metastackerbandit.config.home import home_folder
        from metastackerbandit.config.loading import load_home
        from metastackerbandit.evaluation.readiness import readiness as judged
        from metastackerbandit.storage.whole_files import write_whole

        folder = home_folder(home, os.environ)
        settings = load_home(folder, os.environ).config.readiness
        now_ns = time.time_ns()
        evidence = gathered(folder, run)
        found = judged(evidence, settings, now_ns)
        if markdown is not None:
            write_whole(markdown, _markdown(found, evidence, now_ns).encode())
        payload = {"ok": found.is_ready, "setup": evidence.setup, "code": evidence.code, **msgspec.to_builtins(found)}
        del payload["is_ready"]
        tell(payload, _text(found, evidence), json)
        if not found.is_ready:
            raise typer.Exit(NOT_READY)


# -- gathering -----------------------------------------------------------------------------------------------------------


def gathered(home: Path, which: str = "last") -> Evidence:
    """Everything that this code can know of the setup of a run; nothing where nothing has run."""
    from metastackerbandit.cli.code_version import code_version
    from metastackerbandit.domain.errors import NotFound
    from metastackerbandit.evaluation.readiness import Evidence
    from metastackerbandit.storage.journal import Journal
    from metastackerbandit.storage.leak_checks import green

    code = code_version()
    none = Evidence(setup="", code=code, models=None, is_clean=green(home, code), preflight=None, agreement=None, paper=None, tested=None)
    try:
        journal = Journal.open(home, create=False)
    except NotFound:
        return none
    try:
        rows = journal.runs()
        if not rows:
            return none
        row = journal.run(which).row
        setup = _setup(row)
        mine = [one for one in rows if one.code == code and one.state in ENDED and _setup(one) == setup]
        return Evidence(
            setup=setup,
            code=code,
            models=_models(home, row),
            is_clean=none.is_clean,
            preflight=_preflight(home, setup, code),
            agreement=_agreement(journal, mine),
            paper=_paper(journal, mine),
            tested=_tested(mine),
        )
    finally:
        journal.close()


def _setup(row: RunRow) -> str:
    from metastackerbandit.storage.setups import setup_of

    return setup_of(row.config, row.arm, row.models, _books(row))


def _books(row: RunRow) -> list[str]:
    from metastackerbandit.domain.timeframe import frame_name

    return [f"{instrument.symbol} {frame_name(row.frame_of(place))}" for place, instrument in enumerate(row.instruments)]


def _models(home: Path, row: RunRow) -> Models:
    """What serves the books of a run now."""
    from metastackerbandit.domain.card import Slot
    from metastackerbandit.evaluation.readiness import Models
    from metastackerbandit.storage.registry import Registry

    if not row.models:
        return Models(row.arm, (), (), (), ())
    registry = Registry(home / "models")
    books, ready, wanting, ids = _books(row), [], [], []
    for book in books:
        symbol, _, frame = book.rpartition(" ")
        series = registry.promoted(Slot(symbol, frame))
        if series is None:
            wanting.append(f"{book} has none promoted")
            continue
        card = registry.newest(series)
        ids.append(f"{card.model_id} (trained until {_when(card.trained_until_ns)})")
        if card.asleep or not card.size > 0.0:
            wanting.append(f"{card.model_id} is asleep: {card.asleep or 'too few outcomes'}")
        else:
            ready.append(book)
    return Models(row.arm, tuple(books), tuple(ready), tuple(wanting), tuple(dict.fromkeys(ids)))


def _preflight(home: Path, setup: str, code: str) -> LastPreflight | None:
    from metastackerbandit.evaluation.readiness import LastPreflight
    from metastackerbandit.storage.preflights import last_preflight

    kept = last_preflight(home)
    if kept is None or (kept.setup, kept.code) != (setup, code):
        return None
    return LastPreflight(f"preflight.json, {_when(kept.at_ns)}", kept.at_ns, kept.is_ready, kept.errors, kept.warnings)


def _agreement(journal: Journal, rows: list[RunRow]) -> Agreement | None:
    """The newest two runs of one identity by different drivers, compared to the bit."""
    from metastackerbandit.backtest.compare import compared
    from metastackerbandit.cli.diff import kept_of
    from metastackerbandit.evaluation.readiness import Agreement

    for later in reversed(rows):
        twins = [row for row in rows if row.identity == later.identity and row.driver != later.driver and "finished" == row.state == later.state]
        if not twins:
            continue
        views = [journal.run(row.run) for row in sorted((later, twins[-1]), key=lambda row: row.driver)]
        told = compared(kept_of(views[0]), kept_of(views[1]), [gate.name for gate in later.gates])
        first = told["first_difference"]
        difference = f"first difference in {first['kind']} row {first['row']}, put down to {first['cause']}" if first else ""
        where = " and ".join(_run_words(view.row) for view in views)
        return Agreement(where, int(told["decisions"]), difference)
    return None


def _paper(journal: Journal, rows: list[RunRow]) -> PaperRun | None:
    import numpy as np

    from metastackerbandit.domain.rows import ENTER, INCREASE
    from metastackerbandit.domain.timeframe import DAY_NS
    from metastackerbandit.evaluation.readiness import PaperRun

    papers = [row for row in rows if row.mode != "backtest"]  # what was traded live is more than paper
    if not papers:
        return None
    row = papers[-1]
    view = journal.run(row.run)
    decided = view.decisions().rows
    closed = decided["closed_ns"]
    asked = (decided["asks_risk"] != 0) & (decided["sent"] != 0) & np.isin(decided["kind"], (ENTER, INCREASE))
    watch = getattr(view, "alarms", None) if getattr(row, "monitors", ()) else None
    return PaperRun(
        where=_run_words(row),
        decisions=len(decided),
        days=float(closed.max() - closed.min()) / DAY_NS if len(decided) else 0.0,
        alarms=len(watch()) if watch is not None else None,
        opinions=(int((decided["side"] == 1).sum()), int((decided["side"] == -1).sum())),
        intents=(int((asked & (decided["side"] == 1)).sum()), int((asked & (decided["side"] == -1)).sum())),
        is_spot=all(instrument.market == "spot" for instrument in row.instruments),
    )


def _tested(rows: list[RunRow]) -> Backtested | None:
    from metastackerbandit.evaluation.readiness import Backtested

    tests = [row for row in rows if row.mode == "backtest" and row.state == "finished" and row.summary.get("verdict")]
    if not tests:
        return None
    return Backtested(_run_words(tests[-1]), str(tests[-1].summary["verdict"]), str(tests[-1].summary.get("verdict_text", "")))


def _run_words(row: RunRow) -> str:
    return f"run {row.run} of {_when(row.ended_ns)}"


def _when(ns: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%MZ")


# -- telling -------------------------------------------------------------------------------------------------------------


def _text(found: Readiness, evidence: Evidence) -> str:
    lines = [_headline(found, evidence)]
    for one in found.criteria:
        mark = one.status.upper() if one.status != "met" else "met"
        lines.append(f"  {mark:<8} {one.stage:<10} {one.criterion}: {one.measured}")
        if one.status != "met":
            lines += [f"  {'':<20}asked: {one.needed}; evidence: {one.evidence}", f"  {'':<20}next: {one.next}"]
        else:
            lines.append(f"  {'':<20}evidence: {one.evidence}")
    return "\n".join([*lines, f"next: {found.next}"])


def _headline(found: Readiness, evidence: Evidence) -> str:
    met = sum(one.status == "met" for one in found.criteria)
    word = "READY" if found.is_ready else f"NOT READY: {met} of {len(found.criteria)} criteria are met"
    reached = f", all up to {found.reached!r}" if found.reached else ""
    return f"{word}{reached} (setup {evidence.setup or 'none: nothing has run'}, code {evidence.code})"


def _markdown(found: Readiness, evidence: Evidence, now_ns: int) -> str:
    """The report as a page; every word of it comes from what was measured."""
    rows = [_markdown_row(one) for one in found.criteria]
    return "\n".join(
        [
            "# Readiness",
            "",
            f"{_headline(found, evidence)}",
            "",
            f"Generated {_when(now_ns)} from the journal, the models and the checks of this installation. What is unknown is not met.",
            "",
            "| stage | criterion | status | measured | asked | evidence | next |",
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
            f"Next: {found.next}.",
            "",
        ]
    )


def _markdown_row(one: Criterion) -> str:
    following = "" if one.status == "met" else one.next
    cells: list[Any] = [one.stage, one.criterion, one.status, one.measured, one.needed, one.evidence, following]
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"
