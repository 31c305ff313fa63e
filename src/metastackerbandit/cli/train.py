"""`msb train`: models from recorded candles, each version judged on what came after it, promoted where it may serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import JsonFlag, answering, tell
from metastackerbandit.cli.wanted import Wanted, on_market

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from metastackerbandit.config.schema import Config
    from metastackerbandit.domain.card import Score
    from metastackerbandit.domain.recording import Recording
    from metastackerbandit.training.jobs import Job, Outcome
    from metastackerbandit.training.series import Step

_HEAD = f"{'symbol':<12} {'frame':<5} {'rows':>8} {'outcomes':>8} {'size':>5} {'versions':>8}  {'gain, mnats':<24} {'AUC':<22} verdict"


@on_market("frames", "arm", "mood")
def train(
    wanted: Wanted,
    frames: Annotated[
        str | None, typer.Option("--frames", metavar="5m,1h", help="Bar sizes, a model each. [default: training.frames]", show_default=False)
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Train models of every symbol and frame, walking forward; versions that are there already are not trained again."""
    with answering(json):
        payload = trained(wanted, frames, is_shown=not json)
        tell(payload, page(payload), json)


def trained(wanted: Wanted, frames: str | None, *, is_shown: bool) -> dict[str, Any]:
    """Train what the flags name, with progress where it is to be shown -> the answer; refused where every job is."""
    import time

    from metastackerbandit.cli.code_version import code_version
    from metastackerbandit.cli.market_data import costs_of, opened
    from metastackerbandit.training.jobs import errands_of, jobs_of, run_jobs

    began = time.monotonic()
    home, config, recording = opened(wanted)
    jobs = jobs_of(recording, _frames(frames, config, recording), config.training)
    now_ns = time.time_ns()
    errands = tuple(
        errand
        for job in jobs
        for errand in errands_of(recording, (job,), config.training, costs_of(config, job.symbols, job.frame), home, code_version(), now_ns)
    )
    with _progress(jobs, is_shown=is_shown) as on_step:
        outcomes = run_jobs(errands, config.training.processes, on_step)
    refused = [outcome.error for outcome in outcomes if outcome.error is not None]
    if len(refused) == len(outcomes):
        raise refused[0]
    return _payload(outcomes, recording, home, time.monotonic() - began)


def _frames(named: str | None, config: Config, recording: Recording) -> tuple[str, ...]:
    """The frames asked for; where none is, those of the configuration that these candles can make."""
    from metastackerbandit.domain.timeframe import frame_ns

    if named is not None:
        return tuple(name.strip() for name in named.split(",") if name.strip())
    makeable = [frame for frame in config.training.frames if frame_ns(frame) % recording.base_ns == 0]
    return tuple(makeable) or config.training.frames


# -- while it runs -------------------------------------------------------------------------------------------------------


def _progress(jobs: tuple[Job, ...], *, is_shown: bool) -> AbstractContextManager[Callable[[Step], None]]:
    """A bar a job on stderr, where somebody watches."""
    import sys
    from contextlib import contextmanager

    @contextmanager
    def bars() -> Iterator[Callable[[Step], None]]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.fields[now]}"))
        disabled = not (is_shown and sys.stderr.isatty())
        with Progress(*columns, console=Console(stderr=True), disable=disabled) as progress:
            tasks = {(job.symbols, job.frame): progress.add_task(_named(job.symbols, job.frame), total=None, now="waiting") for job in jobs}

            def on_step(step: Step) -> None:
                progress.update(tasks[step.symbols, step.frame], completed=step.done, total=step.total, now=step.now)

            yield on_step

    return bars()


# -- the answer ----------------------------------------------------------------------------------------------------------


def _payload(outcomes: tuple[Outcome, ...], recording: Recording, home: Path, seconds: float) -> dict[str, Any]:
    from metastackerbandit.storage.registry import Registry

    registry = Registry(home / "models")
    models = [_model(outcome, str(registry.path(outcome.card.model_id) / "card.json")) for outcome in outcomes if outcome.card is not None]
    asleep = [{"symbols": model["symbols"], "frame": model["frame"], "what": model["asleep"], "mend": ""} for model in models if model["asleep"]]
    for outcome in outcomes:
        if outcome.error is not None:
            symbols, error = list(outcome.job.symbols), outcome.error
            asleep.append({"symbols": symbols, "frame": outcome.job.frame, "what": str(error.what), "mend": error.mend})
    return {
        "models": models,
        "asleep": asleep,
        "notices": list(recording.notices),
        "source": recording.source,
        "home": str(home),
        "seconds": round(seconds, 3),
    }


