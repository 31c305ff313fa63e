"""How far an installation has come, judged from evidence alone: each stage's criteria, what was measured, and what to do next.

Nothing can be typed in. What is not known is UNKNOWN, and UNKNOWN never counts as met; evidence about another code or another setup is not
evidence about this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.evaluation.settings import ReadinessSettings

STAGES = ("trained", "preflight", "replay", "paper", "two-sided", "verdict")


class Status(StrEnum):
    """Whether a criterion is met; only MET is."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "unknown"


class Criterion(Struct, frozen=True):
    """One criterion of a stage: its status, the number measured beside what is asked, where the evidence stands, and what to do next."""

    stage: str
    criterion: str
    status: Status
    measured: str
    needed: str
    evidence: str
    next: str


class Models(Struct, frozen=True):
    """Which books need a model, and those whose promoted series' newest version may answer; `wanting` says what the others lack."""

    arm: str
    books: tuple[str, ...]
    ready: tuple[str, ...]
    wanting: tuple[str, ...]
    ids: tuple[str, ...]


class LastPreflight(Struct, frozen=True):
    """The last preflight, if it was of this code and setup."""

    where: str
    at_ns: int
    is_ready: bool
    errors: tuple[str, ...]
    warnings: int


class Agreement(Struct, frozen=True):
    """Two runs of one identity by different drivers, compared to the bit."""

    where: str
    decisions: int
    difference: str  # empty: none


class PaperRun(Struct, frozen=True):
    """The newest paper run: its decisions, its market time, its alarms (None: nothing kept watch), and its funnel by side."""

    where: str
    decisions: int
    days: float
    alarms: int | None
    opinions: tuple[int, int]
    intents: tuple[int, int]
    is_spot: bool


class Backtested(Struct, frozen=True):
    """The newest backtest and its verdict."""

    where: str
    verdict: str
    text: str


class Evidence(Struct, frozen=True, kw_only=True):
    """Everything that was found; None is not known. `setup` is what is judged, "" where nothing has run.

    In each part `where` says in words where the evidence stands: a run and its end, a file and its time, model ids.
    """

    setup: str
    code: str
    models: Models | None
    is_clean: bool | None  # the last look for leaks, of this code
    preflight: LastPreflight | None
    agreement: Agreement | None
    paper: PaperRun | None
    tested: Backtested | None


class Readiness(Struct, frozen=True):
    """Every criterion in order; `reached` is the last stage up to which all are met ("" for none), `next` what to do."""

    is_ready: bool
    reached: str
    next: str
    criteria: tuple[Criterion, ...]


def readiness(evidence: Evidence, settings: ReadinessSettings, now_ns: int) -> Readiness:
    """Judge the evidence."""
    criteria = (
        _models(evidence.models),
        _leaks(evidence.is_clean),
        _preflight(evidence.preflight, settings, now_ns),
        _agreement(evidence.agreement),
        *_paper(evidence.paper, settings),
        _two_sided(evidence.paper, settings),
        _verdict(evidence.tested, settings),
    )
    open_ones = [one for one in criteria if one.status is not Status.MET]
    return Readiness(not open_ones, _reached(criteria), open_ones[0].next if open_ones else "nothing is missing", criteria)


def _reached(criteria: Sequence[Criterion]) -> str:
    reached = ""
    for stage in STAGES:
        if any(one.status is not Status.MET for one in criteria if one.stage == stage):
            break
        reached = stage
    return reached


def _unknown(stage: str, criterion: str, needed: str, following: str) -> Criterion:
    return Criterion(stage, criterion, Status.UNKNOWN, "not known", needed, "none of this code and setup", following)


def _status(is_met: bool) -> Status:
    return Status.MET if is_met else Status.NOT_MET


def _models(models: Models | None) -> Criterion:
    needed, following = "a promoted series that may answer, for every book that hears models", "msb train, and look at `msb models list`"
    if models is None:
        return _unknown("trained", "models", needed, "run something first: `msb backtest --data FOLDER`")
    if not models.books:
        return Criterion("trained", "models", Status.MET, f"{models.arm} hears no model", needed, "the arm of the newest run", "")
    measured = f"{len(models.ready)} of {len(models.books)} books"
    if models.wanting:
        measured += f"; {'; '.join(models.wanting)}"
    return Criterion(
        "trained", "models", _status(len(models.ready) == len(models.books)), measured, needed, ", ".join(models.ids) or "none", following
    )


