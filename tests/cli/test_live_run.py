"""The loopback exchange from the command line: its past is downloaded, it is traded at its account and on our books, and each run is verified."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from metastackerbandit.cli import trading
from metastackerbandit.cli.main import app
from metastackerbandit.cli.venue_rate import at_rate
from metastackerbandit.config.schema import Config
from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.runtime.lags import empty_lags
from metastackerbandit.storage.decision_columns import DecisionWriter
from metastackerbandit.storage.input_log import input_log_path, snapshot_path, whole_part
from metastackerbandit.storage.journal import Journal
from tests.cli.asking import RUNNER, msb
from tests.covering import covers

MSB = (sys.executable, "-m", "metastackerbandit")
LIVE = ("run", "--venue", "loopback", "--market", "perp", "--frames", "5m")
BY_NAME = ("run", "--venue", "binance", "--market", "perp", "--frames", "5m")
BOTH = ("--symbols", "BTCUSDT,ETHUSDT")
NOBODY = "http://127.0.0.1:9"  # the port of a service that nobody runs


@pytest.fixture(scope="module")
def venue() -> Iterator[str]:
    """The address of an exchange in a process of its own; a minute there is a second here."""
    words = ("venue", "--port", "0", "--days", "12", "--speed", "60", *BOTH, "--market", "perp", "--json")
    process = subprocess.Popen((*MSB, *words), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["lineage"] == "simulated" and told["symbols"] == ["BTCUSDT", "ETHUSDT"] and told["markets"] == ["perp"]
        yield told["url"]
    finally:
        process.terminate()
        rest, _ = process.communicate(timeout=30)
    ended = json.loads(rest)
    assert process.returncode == 0 and ended["requests"] > 10 and ended["connections"] > 2


class Traded:
    """A run that has ended: its home, exit code, and what it told."""

    def __init__(self, home: Path, code: int, told: dict[str, Any]) -> None:
        self.home, self.code, self.told = home, code, told


@pytest.fixture(scope="module")
def runs(venue: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Traded]:
    """Runs beside each other, each in a home of its own: at the venue's account, on our own books, and as on the real venue, where we have no key."""
    wished = {
        "account": (*LIVE, "--arm", "momentum"),
        "paper": (*LIVE, "--arm", "buy_and_hold", "--own-broker"),
        "binance": (*BY_NAME, "--arm", "buy_and_hold"),
    }
    begun = {}
    for name, words in wished.items():
        home = tmp_path_factory.mktemp(name)
        line = (*MSB, *words, *BOTH, "--url", venue, "--for", "11s", "--home", str(home), "--json")
        begun[name] = home, subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ended = {}
    for name, (home, process) in begun.items():
        out, problems = process.communicate(timeout=120)
        assert out, problems
        ended[name] = Traded(home, process.returncode, json.loads(out))
    return ended


@pytest.fixture(params=["account", "paper"])
def traded(runs: dict[str, Traded], request: pytest.FixtureRequest) -> Traded:
    """Each of them."""
    return runs[request.param]


def held(home: Path) -> dict[str, int]:
    """Candles that each file of a home's store holds."""
    import polars as pl

    return {path.stem: pl.scan_parquet(path).select(pl.len()).collect().item() for path in sorted((home / "data").glob("*/*.parquet"))}


def test_candles_and_rules_are_downloaded_once_and_then_only_what_is_new(venue: str, tmp_path: Path) -> None:
    words = ("data", "download", "--venue", "loopback", "--url", venue, *BOTH, "--frames", "5m", "--days", "8")
    code, first, _ = msb(*words, home=tmp_path)
    assert code == 0 and first["lineage"] == "simulated"
    assert [(one["symbol"], one["rows"], one["added"]) for one in first["imported"]] == [("BTCUSDT", 2_304, 2_304), ("ETHUSDT", 2_304, 2_304)]
    assert held(tmp_path) == {"BTCUSDT": 2_304, "ETHUSDT": 2_304}
    assert {path.name for path in (tmp_path / "data" / "loopback_perp_5m").iterdir()} == {"BTCUSDT.parquet", "ETHUSDT.parquet", "instruments.toml"}
    code, again, _ = msb(*words, home=tmp_path)
    assert code == 0
    for one in again["imported"]:
        assert one["added"] < 50 and one["shared"] == 2_304 - one["added"], "the newest came, and nothing was told otherwise than before"
        assert held(tmp_path)[one["symbol"]] == one["rows"] == 2_304 + one["added"]


