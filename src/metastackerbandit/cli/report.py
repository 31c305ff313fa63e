"""`msb report`: a run on one page that needs nothing else, and as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, answering, tell
from metastackerbandit.cli.looking import RunArgument, TradedFlag, journal_of

if TYPE_CHECKING:
    import numpy as np

    from metastackerbandit.report.reading import Beside, Place, Reading
    from metastackerbandit.storage.run_view import RunView

FOLDER = "reports"  # below a home, a folder a run


def report(
    run: RunArgument = "last",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where to write. [default: reports/RUN in the home]", show_default=False)
    ] = None,
    data: TradedFlag = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """One page about a run, and its pictures: verdict, equity beside baselines, where signals ended, trades, costs, calibration."""
    with answering(json):
        with journal_of(home) as journal:
            payload = reported(journal.run(run), out, data)
        tell(payload, report_text(payload), json)


def reported(view: RunView, out: Path | None = None, data: Path | None = None) -> dict[str, Any]:
    """Write the page and the pictures of a run; the shape of `msb report --json`."""
    from metastackerbandit.report.facts import as_json, facts_of
    from metastackerbandit.report.writing import write

    facts = facts_of(reading_of(view, data))
    folder = out if out is not None else view.home / FOLDER / str(view.row.run)
    files = write(folder, facts)
    return {
        "folder": str(folder),
        "page": str(files[0].path),
        "files": [{"path": str(file.path), "bytes": file.length} for file in files],
        **as_json(facts),
    }


def reading_of(view: RunView, data: Path | None) -> Reading:
    """Everything that a report reads of a run."""
    from metastackerbandit.cli.funnel import counted_of
    from metastackerbandit.report.reading import Signals, read
    from metastackerbandit.storage.lookup import EVERY

    return read(view, Signals(*counted_of(view, EVERY)), _beside(view, data))


def _beside(view: RunView, data: Path | None) -> Beside:
    """The run's candles, and what became of the bars that its models answered; or why these are not at hand."""
    from metastackerbandit.cli.traded_candles import traded_candles
    from metastackerbandit.config.loading import examine_text
    from metastackerbandit.report.reading import Beside
    from metastackerbandit.runtime.outcomes import labels_of

    if view.row.lineage == "simulated":
        return Beside(no_candles="a made market leaves no candles", no_labels="a made market leaves no candles")
    recording, why = traded_candles(view, view.decided(), data)
    if recording is None:
        return Beside(no_candles=why, no_labels=why)
    costs = examine_text(view.row.config.encode(), f"run {view.row.run}").config.costs
    return Beside(recording, "", labels_of(recording, _predicted_places(view), costs), "")


def _predicted_places(view: RunView) -> dict[Place, int]:
    """The books and frames that models spoke of, each with its symbol's place."""
    import numpy as np

    symbols = tuple(dict.fromkeys(view.row.symbols))
    said: np.ndarray = view.predicted_sides()
    spoken = np.unique(said[["instrument", "frame_ns"]]) if len(said) else ()
    return {(int(one["instrument"]), int(one["frame_ns"])): symbols.index(view.row.symbols[int(one["instrument"])]) for one in spoken}


def report_text(payload: dict[str, Any]) -> str:
    """Where the files lie, with the verdict."""
    lines = [f"{file['path']}  {file['bytes'] / 1e6:,.2f} MB" for file in payload["files"]]
    return "\n".join([*lines, "", f"{payload['verdict']}: {payload['verdict_text']}", *(f"note: {note}" for note in payload["notes"])])
