"""What a rollout's actions do: start one, observe champion and challenger on the same inputs, go on, go back."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from metastackerbandit.backtest.run import block_of, run
from metastackerbandit.backtest.warm_start import as_inputs
from metastackerbandit.cli.opinions import Opinions, versions_of
from metastackerbandit.cli.preflight import preflight_of
from metastackerbandit.cli.replay import replayed
from metastackerbandit.cli.session import Session, open_session
from metastackerbandit.cli.wanted import Wanted
from metastackerbandit.config.backups import write_config
from metastackerbandit.config.changes import Tables, at_share, laid_over, tables_of, text_of
from metastackerbandit.config.home import config_file
from metastackerbandit.config.loading import examine_text
from metastackerbandit.config.problems import refusal
from metastackerbandit.config.schema import Config
from metastackerbandit.config.writing import config_hash
from metastackerbandit.domain.card import Slot
from metastackerbandit.domain.errors import ConfigRefused, NotFound, SettingRefused, UsageError
from metastackerbandit.domain.label import label_spec
from metastackerbandit.domain.sink import MemorySink
from metastackerbandit.domain.timeframe import frame_ns
from metastackerbandit.evaluation.account import equity_of
from metastackerbandit.evaluation.outcome_blocks import Blocks, Pairs, blocks_of, joined, paired
from metastackerbandit.evaluation.paired_test import PairedEvidence, paired_evidence
from metastackerbandit.evaluation.rollout_rules import ADOPTED, ROLLED_BACK, SHADOW, Check, checks, share_of, stages
from metastackerbandit.evaluation.settings import RolloutSettings
from metastackerbandit.storage.journal import Journal
from metastackerbandit.storage.registry import Registry
from metastackerbandit.storage.rollouts import (
    RolloutEntry,
    RolloutStory,
    checked_file,
    count_entries,
    keep_entry,
    keep_file,
    kept_file,
    read_rollouts,
)
from metastackerbandit.training.promotion import use_of

CLOSED = (ADOPTED, ROLLED_BACK)
AUTOMATIC = "msb rollout"  # who rolls back when the test speaks against a change


class Standing(Struct, frozen=True):
    """Where a rollout stands: its criteria, all its outcomes, and what is written on disk."""

    story: RolloutStory
    criteria: RolloutSettings
    pairs: Pairs
    evidence: PairedEvidence
    outcomes: int  # of the present stage
    checks: tuple[Check, ...]
    next_stage: str
    is_on_disk: bool  # whether the configuration on disk is the one that this stage left there

    @property
    def may_advance(self) -> bool:
        """Whether every criterion is met."""
        return bool(self.checks) and all(check.is_met for check in self.checks)


class Observed(Struct, frozen=True):
    """What one observation added."""

    standing: Standing
    added: int
    runs: tuple[int, ...]
    was_rolled_back: bool


# -- looking -------------------------------------------------------------------------------------------------------------


def newest(home: Path) -> RolloutStory:
    """The newest rollout."""
    stories = read_rollouts(home)
    if not stories:
        raise NotFound("there is no rollout", where=str(home), mend='msb rollout start CHANGE.toml --why "..."')
    return stories[-1]


def active(home: Path) -> RolloutStory:
    """The one that goes on; refused where it has ended."""
    story = newest(home)
    if story.stage in CLOSED:
        raise NotFound(f"rollout {story.number} is {story.stage}, and no other goes on", where=str(home), mend="start another one")
    return story


def standing_of(home: Path, story: RolloutStory) -> Standing:
    """Where it stands, from its record alone."""
    criteria = msgspec.convert(story.start.about["criteria"], RolloutSettings)
    pairs = joined([_pairs_of(entry) for entry in story.of("observe")])
    evidence = paired_evidence(pairs.differences_bps(), criteria.spread)
    here = joined([_pairs_of(entry) for entry in story.since_advance()])
    outcomes = len(here.differences_bps())
    if story.stage in CLOSED:
        return Standing(story, criteria, pairs, evidence, outcomes, (), "", _is_on_disk(home, story))
    names = stages(criteria.shares)
    following = names[names.index(story.stage) + 1]
    looked = story.of("observe")
    errors = tuple(looked[-1].about["preflight_errors"]) if looked else None
    found = checks(evidence, outcomes, errors, criteria, is_last=following == ADOPTED)
    return Standing(story, criteria, pairs, evidence, outcomes, found, following, _is_on_disk(home, story))


def _pairs_of(entry: RolloutEntry) -> Pairs:
    about = entry.about
    columns = [np.array(about[name], np.float64).reshape(len(about["ended_ns"]), -1) for name in ("champion", "challenger")]
    return Pairs(np.array(about["ended_ns"], np.int64), *columns)


def _is_on_disk(home: Path, story: RolloutStory) -> bool:
    left = [entry.about["config"] for entry in story.entries if "config" in entry.about]
    return _present(home)[1] == left[-1]


def _present(home: Path) -> tuple[bytes, str]:
    """The configuration on disk (nothing where there is none), and its hash."""
    path = config_file(home)
    content = path.read_bytes() if path.exists() else b""
    return content, hashlib.sha256(content).hexdigest()


# -- starting ------------------------------------------------------------------------------------------------------------


def begin(home: Path, change: Tables, series: Sequence[str], *, after_ns: int, who: str, why: str) -> RolloutStory:
    """Keep champion and challenger as they are now, and open the first stage; nothing that trades changes."""
    count, stories = count_entries(home), read_rollouts(home)
    if stories and stories[-1].stage not in CLOSED:
        what = f"rollout {stories[-1].number} goes on, in stage {stories[-1].stage}"
        raise SettingRefused(what, where=str(home), mend="one change at a time: advance it to its end, or `msb rollout rollback`")
    present, digest = _present(home)
    champion = tables_of(present, str(config_file(home)))
    number = len(stories) + 1
    challenger = text_of(laid_over(champion, change), f"rollout {number}: {' '.join(why.split())}")
    before, after = _config(present, "the present configuration"), _config(challenger, "the changed configuration")
    if config_hash(before) == config_hash(after) and not series:
        raise ConfigRefused("the change changes nothing", where="msb rollout start", mend="name a key with another value, or another series")
    registry = Registry(home / "models")
    for name in series:
        registry.newest(name)
    for share in before.rollout.shares:
        _config(text_of(at_share(tables_of(challenger, "the change"), after, share), ""), f"the change at a share of {share:g}")
    about = {
        "criteria": msgspec.to_builtins(before.rollout),
        "change": change,
        "series": list(series),
        "after_ns": after_ns,
        "config": digest,
        "champion": keep_file(kept_file(home, number, "champion"), present),
        "challenger": keep_file(kept_file(home, number, "challenger"), challenger),
    }
    keep_entry(home, RolloutEntry(number, "start", SHADOW, time.time_ns(), who, why, about), after=count)
    return newest(home)


def _config(content: bytes, place: str) -> Config:
    examined = examine_text(content, place)
    if examined.problems:
        raise refusal(examined.problems)
    return examined.config


# -- observing -----------------------------------------------------------------------------------------------------------


def observe(home: Path, wanted: Wanted, *, who: str, why: str) -> Observed:
    """Run champion and challenger over the same recording, and keep the outcomes that are later than those kept.

    In shadow both are computed and nothing is journaled; from the paper stage on each trades its own paper account, as runs of the journal.
    Where the test comes to speak against the challenger, it is rolled back at once.
    """
    count, story = count_entries(home), active(home)
    sessions = tuple(_session(home, story, wanted, which) for which in ("champion", "challenger"))
    length_ns = max(_horizon_ns(session) for session in sessions)
    seen = story.of("observe")
    if seen and seen[-1].about["block_ns"] != length_ns:
        raise UsageError("other frames were observed before", where="msb rollout observe", mend="observe the frames that the rollout began with")
    is_shadow = story.stage == SHADOW
    told = [_in_shadow(session, length_ns) if is_shadow else _on_paper(session, length_ns) for session in sessions]
    last_ns = max([int(story.start.about["after_ns"]), *(int(entry.about["ended_ns"][-1]) for entry in seen)])
    added = paired(told[0][0], told[1][0]).after(last_ns)
    if not len(added.ended_ns):
        until = np.datetime64(last_ns, "ns").astype("datetime64[m]")
        raise UsageError(f"no whole outcome is later than {until}", where="msb rollout observe", mend="give later candles; each outcome counts once")
    challenger = preflight_of(sessions[1], _in_place(home, story, wanted, "challenger"))
    runs = tuple(number for _, number in told if number)
    about = {
        "runs": list(runs),
        "source": sessions[0].recording.source,
        "digest": sessions[0].recording.digest,
        "block_ns": length_ns,
        "preflight_errors": [one.id for one in challenger.findings if one.is_error],
        "ended_ns": added.ended_ns.tolist(),
        "champion": added.champion.tolist(),
        "challenger": added.challenger.tolist(),
    }
    keep_entry(home, RolloutEntry(story.number, "observe", story.stage, time.time_ns(), who, why, about), after=count)
    standing = standing_of(home, active(home))
    against = standing.evidence.speaks_against(standing.criteria)
    if against:
        e = standing.evidence
        roll_back(home, who=AUTOMATIC, why=f"the test speaks against it: e-value {e.e_value:.3g} after {e.outcomes} outcomes, {e.mean:+.3g} bps each")
        standing = standing_of(home, newest(home))
    return Observed(standing, len(added.differences_bps()), runs, against)


def _in_place(home: Path, story: RolloutStory, wanted: Wanted, which: Any) -> Wanted:
    """The flags with a configuration of the rollout in place of the installation's."""
    path = kept_file(home, story.number, which)
    checked_file(path, story.start.about[which])
    return wanted._replace(home=home, instead=path)


