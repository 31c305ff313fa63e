"""From the words of a command to something that can run: configuration, recording, plan, and the run's record."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from metastackerbandit.backtest.scenarios import Scenario, scenario_named
from metastackerbandit.backtest.warm_start import earned, nothing_earned
from metastackerbandit.cli.code_version import code_version
from metastackerbandit.cli.market_data import candles, opened, time_ns
from metastackerbandit.cli.opinions import Opinions, has_models, heard_frames, opinions_of
from metastackerbandit.cli.wanted import Wanted
from metastackerbandit.config.books import engine_settings, traded_frames
from metastackerbandit.config.home import home_folder
from metastackerbandit.config.loading import load
from metastackerbandit.config.notices import notices
from metastackerbandit.config.schema import Config
from metastackerbandit.config.writing import config_hash, config_text
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.domain.timeframe import frame_name, frame_ns
from metastackerbandit.engine.gates import GATES
from metastackerbandit.engine.notices import notices_of
from metastackerbandit.engine.plan import Plan, begin, plan_of, recording_of
from metastackerbandit.evaluation.monitors.catalog import NAMES
from metastackerbandit.evaluation.monitors.mirror import BESIDE_NAMES
from metastackerbandit.stacking.names import ARM_NAMES
from metastackerbandit.stacking.settings import AUTO, POSTERIOR
from metastackerbandit.storage.run_record import Driver, Mode, RunRecord, words_of

FIRST_RULE = "sma_cross"  # what `auto` trades where no model is


class Session(Struct, frozen=True, eq=False):
    """Everything a run needs, read and checked."""

    home: Path
    config: Config
    recording: Recording
    plan: Plan
    opinions: Opinions | None
    notices: tuple[str, ...]
    past: np.ndarray  # outcomes from before the run, in the layout of OutcomeRow
    scenario: Scenario | None = None

    @property
    def fed(self) -> Recording:
        """The recording as the plan's books read it."""
        return recording_of(self.plan, self.recording)

    def leader(self, place: int) -> int:
        """The first book of the symbol at a place of the recording."""
        return next(b for b, book in enumerate(self.plan.books) if book.place == place)

    def predicted(self) -> tuple[np.ndarray, ...]:
        """Every prediction that the run hears, one array a book; none for rules."""
        if self.scenario is not None:
            return self.scenario.predictions
        return self.opinions.predictions(self.recording, self.config) if self.opinions else ()

    def models(self) -> tuple[str, ...]:
        """The run's list of versions."""
        if self.scenario is not None:
            return (f"scenario {self.scenario.name}",)
        return self.opinions.models if self.opinions else ()


def open_session(wanted: Wanted) -> Session:
    """Read configuration and data, and check that they fit; nothing is written."""
    home, config, recording = opened(wanted)
    session = _with_opinions(home, config, recording)
    since_ns = time_ns(wanted.since, "--since")
    if session.plan.arm == POSTERIOR and since_ns is not None:
        return _warm(session, wanted, since_ns)
    return session


def open_live(wanted: Wanted, since_ns: int) -> Session:
    """The session of a live run over the candles since then; its order books are heard as they are, so its plan reads seconds of them."""
    home, config, recording = opened(wanted)
    bars = tuple(own[own["opened_ns"] >= since_ns] for own in recording.bars)
    heard = msgspec.structs.replace(recording, bars=bars, seconds=tuple(rows(SecondRow, 0) for _ in recording.instruments))
    return _with_opinions(home, config, heard)


def open_scenario(wanted: Wanted, name: str) -> Session:
    """A made market under the settings that it is about; flags and environment go before them, the installation's file is left out."""
    scenario = scenario_named(name)
    own = [f"{key}={value}" for key, value in scenario.settings.items()]
    config = load([], os.environ, [*own, *wanted.sets], {"run.frames": (frame_name(scenario.recording.base_ns),)}).config
    plan = plan_of(scenario.recording, config.run.frames, config.run.arm, config.engine(), own=partial(engine_settings, config))
    begin(plan)
    home = home_folder(wanted.home, os.environ)
    return Session(home, config, scenario.recording, plan, None, (), nothing_earned(), scenario)