def _leaks(is_clean: bool | None) -> Criterion:
    needed, following = "this code's pipeline shown to be clean, by a look that found every planted leak", "msb leakage --canaries"
    if is_clean is None:
        return _unknown("trained", "leaks", needed, following)
    return Criterion("trained", "leaks", _status(is_clean), "clean" if is_clean else "NOT clean", needed, "leakage.json", following)


def _preflight(found: LastPreflight | None, settings: ReadinessSettings, now_ns: int) -> Criterion:
    needed, following = f"no error, at most {settings.preflight_days:g} days ago", "msb preflight, with the same flags as the run"
    if found is None:
        return _unknown("preflight", "gates", needed, following)
    age = (now_ns - found.at_ns) / DAY_NS
    measured = f"{len(found.errors)} errors, {found.warnings} warnings, {age:.1f} days ago"
    where = found.where + (f": {', '.join(found.errors)}" if found.errors else "")
    return Criterion("preflight", "gates", _status(found.is_ready and age <= settings.preflight_days), measured, needed, where, following)


def _agreement(found: Agreement | None) -> Criterion:
    needed = "a backtest and a paper run of the same inputs, the same to the bit"
    following = "msb backtest and msb run --replay with the same flags (`msb diff` names the first difference)"
    if found is None:
        return _unknown("replay", "drivers agree", needed, following)
    measured = f"{found.decisions:,} decisions, {found.difference or 'identical'}"
    return Criterion("replay", "drivers agree", _status(not found.difference), measured, needed, found.where, following)


def _paper(found: PaperRun | None, settings: ReadinessSettings) -> tuple[Criterion, ...]:
    enough = f"{settings.paper_decisions:,} decisions over {settings.paper_days:g} days"
    following = "msb run --replay, over more days"
    if found is None:
        return _unknown("paper", "decisions", enough, following), _unknown("paper", "alarms", "none, with monitors keeping watch", following)
    is_long = found.decisions >= settings.paper_decisions and found.days >= settings.paper_days
    where = found.where
    decided = Criterion("paper", "decisions", _status(is_long), f"{found.decisions:,} over {found.days:.1f} days", enough, where, following)
    if found.alarms is None:
        return decided, _unknown("paper", "alarms", "none, with monitors keeping watch", "run on paper with monitors")
    quiet = Criterion(
        "paper", "alarms", _status(found.alarms == 0), f"{found.alarms} alarms", "none, with monitors keeping watch", where, "msb monitors"
    )
    return decided, quiet


def _two_sided(found: PaperRun | None, settings: ReadinessSettings) -> Criterion:
    least = settings.side_opinions
    needed = f"an intent of each side that has {least} opinions, and {least} opinions of each side (spot: of BUY)"
    following = "msb funnel names the gate that takes a side"
    if found is None:
        return _unknown("two-sided", "both sides", needed, "msb run --replay")
    sides = list(zip(("BUY", "SELL"), found.opinions, found.intents, strict=True))[: 1 if found.is_spot else 2]
    measured = ", ".join(f"{name} {opinions:,} opinions -> {intents:,} intents" for name, opinions, intents in sides)
    dead = any(opinions >= least and intents == 0 for _, opinions, intents in sides)
    thin = any(opinions < least for _, opinions, _ in sides)
    mute = any(opinions == 0 for _, opinions, _ in sides) and any(opinions >= least for _, opinions, _ in sides)
    status = Status.NOT_MET if dead or mute else Status.UNKNOWN if thin else Status.MET
    return Criterion("two-sided", "both sides", status, measured, needed, found.where, following)


def _verdict(found: Backtested | None, settings: ReadinessSettings) -> Criterion:
    needed = f"{' or '.join(settings.verdicts)}, out of sample"
    if found is None:
        return _unknown("verdict", "backtest", needed, "msb backtest, with the same flags as the run")
    following = "a longer record, or a better signal: `msb backtest --json` says what the verdict still needs"
    return Criterion(
        "verdict", "backtest", _status(found.verdict in settings.verdicts), f"{found.verdict}: {found.text}", needed, found.where, following
    )
