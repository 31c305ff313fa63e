"""What becomes of the inputs of live runs that are over: moved to an archive, or deleted, all files of a run together; never those still needed.

<home>/inputs/run=<n>.*         what belongs to a run
<home>/inputs/run=<n>.pinned    says that they stay, whatever their age
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from metastackerbandit.domain.errors import NotFound, UsageError
from metastackerbandit.storage.leaving import Gone, take_out, write_down
from metastackerbandit.storage.run_record import RunRow
from metastackerbandit.storage.settings import InputLogSettings
from metastackerbandit.storage.whole_files import writing

_DAY_NS = 86_400_000_000_000
_FILE = re.compile(r"run=(\d+)\..+")
_PIN = ".pinned"


class PrunedInputs(Struct, frozen=True):
    """What left, the oldest run first; runs and bytes that are kept, and why those of them stay that no limit may touch."""

    gone: tuple[Gone, ...]
    kept_runs: int
    kept_bytes: int
    stays: Mapping[int, str]


def has_inputs(folder: Path) -> bool:
    """Whether a folder holds inputs of runs."""
    return folder.is_dir() and any(_FILE.fullmatch(path.name) for path in folder.iterdir())


def pin(folder: Path, run: int, *, is_pinned: bool) -> None:
    """Have a run's inputs stay, or not any more. NotFound where there are none."""
    if run not in _files(folder):
        raise NotFound(f"there are no inputs of run {run}", where=str(folder), mend="`msb status` tells the newest run's number")
    path = folder / f"run={run}{_PIN}"
    with writing(path):
        path.touch() if is_pinned else path.unlink(missing_ok=True)


def prune_inputs(
    folder: Path, runs: Sequence[RunRow], settings: InputLogSettings, now_ns: int, archive: Path | None = None, *, dry_run: bool = False
) -> PrunedInputs:
    """Take out the inputs of runs that ended too long ago, and of the oldest while all are too large; `dry_run` only tells.

    What stays: runs that are pinned, that have no end, that the journal (`runs`) does not know, and the newest of each market, which the next run
    there may take up. Each file is written down in the folder's list before it goes, the log itself first, so a stop on the way leaves no log
    without what it needs, and what is left goes the next time.

    Raises:
        NotFound: there are no inputs.
        UsageError: the archive lies in the folder itself.
        StorageFailed: a file cannot be moved or deleted; what is not gone stays whole.
    """
    files = _files(folder)
    if not files:
        raise NotFound("there are no inputs of runs", where=str(folder), mend="live runs keep theirs in the folder `inputs` of their home")
    if archive is not None and archive.resolve().is_relative_to(folder.resolve()):
        raise UsageError("the archive lies in the folder that is pruned", where=str(archive), mend="name a folder elsewhere, on another disk at best")
    known = {row.run: row for row in runs if row.run in files}
    stays = _stays(folder, files, known)
    sizes = {run: sum(path.stat().st_size for path in paths) for run, paths in files.items()}
    leaving = dict(_leaving(known, sizes, stays, settings, now_ns))
    gone = []
    for run, why in leaving.items():
        for path in sorted(files[run], key=lambda one: one.suffix != ".log"):
            one = Gone(f"run={run}", path.name, known[run].ended_ns, path.stat().st_size, why, str(archive) if archive is not None else "")
            gone.append(one)
            if not dry_run:
                write_down(folder, one, now_ns)
                take_out(path, one)
    kept = set(files) - set(leaving)
    return PrunedInputs(tuple(gone), len(kept), sum(sizes[run] for run in kept), stays)


def _files(folder: Path) -> dict[int, list[Path]]:
    """The files of each run, pins apart."""
    found: dict[int, list[Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        named = _FILE.fullmatch(path.name)
        if named and path.suffix != _PIN:
            found.setdefault(int(named[1]), []).append(path)
    return found


def _stays(folder: Path, files: Mapping[int, list[Path]], known: Mapping[int, RunRow]) -> dict[int, str]:
    """Runs that no limit may touch, and why."""
    newest = {row.source: run for run, row in sorted(known.items())}
    told = {}
    for run in sorted(files):
        row = known.get(run)
        if row is None:
            told[run] = "the journal does not know it"
        elif (folder / f"run={run}{_PIN}").exists():
            told[run] = "pinned"
        elif row.state == "running":
            told[run] = "it has no end"
        elif newest[row.source] == run:
            told[run] = "the newest of its market"
    return told


def _leaving(
    known: Mapping[int, RunRow], sizes: Mapping[int, int], stays: Mapping[int, str], settings: InputLogSettings, now_ns: int
) -> Iterator[tuple[int, Literal["age", "size"]]]:
    """Which runs' inputs leave, those that ended first before others, and why."""
    total = sum(sizes.values())
    for run, row in sorted(known.items(), key=lambda one: (one[1].ended_ns, one[0])):
        too_old = settings.keep_days > 0 and now_ns - row.ended_ns > settings.keep_days * _DAY_NS
        too_much = settings.keep_gb > 0 and total > round(settings.keep_gb * 1e9)
        if run not in stays and (too_old or too_much):
            total -= sizes[run]
            yield run, "age" if too_old else "size"