def test_a_venue_that_we_have_no_key_for_is_traded_on_paper(runs: dict[str, Traded]) -> None:
    told = runs["binance"].told
    assert (runs["binance"].code, told["venue"], told["mode"]) == (0, "binance", "paper")
    assert told["decisions"] > 0 and told["fills"] > 0


@covers("2.122")
def test_a_run_follows_the_market_decides_and_ends_in_order(traded: Traded) -> None:
    told = traded.told
    assert (traded.code, told["venue"], told["mode"], told["lineage"], told["stopped"]) == (0, "loopback", "paper", "simulated", False)
    assert told["live"] == ["BTCUSDT", "ETHUSDT"] and {one["state"] for one in told["connections"]} == {"up"}
    assert told["decisions"] > 0 and told["inputs"] > 2 * 2_500, "the candles before were heard, and then candles of now were decided on"
    assert told["reconciliation_differences"] == []
    assert [one["id"] for one in told["connections"]] == ["public", "public.2", "market", "market.2"]
    assert [one["id"] for one in told["connections"] if one["taken_from"]] == ["public", "market"]
    assert {one["success_rate"] for one in told["connections"]} == {1.0} and all(route["rotations"] == 0 for route in told["routes"].values())
    for one in told["symbols"].values():
        assert one["carried_by"] == {"depth": "public", "trade": "public", "markPrice": "market"}
        assert one["book_live"] > 0.5 and 0.0 <= one["candles_heard"] <= 1.0
    with Journal.open(traded.home, create=False) as journal:
        view = journal.run()
        assert view.row.source == "loopback perp, simulated", "nowhere is it called live"
        assert view.row.state == "finished" and len(view.decisions().rows) == told["decisions"], "only what was decided live is journaled"
        assert not any(int(lots) for lots in _lots(view.fills()).values()), "an orderly end leaves nothing"


def test_a_run_tells_what_it_took_of_the_machine_and_how_late_it_was(traded: Traded) -> None:
    told = traded.told["vitals"]
    assert told["unknown"] == {} and told["memory_bytes"] > 0 and told["open_files"] > 0 and told["free_bytes"] > 0
    assert all(size > 0 for size in told["written_bytes"].values()) and not any(told["let_go"].values())
    whole = told["whole"]["lags"]
    assert whole["taken"]["count"] == told["frames"]["taken"] > 100 and whole["loop"]["count"] > 100
    assert whole["taken"]["max_ms"] >= whole["handled"]["p50_ms"] > 0 and set(told["waiting"]) >= {"socket_bytes", "changes", "candles", "raw_rows"}
    answer = RUNNER.invoke(app, ["status", "--home", str(traded.home)])
    assert "of a core" in answer.stdout and "frames taken" in answer.stdout and "waiting: " in answer.stdout
    assert "msb_frame_lag_seconds_bucket" in RUNNER.invoke(app, ["status", "--metrics", "--home", str(traded.home)]).stdout


def _lots(fills: Any) -> dict[int, int]:
    """Signed lots of each book that its fills come to."""
    return {int(book): int(fills["lots"][fills["instrument"] == book].sum()) for book in set(fills["instrument"])}


@covers("2.123", "2.124")
def test_orders_went_to_the_account_only_where_one_was_asked_for(runs: dict[str, Traded]) -> None:
    account, paper = runs["account"].told["events"], runs["paper"].told["events"]
    assert account["account_live"] >= 1 and "account_unread" not in account
    assert "account_live" not in paper and runs["paper"].told["fills"] >= 4, "bought and, at the end, sold again, of each symbol"


@covers("2.124", "4.13")
def test_a_run_whose_process_is_killed_is_taken_up_by_the_next_one(venue: str, tmp_path: Path) -> None:
    words = (*MSB, *LIVE, *BOTH, "--url", venue, "--home", str(tmp_path), "--arm")
    often = ("--set", "live_run.snapshot_s=0.5")
    with subprocess.Popen((*words, "buy_and_hold", "--plain", *often), stdout=subprocess.DEVNULL) as process:
        _wait_until(lambda: (tmp_path / "journal.sqlite").exists() and _filled(tmp_path) >= 2)
        _wait_until(lambda: snapshot_path(tmp_path, 1).exists())
        process.kill()
    code, told, _ = msb(*LIVE, *BOTH, "--url", venue, "--arm", "reversal", "--for", "2s", home=tmp_path)
    assert code == 4 and "run 1 holds positions" in told["error"]["what"] and "--anew" in told["error"]["mend"]
    done = subprocess.run((*words, "buy_and_hold", "--for", "8s", "--json", *often), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout)
    assert told["run"] == 1 and told["reconciliation_differences"] == [] and told["fills"] >= 4
    with Journal.open(tmp_path, create=False) as journal:
        (row,) = journal.runs()
        assert row.state == "finished" and journal.run(1).positions() == ()
    code, told, _ = msb("verify", home=tmp_path)
    assert code == 0 and told["identical"]
    code, told, _ = msb(*LIVE, *BOTH, "--url", venue, "--arm", "reversal", "--for", "1s", home=tmp_path)
    assert code == 0 and told["run"] == 2, "what left nothing stands in nobody's way"


