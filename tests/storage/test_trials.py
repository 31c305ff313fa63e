"""The registry of trials: each different run counts once, rows are only added, several processes may add, and damage is said."""

from __future__ import annotations

import math
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.domain.timeframe import HOUR_NS, MINUTE_NS
from metastackerbandit.storage.trials import Trial, TrialRegistry, database, family_of, returns_text
from tests.covering import covers
from tests.markets import instrument

ROOT = Path(__file__).resolve().parents[2]


def trial(identity: str, seed: int = 0, **changes: object) -> Trial:
    """A backtest with returns drawn from a seed."""
    made = Trial(
        at_ns=1,
        kind="backtest",
        family="btc",
        identity=identity,
        name="sma_cross",
        from_ns=0,
        to_ns=100,
        bars=100,
        sharpe=0.1 * seed,
        skew=0.0,
        kurtosis=3.0,
        annual_sharpe=1.9 * seed,
        returns=returns_text(np.random.default_rng(seed).normal(size=10)),
    )
    return msgspec.structs.replace(made, **changes)


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), max_size=12))
def test_every_different_outcome_of_a_family_counts_once(tmp_path_factory, runs):
    with TrialRegistry.open(tmp_path_factory.mktemp("home")) as registry:
        first: dict[int, int] = {}
        for name, seed in runs:
            assert registry.record(trial(str(name), seed)) is (name not in first)
            first.setdefault(name, seed)
        assert registry.count("btc") == len(set(first.values()))
        assert registry.count("eth") == 0


def test_a_trial_comes_back_as_it_was(tmp_path: Path):
    given_ = [trial("a", 1), trial("b", 2, kind="sweep", sharpe=math.nan, annual_sharpe=math.inf), trial("c", kind="train", returns=b"", sharpe=-0.0)]
    with TrialRegistry.open(tmp_path) as registry:
        for one in given_:
            assert registry.record(one)
    with TrialRegistry.open(tmp_path) as registry:
        found = registry.of("btc")
        assert repr(found) == repr(tuple(given_)).replace("-0.0", "0.0")
        assert np.array_equal(found[0].series, np.random.default_rng(1).normal(size=10)) and len(found[2].series) == 0


def test_statistics_are_of_the_different_trials(tmp_path: Path):
    with TrialRegistry.open(tmp_path) as registry:
        for name, seed in (("a", 1), ("b", 2), ("again", 2), ("c", 4)):
            registry.record(trial(name, seed))
        registry.record(trial("unknown", 9, sharpe=math.nan))
        assert registry.count("btc") == 4
        sharpes = registry.sharpes("btc")
        assert sorted(sharpes[:3]) == [0.1, 0.2, 0.4] and math.isnan(sharpes[3])
        assert registry.count("none") == 0 and len(registry.sharpes("none")) == 0


def test_the_same_returns_over_another_span_are_another_trial(tmp_path: Path):
    with TrialRegistry.open(tmp_path) as registry:
        registry.record(trial("a", 1))
        registry.record(trial("b", 1, to_ns=200))
        registry.record(trial("c", 1, returns=b""))
        registry.record(trial("d", 1, returns=b""))
        assert registry.count("btc") == 4


def test_a_family_is_the_market_the_frame_and_the_purpose():
    btc, eth, spot = instrument("BTCUSDT"), instrument("ETHUSDT"), instrument("BTCUSDT", "spot")
    own = family_of((btc, eth), HOUR_NS)
    assert own == family_of((eth, btc), HOUR_NS) == family_of((btc, instrument("ETHUSDT", tick_size="0.5")), HOUR_NS)
    others = [
        family_of((btc,), HOUR_NS),
        family_of((spot, eth), HOUR_NS),
        family_of((btc, eth), MINUTE_NS),
        family_of((btc, eth), HOUR_NS, purpose="skill"),
    ]
    assert own not in others and len(set(others)) == 4


