"""`msb rollout`: bring in a change stage by stage, each on the evidence of the one before; undo it with one command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, SetFlags, Verbs, answering, tell
from metastackerbandit.cli.wanted import Wanted, on_market

if TYPE_CHECKING:
    from metastackerbandit.cli.rollout_stages import Standing
    from metastackerbandit.storage.rollouts import RolloutEntry

app = typer.Typer(cls=Verbs, help="Bring in a change stage by stage: shadow, paper, shares of capital.", no_args_is_help=True, rich_markup_mode=None)

WhyFlag = Annotated[str, typer.Option("--why", help="The reason; it stands in the record.")]
WhoFlag = Annotated[str | None, typer.Option("--who", help="Who does it. [default: this account]", show_default=False)]


@app.command()
def start(
    why: WhyFlag,
    change: Annotated[
        Path | None, typer.Argument(metavar="[CHANGE.toml]", help="The keys that change, as a configuration.", show_default=False)
    ] = None,
    sets: SetFlags = None,
    series: Annotated[list[str] | None, typer.Option("--series", help="A model series to serve instead; repeatable.", show_default=False)] = None,
    after: Annotated[
        str | None, typer.Option("--after", metavar="TIME", help="Outcomes count from here, UTC: bars on which the change was chosen prove nothing.")
    ] = None,
    who: WhoFlag = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Start a change of configuration, or of the series that answer, in shadow: nothing that trades changes yet."""
    with answering(json):
        from metastackerbandit.cli.market_data import time_ns
        from metastackerbandit.cli.rollout_stages import begin, standing_of
        from metastackerbandit.config.changes import laid_over, tables_of, tables_of_sets
        from metastackerbandit.config.files import read_whole
        from metastackerbandit.domain.errors import UsageError

        if change is None and not sets and not series:
            raise UsageError("no change is named", where="msb rollout start", mend="give CHANGE.toml, --set KEY=VALUE or --series NAME")
        tables = tables_of(read_whole(change), str(change)) if change is not None else {}
        tables = laid_over(tables, tables_of_sets(tuple(sets or ())))
        where = _home(home)
        story = begin(where, tables, tuple(series or ()), after_ns=time_ns(after, "--after") or 0, who=_who(who), why=_why(why))
        _tell(standing_of(where, story), json)


@app.command()
@on_market("sets")
def observe(
    wanted: Wanted,
    why: Annotated[str, typer.Option("--why", help="The reason; it stands in the record.")] = "a look at it",
    who: WhoFlag = None,
    json: JsonFlag = False,
) -> None:
    """Run champion and challenger over the same candles, and add the outcomes that are later than those already counted."""
    with answering(json):
        from metastackerbandit.cli.rollout_stages import observe as observed

        found = observed(_home(wanted.home), wanted, who=_who(who), why=_why(why))
        more = {"added": found.added, "runs": list(found.runs), "was_rolled_back": found.was_rolled_back}
        lines = [f"{found.added:,} outcomes added" + (f", runs {' and '.join(map(str, found.runs))}" if found.runs else "")]
        if found.was_rolled_back:
            lines.append("the test speaks against the change: it was rolled back")
        _tell(found.standing, json, more, lines)


@app.command()
def status(home: HomeFlag = None, json: JsonFlag = False) -> None:
    """Where the newest rollout stands, what it still needs, and everything that was done, by whom and why."""
    with answering(json):
        from metastackerbandit.cli.rollout_stages import newest, standing_of

        where = _home(home)
        _tell(standing_of(where, newest(where)), json)


@app.command()
def advance(why: WhyFlag, who: WhoFlag = None, home: HomeFlag = None, json: JsonFlag = False) -> None:
    """Go to the next stage; refused, with what is missing, while a criterion is not met."""
    with answering(json):
        from metastackerbandit.cli.rollout_stages import advance as advanced

        _tell(advanced(_home(home), who=_who(who), why=_why(why)), json)


@app.command()
def rollback(why: WhyFlag, who: WhoFlag = None, home: HomeFlag = None, json: JsonFlag = False) -> None:
    """Undo it: the configuration and series from before serve again."""
    with answering(json):
        from metastackerbandit.cli.rollout_stages import roll_back

        _tell(roll_back(_home(home), who=_who(who), why=_why(why)), json)