def _filled(home: Path) -> int:
    with Journal.open(home, create=False) as journal:
        return len(journal.run().fills()) if journal.runs() else 0


def _wait_until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + 90.0
    while not done():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.2)


def test_what_happened_to_a_run_is_told_in_its_order(runs: dict[str, Traded]) -> None:
    code, told, _ = msb("events", "--most", "1000", home=runs["account"].home)
    happened = [one["what"] for one in told["events"]]
    assert code == 0 and told["of"] == len(happened) and [one["at_ns"] for one in told["events"]] != []
    counted = runs["account"].told["events"]
    early = {"clock_known"}  # the clock is measured before there is a run
    assert {what: happened.count(what) for what in counted if what not in early} == {w: n for w, n in counted.items() if w not in early}
    code, told, _ = msb("events", "--what", "carried", "--most", "1", home=runs["account"].home)
    assert code == 0 and [one["what"] for one in told["events"]] == ["carried"] and told["of"] == counted["carried"]
    code, told, _ = msb("events", "--what", "moonrise", home=runs["account"].home)
    assert code == 2 and "carried" in told["error"]["mend"]


def test_what_was_logged_gives_the_journal_again(traded: Traded) -> None:
    code, told, _ = msb("verify", home=traded.home)
    assert code == 0 and told["identical"] and told["first_difference"] is None and told["torn"] == 0
    assert told["inputs"] == whole_part(input_log_path(traded.home, 1)).records > 2 * 2_500
    assert (told["decisions"], told["fills"]) == (traded.told["decisions"], traded.told["fills"])


