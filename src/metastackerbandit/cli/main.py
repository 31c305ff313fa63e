"""The command `msb`: every verb, each from its own module; nothing heavy is imported before a verb runs."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from metastackerbandit.cli import (
    backtest,
    bench,
    capture_replay,
    compare,
    config,
    control,
    data,
    diff,
    doctor,
    events,
    explain,
    funnel,
    gates,
    heatmap,
    init,
    leakage,
    look,
    models,
    monitors,
    preflight,
    readiness,
    replay,
    report,
    risk,
    rollout,
    set_threshold,
    train,
    twin,
    unlock,
    venue,
    verify,
)
from metastackerbandit.cli.answer import Verbs, stop_writing

# Small models train up to 50 times slower with threads that spin beside a busy core; set before numpy is loaded.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}

app = typer.Typer(
    name="msb",
    cls=Verbs,
    help="MetaStackerBandit: market data in, explained trades out.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"msb {version()}")
        raise typer.Exit(0)


def version() -> str:
    """The installed version, or that the source tree is run without being installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("metastackerbandit")
    except PackageNotFoundError:
        return "from source"


@app.callback()
def msb(
    version: Annotated[bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and leave.")] = False,
) -> None:
    """MetaStackerBandit: market data in, explained trades out."""


# -- the verbs: a module each, one line each -----------------------------------------------------------------------------

app.command("init")(init.init)
app.add_typer(config.app, name="config")
app.command("set")(set_threshold.set_threshold)
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")
app.command("train")(train.train)
app.command("backtest")(backtest.backtest)
app.command("run")(replay.run)
app.command("replay")(capture_replay.replay)
app.command("preflight")(preflight.preflight)
app.command("readiness")(readiness.readiness)
app.add_typer(rollout.app, name="rollout")
app.add_typer(venue.app, name="venue")
app.command("verify")(verify.verify)
app.command("events")(events.events)
app.command("doctor")(doctor.doctor)
for word in (control.pause, control.resume, control.flatten, control.kill, control.reconcile):
    app.command(word.__name__)(word)
app.command("unlock")(unlock.unlock)
app.command("lock")(unlock.lock)
app.command("status")(look.status)
app.command("explain")(explain.explain)
app.command("funnel")(funnel.funnel)
app.command("gates")(gates.gates)
app.command("twin")(twin.twin)
app.command("risk")(risk.risk)
app.command("report")(report.report)
app.command("diff")(diff.diff)
app.command("compare")(compare.compare)
app.command("leakage")(leakage.leakage)
app.command("monitors")(monitors.monitors)
app.command("heatmap")(heatmap.heatmap)
app.command("bench")(bench.bench)


def main() -> None:
    """Run the command line; a reader that has gone away is no error."""
    for name, value in _ONE_THREAD.items():
        os.environ.setdefault(name, value)
    try:
        app(prog_name="msb")
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            stop_writing()