def _model(outcome: Outcome, path: str) -> dict[str, Any]:
    from metastackerbandit.training.scoring import ALONE, AUC, CONTROL, GAIN, IC, NET, OUTCOMES, SLOPE, TRADE, TRADES, score_named

    card = outcome.card
    assert card is not None
    named = {name: _figure(score_named(card.scores, name)) for name in (GAIN, AUC, IC, SLOPE, TRADE, CONTROL)}
    return {
        "id": card.model_id,
        "series": card.series,
        "symbols": list(card.symbols),
        "frame": card.frame,
        "family": card.family,
        "learners": dict(zip(card.learners, card.weights, strict=True)),
        "n_rows": card.n_rows,
        "n_eff": card.n_eff,
        "rung": card.rung,
        "size": card.size,
        "versions": outcome.versions,
        "reused": outcome.reused,
        "skill_mnats": named[GAIN],
        "auc": named[AUC],
        "ic": named[IC],
        "calibration_slope": named[SLOPE],
        "control_mnats": named[CONTROL],
        "baselines_mnats": {score.name.removeprefix(ALONE): _figure(score) for score in card.scores if score.name.startswith(ALONE)},
        "net_trade_bps": named[TRADE],
        "trades": score_named(card.scores, TRADES).value,
        "net_return": score_named(card.scores, NET).value,
        "outcomes": score_named(card.scores, OUTCOMES).value,
        "share_up": card.share_up,
        "effective_dof": card.effective_dof,
        "dof_budget": card.dof_budget,
        "trials": card.trials,
        "verdict": outcome.verdict,
        "verdict_reasons": list(outcome.verdict_reasons),
        "promoted": list(outcome.promoted),
        "reasons": list(outcome.reasons),
        "asleep": card.asleep,
        "card": path,
        "seconds": round(outcome.seconds, 3),
    }


def _figure(score: Score) -> dict[str, float]:
    return {"value": score.value, "low": score.low, "high": score.high}


def page(payload: dict[str, Any]) -> str:
    lines = [_HEAD]
    for model in payload["models"]:
        gain, auc = _span(model["skill_mnats"], ".1f"), _span(model["auc"], ".3f")
        lines.append(
            f"{_symbols(model['symbols']):<12} {model['frame']:<5} {model['n_rows']:>8,} {model['n_eff']:>8,.0f} {model['size']:>5g} "
            f"{model['versions']:>8}  {gain:<24} {auc:<22} {model['verdict']}"
        )
        lines += [f"    {reason}" for reason in model["verdict_reasons"]]
        done = ", ".join(model["promoted"])
        lines.append(f"    promoted for {done}: {model['series']}" if done else f"    a candidate, not promoted: {model['series']}")
        lines += [f"      {reason}" for reason in model["reasons"]]
    refused = [one for one in payload["asleep"] if one["mend"]]
    lines += [f"{_symbols(one['symbols']):<12} {one['frame']:<5} not trained: {one['what']} ({one['mend']})" for one in refused]
    lines += ["", f"{len(payload['models'])} series in {payload['seconds']:.0f} s, in {payload['home']}/models"]
    lines += [f"note: {notice}" for notice in payload["notices"]]
    return "\n".join(lines)


def _symbols(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} symbols"


def _named(symbols: tuple[str, ...], frame: str) -> str:
    return f"{_symbols(list(symbols))} {frame}"


def _span(figure: dict[str, float], form: str) -> str:
    """A figure with its interval; a dash for what is not known."""
    if figure["value"] != figure["value"]:
        return "-"
    if figure["low"] != figure["low"]:
        return f"{figure['value']:{form}} [?]"
    return f"{figure['value']:{form}} [{figure['low']:{form}}, {figure['high']:{form}}]"