def _session(home: Path, story: RolloutStory, wanted: Wanted, which: Any) -> Session:
    session = open_session(_in_place(home, story, wanted, which))
    series = story.start.about["series"]
    if which == "champion" or not series:
        return session
    if session.opinions is None:
        raise UsageError(f"arm {session.plan.arm} hears no model", where="msb rollout observe", mend="run an arm that hears models, such as model")
    return msgspec.structs.replace(session, opinions=_with_series(session.opinions, session, Registry(home / "models"), series))


def _with_series(opinions: Opinions, session: Session, registry: Registry, series: Sequence[str]) -> Opinions:
    """The opinions with other series in the slots that they were made for."""
    models = list(opinions.models)
    voices = []
    cards = {name: registry.newest(name) for name in series}
    used: set[str] = set()
    for voice in opinions.voices:
        symbol = session.recording.instruments[voice.place].symbol
        name = next((name for name, card in cards.items() if card.frame == voice.frame and symbol in card.symbols), None)
        if name is not None:
            used.add(name)
            voice = msgspec.structs.replace(voice, versions=versions_of(registry, name, models), is_frame_waived=False)
        voices.append(voice)
    if used != set(series):
        idle = ", ".join(sorted(set(series) - used))
        raise UsageError(f"{idle} answers for no symbol and frame of this run", where="msb rollout observe", mend="observe what it was trained for")
    return Opinions(tuple(voices), tuple(models), opinions.notices)