@app.command()
def report(home: HomeFlag = None, json: JsonFlag = False) -> None:
    """Before and after, from the outcomes observed so far: trades by side, net return, pass rates, drawdown, each with an interval."""
    with answering(json):
        import msgspec

        from metastackerbandit.backtest.report import plain
        from metastackerbandit.cli.rollout_stages import newest, standing_of
        from metastackerbandit.evaluation.before_after import before_after

        where = _home(home)
        standing = standing_of(where, newest(where))
        changes = before_after(standing.pairs)
        payload = {**_payload(standing), "changes": [plain(change) for change in changes]}
        width = max(len(change.name) for change in changes)
        lines = [_headline(standing), f"  {'':<{width}} {'before':>12} {'after':>12}   difference, 95 %"]
        for change in changes:
            told = msgspec.structs.asdict(change.difference)
            bounds = f"[{_figure(told['low'], change.unit)}, {_figure(told['high'], change.unit)}]"
            before, after = _figure(change.before, change.unit), _figure(change.after, change.unit)
            lines.append(f"  {change.name:<{width}} {before:>12} {after:>12}   {_figure(told['value'], change.unit)} {bounds}")
        tell(payload, "\n".join([*lines, f"  {_test(standing)}"]), json)


# -- telling -------------------------------------------------------------------------------------------------------------


def _tell(standing: Standing, json: bool, more: dict[str, Any] | None = None, first: list[str] | None = None) -> None:
    lines = [*(first or []), _headline(standing)]
    about = standing.story.start.about
    lines += [f"  changes {key} to {value}" for key, value in _flat(about["change"])]
    lines += [f"  lets {name} answer" for name in about["series"]]
    lines.append(f"  {_test(standing)}")
    lines += [
        f"  {'met    ' if check.is_met else 'NOT MET'} {check.criterion}: {check.measured} (asked: {check.needed})" for check in standing.checks
    ]
    if standing.next_stage:
        word = "may advance" if standing.may_advance else "may not advance yet"
        lines.append(f"  {word} to {standing.next_stage}")
    if not standing.is_on_disk:
        lines.append("  ! the configuration on disk is not the one that this stage left there: `msb rollout rollback` restores the one from before")
    lines += [f"  {_when(entry.at_ns)}  {entry.action:<8} {entry.stage:<12} {entry.who}: {entry.why}" for entry in standing.story.entries]
    tell({**_payload(standing), **(more or {})}, "\n".join(lines), json)


def _payload(standing: Standing) -> dict[str, Any]:
    import msgspec

    from metastackerbandit.backtest.report import plain

    story = standing.story
    return {
        "rollout": story.number,
        "stage": story.stage,
        "next_stage": standing.next_stage or None,
        "may_advance": standing.may_advance,
        "change": story.start.about["change"],
        "series": story.start.about["series"],
        "outcomes": standing.evidence.outcomes,
        "outcomes_of_stage": standing.outcomes,
        "evidence": plain(standing.evidence),
        "speaks_for": standing.evidence.speaks_for(standing.criteria),
        "speaks_against": standing.evidence.speaks_against(standing.criteria),
        "checks": msgspec.to_builtins(standing.checks),
        "config_is_on_disk": standing.is_on_disk,
        "actions": [_action(entry) for entry in story.entries],
    }


def _action(entry: RolloutEntry) -> dict[str, Any]:
    kept = {name: value for name, value in entry.about.items() if name in ("runs", "preflight_errors", "share", "from", "promoted", "source")}
    return {"action": entry.action, "stage": entry.stage, "at_ns": entry.at_ns, "who": entry.who, "why": entry.why, **kept}


def _headline(standing: Standing) -> str:
    story = standing.story
    return f"rollout {story.number}: {story.stage}, {standing.outcomes:,} outcomes in this stage, {standing.evidence.outcomes:,} in all"


def _test(standing: Standing) -> str:
    evidence = standing.evidence
    if evidence.e_value != evidence.e_value:
        return "paired test: too few outcomes on which the two differ"
    word = "for it" if evidence.speaks_for(standing.criteria) else "against it" if evidence.speaks_against(standing.criteria) else "undecided"
    chance = f"chance that it is better {evidence.chance_better:.2f}"
    return f"paired test: {evidence.mean:+.3g} bps an outcome, e-value {evidence.e_value:.3g} of {standing.criteria.evidence:g}, {chance}: {word}"


def _flat(tables: dict[str, Any], above: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in tables.items():
        dotted = f"{above}.{name}" if above else name
        found += _flat(value, dotted) if isinstance(value, dict) else [(dotted, value)]
    return found


def _figure(value: float, unit: str) -> str:
    if value != value:
        return "-"
    return f"{value:,.0f}" if unit == "count" else f"{value:.2%}"


def _when(ns: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _home(home: Path | None) -> Path:
    from metastackerbandit.config.home import home_folder

    return home_folder(home, os.environ)


def _why(why: str) -> str:
    from metastackerbandit.domain.errors import UsageError

    if not why.strip() or not why.isprintable():
        raise UsageError(f"{why!r} gives no reason", where="--why", mend='say in a line why, such as --why "sells never passed"')
    return why.strip()


def _who(who: str | None) -> str:
    """The account that gives the command, unless somebody is named."""
    import getpass

    if who is not None and who.strip():
        return who.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return f"user {os.getuid()}"