def _warm(session: Session, wanted: Wanted, since_ns: int) -> Session:
    """The session with what its arms earned on the candles before it; without such candles they begin with nothing."""
    try:
        before = candles(wanted, session.config, None, since_ns)
    except DataRefused:
        return session
    predictions = session.opinions.predictions(before, session.config) if session.opinions else ()
    past = earned(session.plan, recording_of(session.plan, before), predictions, session.config.simulation)
    notice = f"arms begin with {len(past):,} outcomes of their own from before the run, out of sample"
    return msgspec.structs.replace(session, past=past, notices=(*session.notices, notice))


def _with_opinions(home: Path, config: Config, recording: Recording) -> Session:
    """Settle the arm, gather what it hears, and check that all of it fits together."""
    notices: tuple[str, ...] = ()
    arm = config.run.arm
    if arm == AUTO:
        lacking = [frame for frame in config.run.frames if not has_models(home, recording, frame)]
        arm = FIRST_RULE if lacking else "model"
        if arm == FIRST_RULE:
            notices = (f"no model of {', '.join(lacking)} for every symbol: the rule arm {FIRST_RULE} trades (`msb train` makes models)",)
    spoken = config.run.arms if arm == POSTERIOR else (arm,)
    frames = heard_frames(home, recording, config) if "aligned" in spoken else ()
    plan = plan_of(recording, config.run.frames, arm, config.engine(), frames=frames, arms=config.run.arms, own=partial(engine_settings, config))
    begin(plan)  # refuses what does not fit, before anything is written
    if not plan.waits():
        return Session(home, config, recording, plan, None, notices, nothing_earned())
    opinions = opinions_of(home, recording, config, plan.books, time.time_ns())
    return Session(home, config, recording, plan, opinions, (*notices, *opinions.notices), nothing_earned())


def record_of(session: Session, mode: Mode, driver: Driver, *, is_mirrored: bool = False) -> RunRecord:
    """The run's record for the journal; the identity is a hash of configuration, code and inputs, whichever driver runs them.

    A run that a twin looks at (`is_mirrored`) lists the twin's monitors behind all others.
    """
    import hashlib

    hashed, code = config_hash(session.config), code_version()
    models = session.models()
    made_of = (hashed, code, session.recording.digest, session.plan.arm, *models, hashlib.sha256(session.past.tobytes()).hexdigest())
    identity = hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:16]
    return RunRecord(
        identity=identity,
        mode=mode,
        driver=driver,
        config_hash=hashed,
        config=config_text(session.config),
        code=code,
        instruments=session.plan.instruments,
        frames=tuple(frame_ns(book.frame) for book in session.plan.books),
        base_ns=session.recording.base_ns,
        frame_ns=frame_ns(session.plan.frame),
        arm=session.plan.arm,
        source=session.recording.source,
        digest=session.recording.digest,
        gates=words_of(GATES),
        notices=(
            *session.recording.notices,
            *session.notices,
            *notices_of(session.plan),
            *_fill_notice(session.config),
            *_said_by(session, mode),
        ),
        models=models,
        lineage="recorded" if session.scenario is None else "simulated",
        monitors=(*NAMES, *BESIDE_NAMES) if is_mirrored else NAMES,
        arms=ARM_NAMES,
    )


def _said_by(session: Session, mode: Mode) -> tuple[str, ...]:
    """What the configuration has to say about itself: waivers in force, limits that are hidden; of consensus the plan knows more."""
    told = notices(session.config, traded_frames(session.config), time.time_ns(), mode)
    return tuple(str(notice) for notice in told if notice.key != "decision.consensus")


def _fill_notice(config: Config) -> tuple[str, ...]:
    if config.simulation.fill == "close":
        return ('fills are at the close that was decided on (simulation.fill = "close"): for comparisons only, no order could have had them',)
    return ()