def _horizon_ns(session: Session) -> int:
    """The longest horizon of the books: what is decided has mostly ended by then."""
    return max(label_spec(book.frame).horizon * frame_ns(book.frame) for book in session.plan.books)


def _in_shadow(session: Session, length_ns: int) -> tuple[Blocks, int]:
    """The session computed at full speed, kept in memory alone."""
    sink = MemorySink()
    run(session.plan, block_of(session.fed, (), session.predicted(), as_inputs(session.past)), session.config.simulation, sink)
    rows = sink.kept().decisions
    return blocks_of(rows, *equity_of(rows), length_ns), 0


def _on_paper(session: Session, length_ns: int) -> tuple[Blocks, int]:
    """The session traded on paper, one input at a time, as a run of the journal."""
    number = int(replayed(session, quiet=True, plain=True)["run"])
    with Journal.open(session.home, create=False) as journal:
        rows = journal.run(number).decisions().rows
    return blocks_of(rows, *equity_of(rows), length_ns), number


# -- going on and back ---------------------------------------------------------------------------------------------------


def advance(home: Path, *, who: str, why: str) -> Standing:
    """Go to the next stage, if every criterion is met; from a share of capital on, the configuration on disk becomes the challenger's.

    The intent is on disk before the configuration changes: after a stop between the two, `status` says so and `rollback` undoes it.
    """
    count, story = count_entries(home), active(home)
    standing = standing_of(home, story)
    if not standing.may_advance:
        lacking = "; ".join(f"{check.criterion}: {check.measured}, needed {check.needed}" for check in standing.checks if not check.is_met)
        raise SettingRefused(
            f"stage {story.stage} is not done: {lacking}", where=f"rollout {story.number}", mend="observe more: `msb rollout observe`"
        )
    if not standing.is_on_disk:
        what = "the configuration on disk is not the one that this rollout left there"
        raise SettingRefused(
            what, where=str(config_file(home)), mend="undo that change (`msb config rollback`), or roll the rollout back and start again"
        )
    following = standing.next_stage
    share = share_of(following)
    about: dict[str, Any] = {"from": story.stage, "share": share}
    content = None
    if share > 0.0:
        content = _at_share(home, story, share)
        about |= {"config": hashlib.sha256(content).hexdigest(), "promoted": promote_series(home, story, who)}
    keep_entry(home, RolloutEntry(story.number, "advance", following, time.time_ns(), who, why, about), after=count)
    if content is not None:
        write_config(home, content, time.time_ns())
    return standing_of(home, newest(home))


