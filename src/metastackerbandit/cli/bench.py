"""`msb bench`: our speed beside other engines', by turns in one run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import JsonFlag, answering, encoded, tell

if TYPE_CHECKING:
    from metastackerbandit.bench.spec import Benchmark

MISSED = 1  # the exit code where a peer's answer differs from ours


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Benchmarks; none lists them, `all` runs them.", show_default=False)
    ] = None,
    rounds: Annotated[int | None, typer.Option("--rounds", metavar="N", help="Runs of each side, 5 or more.", show_default=False)] = None,
    span: Annotated[
        str | None, typer.Option("--for", metavar="10m", help="Of those whose rounds last for a fixed time: so long.", show_default=False)
    ] = None,
    peers: Annotated[bool, typer.Option("--peers/--no-peers", help="Beside other engines, whose environments are made on demand.")] = True,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="FOLDER", help="The folder of candle folders. [default: ../shared/data/klines of a checkout]", show_default=False
        ),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Append to benchmarks/results.jsonl (docs/performance.md).")] = False,
    json: JsonFlag = False,
) -> None:
    """Measure our speed, and that of other engines doing the same work by turns in the same run, after holding their answers equal."""
    with answering(json):
        from metastackerbandit.bench.catalog import BENCHMARKS
        from metastackerbandit.bench.measure import measure
        from metastackerbandit.bench.results import append, book

        if not names:
            tell({"benchmarks": [{"name": one.name, "work": one.work, "long": one.is_long} for one in BENCHMARKS]}, _listed(BENCHMARKS), json)
            return
        chosen = BENCHMARKS if names == ["all"] else tuple(_named(name) for name in names)
        kept = book() if keep else None
        folder = _candles(data)
        differs = False
        for benchmark in chosen:
            turns = rounds if span is None else _rounds_of(benchmark, span)
            told = measure(benchmark, folder, rounds=turns, with_peers=peers, say=lambda line: typer.echo(line, err=True))
            if kept is not None:
                append(told, kept)
            differs = differs or bool(told["unequal"])
            if json:
                typer.echo(encoded(told))
            else:
                tell(told, _page(told), json)
        if differs:
            raise typer.Exit(MISSED)


def _named(name: str) -> Benchmark:
    """The benchmark of that name, or NotFound with what was probably meant."""
    from metastackerbandit.bench.catalog import BENCHMARKS, named
    from metastackerbandit.config.problems import closest, shown
    from metastackerbandit.domain.errors import NotFound

    found = named(name)
    if found is None:
        known = [one.name for one in BENCHMARKS]
        meant = closest(name, known)
        raise NotFound(f"no benchmark {shown(name)}", mend=f"did you mean {meant}?" if meant else f"there are {', '.join(known)}")
    return found


def _rounds_of(benchmark: Benchmark, span: str) -> int:
    """How many rounds fill a time; UsageError where a round takes as long as its work."""
    from metastackerbandit.cli.record import seconds_of
    from metastackerbandit.domain.errors import UsageError

    if not benchmark.round_s:
        raise UsageError(f"{benchmark.name} lasts as long as its work takes", where="--for", mend="give --rounds")
    return math.ceil(seconds_of(span, "--for") / benchmark.round_s)


def _candles(named: Path | None) -> Path | None:
    """The folder of recorded candles; None where none is named and none lies beside the checkout."""
    from metastackerbandit.domain.errors import NotFound

    if named is not None:
        if not named.is_dir():
            raise NotFound(f"no folder {named}", where="--data", mend="name the folder that holds folders of candles")
        return named
    beside = Path(__file__).resolve().parents[4] / "shared" / "data" / "klines"
    return beside if beside.is_dir() else None


def _listed(benchmarks: tuple[Benchmark, ...]) -> str:
    width = max(len(one.name) for one in benchmarks)
    return "\n".join(f"{one.name:<{width}}  {one.work}{' (long)' if one.is_long else ''}" for one in benchmarks)


def _page(told: dict[str, Any]) -> str:
    from metastackerbandit.bench.page import amount, seconds

    lines = [f"{told['name']}: {told['work']}"]
    for name, side in (("ours", told["ours"]), *told["peers"].items()):
        rates = f"{amount(side['rate']):>7} {side['unit']} in the median, {amount(side['best_rate'])} at best"
        lines.append(f"  {name:<14} {rates}; wall {seconds(side['wall_s'])}, CPU {seconds(side['cpu_s'])}, {side['runs']} runs")
    lines += [f"  without {name}: {reason.splitlines()[0]} {reason.splitlines()[-1]}" for name, reason in told["absent"].items()]
    if told["best_peer"]:
        three = (told["ratio_to_best_peer"], told["ratio_by_least"], told["ratio_by_cpu"])
        lines.append(
            f"  {three[0]:.2f} times {told['best_peer']} by medians, {three[1]:.2f} by the least times, {three[2]:.2f} by the least CPU times"
        )
    lines += [f"  {name}: {amount(value)}" for name, value in told["facts"].items()]
    if told["target"]:
        lines.append(f"  target: {told['target']['text']}: {({True: 'met', False: 'missed', None: 'not seen'})[told['target']['met']]}")
    load = told["load"]
    lines.append(f"  load {load['before']} before, {load['after']} after; {told['machine']}; {told['code']}")
    return "\n".join([*lines, *(f"  {note}" for note in told["notes"])])