@covers("A40")
def test_a_trial_that_was_recorded_survives_a_kill(tmp_path: Path):
    script = """
import sys
from pathlib import Path
from metastackerbandit.storage.trials import TrialRegistry
from tests.storage.test_trials import trial
registry = TrialRegistry.open(Path(sys.argv[1]))
for n in range(100_000):
    registry.record(trial(f"{sys.argv[2]} {n}", n, returns=b""))
    print(n + 1, flush=True)
"""
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), name],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": paths},
        )
        for name in ("one", "other")
    ]
    announced = []
    for process in started:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 15:
                break
    for process in started:
        process.send_signal(signal.SIGKILL)
        assert process.stdout is not None
        last = [int(line) for line in process.stdout if line.endswith("\n")]
        announced.append(max([15, *last]))
        process.wait()
    with TrialRegistry.open(tmp_path) as registry:
        assert sum(announced) <= registry.count("btc") <= sum(announced) + 2


def test_rows_are_only_added(tmp_path: Path):
    with TrialRegistry.open(tmp_path) as registry:
        registry.record(trial("a", 1))
    connection = sqlite3.connect(database(tmp_path))
    for statement in ("DELETE FROM trials", "UPDATE trials SET sharpe = 9"):
        with pytest.raises(sqlite3.IntegrityError, match="only added"):
            connection.execute(statement)
    connection.close()


def tampered(home: Path, *statements: str) -> None:
    """Change a registry of three trials behind its guards."""
    with TrialRegistry.open(home) as registry:
        for n in range(3):
            registry.record(trial(str(n), n))
    connection = sqlite3.connect(database(home), isolation_level=None)
    for statement in ("DROP TRIGGER no_update", "DROP TRIGGER no_delete", *statements):
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM trials WHERE trial = 2", "1 of 3 trials are gone"),
        ("UPDATE trials SET sharpe = 0.5 WHERE trial = 2", "does not match its seal"),
        ("UPDATE trials SET returns = x'00' WHERE trial = 3", "does not match its seal"),
    ],
)
def test_a_changed_registry_is_refused(tmp_path: Path, statement: str, said: str):
    tampered(tmp_path, statement)
    with TrialRegistry.open(tmp_path) as registry, pytest.raises(StorageFailed, match=said) as refused:
        registry.of("btc")
    assert "copy" in refused.value.mend and "trials.sqlite" in refused.value.where


@pytest.mark.parametrize(
    ("statements", "said"),
    [(("PRAGMA user_version = 7",), "version 7"), (("ALTER TABLE trials DROP COLUMN skew",), "columns"), (("DROP TABLE trials",), "columns")],
)
def test_a_registry_of_another_kind_is_refused(tmp_path: Path, statements: tuple[str, ...], said: str):
    tampered(tmp_path, *statements)
    with pytest.raises(StorageFailed, match=said):
        TrialRegistry.open(tmp_path)


def test_a_damaged_file_is_refused(tmp_path: Path):
    database(tmp_path).write_bytes(b"no database at all, and longer than a header would be" * 50)
    with pytest.raises(StorageFailed, match="damaged"):
        TrialRegistry.open(tmp_path)


def test_pages_that_were_overwritten_are_noticed(tmp_path: Path):
    with TrialRegistry.open(tmp_path) as registry:
        for n in range(40):
            registry.record(trial(str(n), n, returns=returns_text(np.random.default_rng(n).normal(size=960))))
    whole = bytearray(database(tmp_path).read_bytes())
    whole[8_192:-8_192] = b"\xaa" * (len(whole) - 16_384)
    database(tmp_path).write_bytes(whole)
    with pytest.raises(StorageFailed), TrialRegistry.open(tmp_path) as registry:
        registry.of("btc")


def test_an_empty_file_is_a_new_registry(tmp_path: Path):
    database(tmp_path).touch()
    with TrialRegistry.open(tmp_path) as registry:
        assert registry.record(trial("a")) and registry.count("btc") == 1


def test_a_place_that_cannot_hold_it_is_said(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed, match="could not be opened"):
        TrialRegistry.open(tmp_path / "file" / "home")