def roll_back(home: Path, *, who: str, why: str) -> Standing:
    """Undo the newest rollout: the configuration and the series from before it serve again; what is replaced is backed up."""
    count, story = count_entries(home), newest(home)
    if story.stage == ROLLED_BACK:
        raise NotFound(f"rollout {story.number} is rolled back already", where=str(home), mend="there is nothing to undo")
    champion = checked_file(kept_file(home, story.number, "champion"), story.start.about["champion"])
    changed = any(entry.about.get("share", 0.0) > 0.0 for entry in story.entries)
    about: dict[str, Any] = {"from": story.stage, "demoted": [], "config": hashlib.sha256(champion).hexdigest() if changed else _present(home)[1]}
    keep_entry(home, RolloutEntry(story.number, "rollback", ROLLED_BACK, time.time_ns(), who, why, about), after=count)
    if changed:
        write_config(home, champion, time.time_ns())
        _demote(home, story, who)
    return standing_of(home, newest(home))


def _at_share(home: Path, story: RolloutStory, share: float) -> bytes:
    """The challenger's configuration with its sizes at a share; at the whole, as it was kept."""
    content = checked_file(kept_file(home, story.number, "challenger"), story.start.about["challenger"])
    if share >= 1.0:
        return content
    tables = at_share(tables_of(content, "the challenger"), _config(content, "the challenger"), share)
    heading = f"rollout {story.number} at a share of {share:g} of its sizes; `msb rollout rollback` restores what was here before"
    return text_of(tables, heading)


def promote_series(home: Path, story: RolloutStory, who: str) -> list[str]:
    """Let the challenger's series serve the slots that they were made for; those that serve them already stay."""
    registry, done = Registry(home / "models"), []
    for name in story.start.about["series"]:
        card = registry.newest(name)
        for symbol in card.symbols:
            slot = Slot(symbol, card.frame)
            if registry.promoted(slot) != name:
                registry.promote(slot, name, use_of(card, symbol), who=who, now_ns=time.time_ns())
                done.append(str(slot))
    return done


def _demote(home: Path, story: RolloutStory, who: str) -> None:
    """Let the series from before serve again where this rollout promoted another that still serves."""
    registry = Registry(home / "models")
    promoted = {slot for entry in story.entries for slot in entry.about.get("promoted", ())}
    for text in sorted(promoted):
        symbol, _, frame = text.rpartition(" ")
        slot = Slot(symbol, frame)
        if registry.promoted(slot) in story.start.about["series"]:
            registry.rollback(slot, who=who, now_ns=time.time_ns())