def test_a_log_of_which_a_byte_was_changed_is_refused(traded: Traded, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(traded.home, home)
    log = input_log_path(home, 1)
    text = bytearray(log.read_bytes())
    text[-1] ^= 1
    log.write_bytes(text)
    code, told, _ = msb("verify", home=home)
    assert code == 1 and told["error"]["type"] == "StorageFailed" and "ended in order" in told["error"]["what"] and told["error"]["mend"]


def test_a_fill_that_was_taken_out_of_the_journal_is_missed(runs: dict[str, Traded], tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(runs["paper"].home, home)
    with sqlite3.connect(home / "journal.sqlite") as journal:
        gone = journal.execute("DELETE FROM fills WHERE fill_id = (SELECT max(fill_id) FROM fills)").rowcount
    journal.close()
    assert gone == 1
    code, told, _ = msb("verify", home=home)
    assert code == 1 and not told["identical"] and told["first_difference"] is not None


def test_decisions_that_were_taken_out_of_the_journal_from_its_start_are_missed(runs: dict[str, Traded], tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(runs["paper"].home, home)
    with Journal.open(home, create=False) as journal:
        view = journal.run()
        rows, *trace = view.decisions()
    folder = home / "decisions" / "run=1"
    shutil.rmtree(folder)
    writer = DecisionWriter(folder, tuple(gate.name for gate in view.row.gates))
    writer.append(rows[1:], *(part[1:] for part in trace))
    writer.close()
    with sqlite3.connect(home / "journal.sqlite") as database:
        database.execute("UPDATE runs SET decided = decided - 1")
    database.close()
    code, told, _ = msb("verify", home=home)
    assert code == 1 and not told["identical"] and told["first_difference"]["kind"] == "decisions", told


def test_a_run_without_inputs_has_nothing_to_verify(runs: dict[str, Traded], tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(runs["paper"].home, home, ignore=shutil.ignore_patterns("*.log"))
    code, told, _ = msb("verify", home=home)
    assert code == 6 and told["error"]["type"] == "NotFound"


def test_faults_of_a_venue_that_runs_are_listed_and_switched(venue: str) -> None:
    def fault(*words: str) -> tuple[int, Any]:
        answer = RUNNER.invoke(app, ["venue", "fault", *words, "--url", venue, "--json"])
        return answer.exit_code, json.loads(answer.stdout)

    code, told = fault()
    assert code == 0 and told["on"] == [] and "slow_snapshot" in told["known"]
    code, told = fault("slow_snapshot=0.25", "--share", "0.5", "--symbol", "ethusdt")
    (on,) = told["on"]
    assert code == 0 and (on["name"], on["value"], on["share"], on["symbol"]) == ("slow_snapshot", 0.25, 0.5, "ETHUSDT")
    code, told = fault("slow_snapshot", "--off")
    assert code == 0 and told["on"] == []
    code, told = fault("slow_snapshot=soon")
    assert code == 2 and told["error"]["type"] == "UsageError" and "slow_snapshot" in told["error"]["mend"]


@pytest.mark.parametrize(
    ("words", "wanted", "kind", "mend"),
    [
        (("--symbols", "NOSUCHUSDT"), 6, "NotFound", "it trades BTCUSDT"),
        (("--symbols", "BTCUSDT", "--url", NOBODY), 1, "RequestFailed", "`msb venue`"),
        (("--symbols", "BTCUSDT", "--venue", "nosuch"), 2, "UsageError", "loopback, binance"),
    ],
)
def test_what_cannot_be_traded_is_said_and_nothing_stands_as_running(
    venue: str, words: tuple[str, ...], wanted: int, kind: str, mend: str, tmp_path: Path
) -> None:
    code, told, _ = msb(*LIVE, "--url", venue, *words, "--for", "5s", home=tmp_path)
    assert (code, told["error"]["type"]) == (wanted, kind) and mend in told["error"]["mend"]
    if (tmp_path / "journal.sqlite").exists():
        with Journal.open(tmp_path, create=False) as journal:
            assert all(row.state != "running" for row in journal.runs())


def test_a_port_that_is_taken_is_refused(venue: str, tmp_path: Path) -> None:
    port = venue.rpartition(":")[2]
    code, told, _ = msb("venue", "--port", port, "--days", "2", "--symbols", "BTCUSDT", "--market", "perp", home=tmp_path)
    assert code == 4 and told["error"]["type"] == "ConfigRefused" and port in told["error"]["what"]


def test_ages_are_told_in_the_venues_time_and_meant_in_ours() -> None:
    config = Config()
    assert at_rate(config, 1.0) == ()
    changed = dict(one.split("=") for one in at_rate(config, 60.0))
    assert float(changed["decision.max_book_age_s"]) == 60.0 * config.decision.max_book_age_s
    assert float(changed["live.silence_s"]) == 60.0 * config.live.silence_s
    assert float(changed["live.behind_s"]) == 60.0 * config.live.behind_s
    assert float(changed["health.yellow_rate"]) == pytest.approx(config.health.yellow_rate / 60.0, rel=1e-5), (
        "a second of the venue's has fewer messages"
    )
    assert config.bars.grace_s < float(changed["bars.grace_s"]) <= 60.0
    for key, value in changed.items():
        table, _, name = key.partition(".")
        assert getattr(getattr(msgspec.convert({table: {name: float(value)}}, Config), table), name) == float(value), "within its range"


def test_a_journal_that_cannot_be_written_ends_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its heartbeat writes what was decided: a run that went on would trade without a record."""

    class Part:
        lags = empty_lags()

        async def run(self, stop: asyncio.Event | None = None) -> None:
            await (stop or asyncio.Event()).wait()

        def measured(self) -> dict[str, Any]:
            return {}

        def heartbeat(self, now_ns: int, summary: dict[str, Any]) -> None:
            raise StorageFailed("no space", where="journal.sqlite", mend="make some")

    monkeypatch.setattr(trading, "summary_of_run", lambda run, engine: {})
    part: Any = Part()
    with pytest.raises(StorageFailed, match="no space"):
        asyncio.run(asyncio.wait_for(trading._until_over(part, None, part, part, Config(), None, part), 10.0))


def test_make_run_trades_several_symbols_on_two_frames() -> None:
    root = Path(__file__).parents[2]
    told = subprocess.run(("make", "-n", "run"), cwd=root, capture_output=True, text=True, check=True).stdout
    assert "--symbols BTCUSDT,ETHUSDT,SOLUSDT" in told and "--frames 15m,1h" in told and "--serve --train --preflight" in told
