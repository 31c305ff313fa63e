"""Jobs of a training run: which series there are to train, each in its turn or two at a time, and what came of each."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.card import ModelCard
from metastackerbandit.domain.errors import MsbError, StorageFailed, TrainingRefused, UsageError
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.timeframe import frame_name, frame_ns
from metastackerbandit.storage.registry import Registry
from metastackerbandit.storage.trials import TrialRegistry
from metastackerbandit.training.dataset import dataset_of
from metastackerbandit.training.libraries import libraries
from metastackerbandit.training.promotion import promote_series
from metastackerbandit.training.series import Step, series_name, train_series
from metastackerbandit.training.settings import TrainingSettings
from metastackerbandit.training.trying import record_trial, runs_tried
from metastackerbandit.training.verdict import judge_skill
from metastackerbandit.training.version import Recipe

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
_LOOK_SECONDS = 0.1  # between looks at how far the jobs are
_steps: Any = None  # where a worker tells its steps


class Job(Struct, frozen=True):
    """One series to train: the symbols that share it, and their frame."""

    symbols: tuple[str, ...]
    frame: str


class Errand(Struct, frozen=True, eq=False):
    """All that a job needs to run anywhere; `recording` holds the job's symbols only."""

    job: Job
    recording: Recording
    settings: TrainingSettings
    costs: CostSettings
    home: Path
    code: str
    now_ns: int


class Outcome(Struct, frozen=True, eq=False):
    """What came of a job: the newest version's card (None where training was refused, with the reason), the verdict, and who is served by it now.

    `versions` counts the series' versions, `reused` those that an earlier run had left.
    """

    job: Job
    series: str
    card: ModelCard | None
    versions: int
    reused: int
    verdict: str
    verdict_reasons: tuple[str, ...]
    promoted: tuple[str, ...]
    reasons: tuple[str, ...]
    error: MsbError | None
    seconds: float


def jobs_of(recording: Recording, frames: tuple[str, ...], settings: TrainingSettings) -> tuple[Job, ...]:
    """A job a frame and symbol, a frame where symbols are pooled; the finest frames first, since they take longest."""
    pooled = {frame_ns(frame) for frame in settings.pooled_frames}
    for name in settings.event_frames:
        frame_ns(name)  # refused where there is no such frame: a name that nothing matches would be passed over in silence
    lengths = sorted({frame_ns(frame) for frame in frames})
    if not lengths:
        raise UsageError("no frame is named", where="--frames", mend="name one, such as --frames 5m")
    for length in lengths:
        if length < recording.base_ns or length % recording.base_ns:
            base = frame_name(recording.base_ns)
            what = f"bars of {frame_name(length)} cannot be made from candles of {base}"
            raise UsageError(what, where="--frames", mend=f"ask for {base} or a multiple of it, or give finer candles")
    symbols = tuple(instrument.symbol for instrument in recording.instruments)
    found: list[Job] = []
    for length in lengths:
        frame = frame_name(length)
        found += [Job(symbols, frame)] if length in pooled else [Job((symbol,), frame) for symbol in symbols]
    return tuple(found)


def errands_of(
    recording: Recording, jobs: tuple[Job, ...], settings: TrainingSettings, costs: CostSettings, home: Path, code: str, now_ns: int
) -> tuple[Errand, ...]:
    """What each job needs."""
    return tuple(Errand(job, _part(recording, job.symbols), settings, costs, home, code, now_ns) for job in jobs)


def run_jobs(errands: tuple[Errand, ...], processes: int, on_step: Callable[[Step], None]) -> tuple[Outcome, ...]:
    """Every job, in this process or in several; a job that is refused does not stop the others. Outcomes are in the order of the jobs."""
    if min(processes, len(errands)) < 2:
        return tuple(run_job(errand, on_step) for errand in errands)
    return _side_by_side(errands, processes, on_step)


def run_job(errand: Errand, on_step: Callable[[Step], None]) -> Outcome:
    """One job from its candles to its promotion."""
    began = time.monotonic()
    one_thread: Any = import_module("threadpoolctl").threadpool_limits  # comes with scikit-learn; untyped
    try:
        with one_thread(limits=1):  # so that sums of linear algebra do not depend on the machine's cores
            return _done(errand, on_step, began)
    except TrainingRefused as error:
        return Outcome(errand.job, "", None, 0, 0, "UNDERPOWERED", (), (), (), error, time.monotonic() - began)


def _done(errand: Errand, on_step: Callable[[Step], None], began: float) -> Outcome:
    settings, job = errand.settings, errand.job
    registry = Registry(errand.home / "models")
    data = dataset_of(errand.recording, job.symbols, job.frame, settings, errand.costs)
    recipe = Recipe(settings=settings, code=errand.code, libraries=libraries(), trials=0, created_ns=errand.now_ns)
    name = series_name(data, recipe)
    with TrialRegistry.open(errand.home) as tried:
        recipe = structs.replace(recipe, trials=runs_tried(tried, data, name))
        series = train_series(data, recipe, registry, on_step)
        record_trial(tried, data, series, errand.now_ns)
    newest = series.cards[-1]
    verdict = judge_skill(newest.scores)
    promoted = promote_series(registry, newest, settings, errand.now_ns)
    return Outcome(
        job=job,
        series=series.name,
        card=newest,
        versions=len(series.cards),
        reused=series.reused,
        verdict=verdict.word.value,
        verdict_reasons=verdict.reasons,
        promoted=promoted.symbols,
        reasons=promoted.reasons,
        error=None,
        seconds=time.monotonic() - began,
    )


def _side_by_side(errands: tuple[Errand, ...], processes: int, on_step: Callable[[Step], None]) -> tuple[Outcome, ...]:
    from concurrent.futures import ProcessPoolExecutor, wait
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    context = get_context("spawn")  # a fork would share numba's and LightGBM's threads
    queue = context.SimpleQueue()
    with _single_threaded(), ProcessPoolExecutor(min(processes, len(errands)), context, _begin, (queue,)) as pool:
        waiting = futures = [pool.submit(_work, errand) for errand in errands]
        try:
            while waiting:
                waiting = list(wait(waiting, timeout=_LOOK_SECONDS).not_done)
                while not queue.empty():
                    on_step(queue.get())
            return tuple(future.result() for future in futures)
        except BrokenProcessPool as error:
            mend = "run it again, finished versions are kept; with too little memory set training.processes = 1"
            raise StorageFailed("a training process was ended from outside", where="training", mend=mend) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _begin(queue: Any) -> None:
    """Remember, in a worker, where its steps are told."""
    global _steps
    _steps = queue


def _work(errand: Errand) -> Outcome:
    return run_job(errand, _steps.put)


@contextmanager
def _single_threaded() -> Iterator[None]:
    """The environment of workers: two that spin on each other's threads are forty times slower (method 16)."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(_ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _part(recording: Recording, symbols: tuple[str, ...]) -> Recording:
    """The recording of some of its symbols."""
    places = [place for place, instrument in enumerate(recording.instruments) if instrument.symbol in symbols]
    columns = ("instruments", "bars", "funding", "has_volume", *(("has_flow",) if recording.has_flow else ()))
    return structs.replace(recording, **{name: tuple(getattr(recording, name)[place] for place in places) for name in columns})
