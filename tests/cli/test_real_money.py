"""Real money from the command line: what must stand before a live run, each refusal with its mend, and a run whose key is written down nowhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metastackerbandit.cli import unlock as unlock_verb
from metastackerbandit.cli.real_money import day_before
from metastackerbandit.cli.venues import LOOPBACK_KEY, LOOPBACK_SECRET, REFUSED_KEYS
from metastackerbandit.config.hard_limits import TEMPLATE
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.rows import DEPOSIT, FUNDING, MARKET, REJECTED, STOP, TRADE, LedgerRow, OrderRow
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.runtime.new_risk import DayBefore
from metastackerbandit.storage.audit_log import read_audit
from metastackerbandit.storage.journal import Journal
from metastackerbandit.storage.raw_reading import rows_of, segments_in
from metastackerbandit.storage.standing import standing
from metastackerbandit.storage.unlocks import Terms, keep_unlock, unlock_path
from tests.cli.asking import msb
from tests.covering import covers
from tests.storage.runs import record

MSB = (sys.executable, "-m", "metastackerbandit")
FLAGS = ("--venue", "loopback", "--market", "perp", "--symbols", "BTCUSDT", "--frames", "5m", "--arm", "buy_and_hold")
SENTENCE = "trade real money on loopback perp up to 900 USDT"
ALLOW = ("unlock", *FLAGS, "--max-notional", "900", "--why", "a rehearsal", "--yes-i-mean", SENTENCE)
CONFIG = """\
[account]
deposit = "1000"
[risk]
max_symbol_exposure = 0.9
max_gross_exposure = 0.9
[keys.loopback]
perp = "env:A_KEY,A_SECRET"
"""
LIMITS = TEMPLATE.replace("= 100 ", "= 1000 ").replace("= 200 ", "= 1000 ").replace("= 50 ", "= 200 ").replace("= 20 ", "= 50 ")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation that is ready for an unlock."""
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "hard_limits.toml").write_text(LIMITS)
    monkeypatch.setenv("A_KEY", LOOPBACK_KEY)
    monkeypatch.setenv("A_SECRET", LOOPBACK_SECRET)
    return tmp_path


@pytest.fixture(scope="module")
def venue() -> Iterator[str]:
    """The address of an exchange in a process of its own."""
    words = ("venue", "--port", "0", "--days", "10", "--symbols", "BTCUSDT", "--market", "perp", "--json")
    process = subprocess.Popen((*MSB, *words), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())["url"]
    process.terminate()
    process.communicate(timeout=30)


# -- the unlock ----------------------------------------------------------------------------------------------------------


def test_an_unlock_is_shown_with_who_why_and_until_and_is_in_the_audit_log(home: Path) -> None:
    code, told, _ = msb("unlock", home=home)
    assert (code, told) == (0, {"unlocks": []})
    code, kept, _ = msb(*ALLOW, "--for", "2d", home=home)
    assert code == 0 and kept["is_unlocked"] and kept["until_ns"] - kept["since_ns"] == 2 * DAY_NS
    assert (kept["venue"], kept["market"], kept["symbols"], kept["max_notional"], kept["why"]) == (
        "loopback",
        "perp",
        ["BTCUSDT"],
        "900",
        "a rehearsal",
    )
    code, told, _ = msb("unlock", home=home)
    assert told == {"unlocks": [kept]}
    (entry,) = read_audit(home)
    assert (entry.what, entry.who, entry.number) == ("unlock", kept["who"], kept["entry"]) and "a rehearsal" in entry.words
    code, told, _ = msb("lock", "--venue", "loopback", home=home)
    assert (code, told["entry"]) == (0, 2) and msb("unlock", home=home)[1] == {"unlocks": []}


@pytest.mark.parametrize(
    ("words", "code", "what", "mend"),
    [
        (("--yes-i-mean", "yes"), 2, "not the sentence", SENTENCE),
        (("--max-notional", "901"), 2, "not the sentence", "up to 901 USDT"),
        (("--max-notional", "1001"), 4, "not within max_gross = 1000", "no more"),
        (("--max-notional", "899"), 4, "beyond the unlock's --max-notional = 899", "lower"),
        (("--max-notional", "0"), 4, "not within", ""),
        (("--max-notional", "much"), 4, "not an amount", ""),
        (("--why", " "), 2, "gives no reason", ""),
        (("--for", "31d"), 2, "longer than an unlock may hold", "30d"),
        (("--market", "spot"), 2, "perpetuals only", "--market perp"),
        (("--frames", "5m,15m"), 2, "one position a symbol", "one frame"),
        (("--set", "risk.max_daily_loss=0.06"), 4, "risk.max_daily_loss of account.deposit comes to 60 USDT, beyond max_daily_loss = 50", ""),
    ],
)
def test_what_cannot_be_unlocked_is_said_and_unlocks_nothing(words: tuple[str, ...], code: int, what: str, mend: str, home: Path) -> None:
    found, told, _ = msb(*ALLOW, *words, home=home)
    assert (found, what in told["error"]["what"], mend in told["error"]["mend"]) == (code, True, True), told
    assert msb("unlock", home=home)[1] == {"unlocks": []} and read_audit(home) == ()


def test_nobody_at_a_terminal_types_nothing(home: Path) -> None:
    code, told, _ = msb(*ALLOW[:-2], home=home)
    assert code == 2 and "nobody is there" in told["error"]["what"] and SENTENCE in told["error"]["mend"]


class Terminal:
    """Somebody sits there."""

    def isatty(self) -> bool:
        return True


def test_at_a_terminal_the_sentence_is_typed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metastackerbandit.cli.unlock.sys.stdin", Terminal())
    monkeypatch.setattr("metastackerbandit.cli.unlock.typer.prompt", lambda *words, **more: f" {SENTENCE} ")
    assert unlock_verb._typed(SENTENCE, None) == SENTENCE


def test_without_limits_or_with_a_waiver_nothing_is_unlocked(home: Path) -> None:
    (home / "hard_limits.toml").unlink()
    code, told, _ = msb(*ALLOW, home=home)
    assert code == 4 and "no hard limits" in told["error"]["what"] and "--hard-limits" in told["error"]["mend"]
    code, told, _ = msb("init", "--hard-limits", home=home)
    assert code == 0 and (home / "hard_limits.toml").read_text() == TEMPLATE
    assert msb("init", "--hard-limits", home=home)[0] == 4
    waiver = '[[waivers]]\nkey = "decision.thresholds"\nuntil = 2030-01-31\nwhy = "a test"\n'
    (home / "config.toml").write_text(CONFIG + waiver)
    code, told, _ = msb(*ALLOW, home=home)
    assert code == 4 and "does not hold in live mode" in told["error"]["what"]


def test_a_configuration_that_a_rollout_did_not_leave_there_is_not_unlocked(home: Path) -> None:
    assert msb("rollout", "start", "--set", "decision.min_alpha=0.11", "--why", "a test", home=home)[0] == 0
    assert msb(*ALLOW, home=home)[0] == 0, "in shadow the champion trades"
    (home / "config.toml").write_text(CONFIG + "[decision]\nmin_alpha = 0.11\n")
    code, told, _ = msb(*ALLOW, home=home)
    assert code == 4 and "stage 'shadow' of rollout 1" in told["error"]["what"] and "rollback" in told["error"]["mend"]


# -- the run -------------------------------------------------------------------------------------------------------------

RUN = ("run", *FLAGS, "--live", "--for", "1s")


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (("--own-broker",), 2, "not to both"),
        (("--market", "spot"), 2, "perpetuals only"),
        (("--frames", "5m,1h"), 2, "each frame wants its own"),
        ((), 4, "loopback perp is not unlocked"),
    ],
)
def test_a_run_that_is_not_allowed_is_refused_before_anything_is_asked(words: tuple[str, ...], code: int, what: str, home: Path) -> None:
    found, told, _ = msb(*RUN, *words, home=home)
    assert (found, what in told["error"]["what"]) == (code, True), told
    assert not (home / "journal.sqlite").exists()


def test_a_recording_has_no_account(home: Path) -> None:
    code, told, _ = msb("run", "--replay", "--live", home=home)
    assert code == 2 and "no account" in told["error"]["what"]


def test_an_unlock_of_another_configuration_or_that_is_over_or_was_changed_allows_nothing(home: Path) -> None:
    code, kept, _ = msb(*ALLOW, home=home)
    assert code == 0

    def why(*words: str) -> str:
        found, told, _ = msb(*RUN, *words, home=home)
        assert found == 4 and "msb unlock" in told["error"]["mend"]
        return str(told["error"]["what"])

    assert "and this run has" in why("--set", "risk.max_daily_loss=0.01")
    path = unlock_path(home, "loopback", "perp")
    path.write_text(path.read_text().replace('"900"', '"990"'))
    assert "it was changed" in why()
    now_ns = time.time_ns()
    keep_unlock(home, Terms("loopback", "perp", ("BTCUSDT",), "900", "USDT", now_ns - 2, now_ns - 1, "ada", "why", kept["config_hash"]))
    assert "has expired" in why()


def test_limits_that_were_lowered_since_refuse_the_run(home: Path) -> None:
    assert msb(*ALLOW, home=home)[0] == 0
    (home / "hard_limits.toml").write_text(LIMITS.replace("max_order = 1000", "max_order = 500"))
    code, told, _ = msb(*RUN, home=home)
    assert code == 4 and "beyond max_order = 500" in told["error"]["what"]


@covers("2.123")
@pytest.mark.parametrize(
    ("key", "what"),
    [
        (REFUSED_KEYS["withdraw"], "can withdraw"),
        (REFUSED_KEYS["readonly"], "cannot trade perp"),
        (REFUSED_KEYS["anywhere"], "from any address"),
        ("nobody" * 10, "refuses the key"),
    ],
)
def test_a_key_with_wrong_rights_is_refused_by_the_run_and_by_doctor(
    key: str, what: str, venue: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", key)
    assert msb(*ALLOW, home=home)[0] == 0
    code, told, _ = msb(*RUN, "--url", venue, home=home)
    assert (code, what in told["error"]["what"]) == (4, True) and key not in str(told)
    assert not (home / "journal.sqlite").exists(), "nothing had begun"
    code, told, _ = msb("doctor", "--url", venue, home=home)
    (found,) = (one for one in told["checks"] if one["name"] == "key")
    assert code == 1 and found["state"] == "ill" and what in found["what"]


def test_doctor_tells_of_limits_unlock_and_key(venue: str, home: Path) -> None:
    assert msb(*ALLOW, home=home)[0] == 0
    _, told, _ = msb("doctor", "--url", venue, home=home)
    found = {one["name"]: one for one in told["checks"]}
    assert found["hard limits"]["state"] == found["key"]["state"] == "well" and found["key"]["what"].startswith("loop...")
    assert found["unlock"]["state"] == "look" and "up to 900 USDT" in found["unlock"]["what"]
    assert msb("lock", "--venue", "loopback", home=home)[0] == 0
    (home / "hard_limits.toml").write_text("max_gros = 5")
    _, told, _ = msb("doctor", "--url", venue, home=home)
    found = {one["name"]: one for one in told["checks"]}
    assert (found["hard limits"]["state"], found["unlock"]["state"]) == ("ill", "unknown")


@covers("2.123", "2.124")
def test_a_live_run_trades_the_account_says_so_and_writes_its_key_down_nowhere(venue: str, home: Path) -> None:
    """Killed while it holds a position, it is not taken up on paper, and is left by its own way."""
    file = home.parent / f"{home.name}.key"
    file.write_text(f"{LOOPBACK_KEY}\n{LOOPBACK_SECRET}\n")
    file.chmod(0o600)
    (home / "config.toml").write_text(CONFIG.replace("env:A_KEY,A_SECRET", f"file:{file}"))
    assert msb(*ALLOW, home=home)[0] == 0
    words, traced = ("--url", venue, "--home", str(home)), os.environ | {"MSB_DEBUG": "1"}
    live = ("run", *FLAGS, "--live", "--for", "60s", *words)
    with subprocess.Popen((*MSB, *live, "--plain"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=traced) as process:
        until = time.monotonic() + 60.0
        while not _holds(home):
            assert time.monotonic() < until, "it never bought"
            time.sleep(0.2)
        code, told, _ = msb("status", home=home)
        assert (code, told["mode"]) == (0, "live")
        assert any("orders of run 1 go to the account" in line for line in told["attention"]) and any(
            "UNLOCKED" in line for line in told["attention"]
        )
        process.kill()
        said = process.communicate()[0]
    code, told, _ = msb("run", *FLAGS, "--for", "1s", "--url", venue, home=home)
    assert code == 4 and "(--live)" in told["error"]["what"]
    assert msb("lock", "--venue", "loopback", home=home)[0] == 0
    done = subprocess.run((*MSB, "flatten", *words, "--why", "a test", "--json"), capture_output=True, timeout=120, env=traced)
    assert done.returncode == 0 and json.loads(done.stdout)["left"] == [] and not _holds(home)
    assert [entry.what for entry in read_audit(home)] == ["unlock", "live", "lock", "flatten"]
    for verb in (("config", "show"), ("config", "show", "keys"), ("status",), ("doctor", "--url", venue)):
        assert LOOPBACK_SECRET not in str(msb(*verb, home=home)[1])
    frames = [str(one) for path in segments_in(home / "raw" / "run=1") for one in rows_of(path)]
    assert any("fapi/v3/balance" in one for one in frames), "what the account was asked, and answered, was kept"
    texts = {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    texts |= {"said": said, "flatten": done.stdout + done.stderr, "raw": "".join(frames).encode()}
    assert len(texts) > 10
    for secret in (LOOPBACK_SECRET.encode(), LOOPBACK_KEY.encode()):
        assert [name for name, text in texts.items() if secret in text] == []


def _holds(home: Path) -> bool:
    if not (home / "journal.sqlite").exists():
        return False
    with Journal.open(home, create=False) as journal:
        return bool(journal.runs()) and bool(journal.run().positions())


# -- the day before, and how it stands -----------------------------------------------------------------------------------

NOW_NS = 20_000 * DAY_NS + 5 * 10**9


def order(number: int, sent_ns: int, **changes: int) -> np.ndarray:
    """An order of new risk as the journal has it."""
    made: Any = rows(OrderRow, 1)
    made["order"], made["lots"], made["kind"], made["sent_ns"] = number, 5, MARKET, sent_ns
    for name, value in changes.items():
        made[name] = value
    return made


def posting(entry: int, at_ns: int, **changes: int) -> np.ndarray:
    """A posting as the journal has it."""
    made: Any = rows(LedgerRow, 1)
    made["entry"], made["at_ns"], made["kind"] = entry, at_ns, TRADE
    for name, value in changes.items():
        made[name] = value
    return made


def test_the_day_s_orders_and_losses_are_counted_over_live_runs_and_not_over_others(tmp_path: Path) -> None:
    yesterday = NOW_NS - 10 * 10**9
    with Journal.open(tmp_path) as journal:
        for mode in ("live", "paper", "live"):
            writer = journal.begin(record(mode=mode), time.time_ns())
            for one in (order(1, NOW_NS), order(2, NOW_NS), order(3, yesterday), order(4, NOW_NS, state=REJECTED), order(5, NOW_NS, reduce_only=1)):
                writer.orders(one)
            writer.orders(order(6, NOW_NS, kind=STOP))
            for one in (
                posting(1, yesterday, kind=DEPOSIT, realised=9),
                posting(2, yesterday, realised=70),
                posting(3, NOW_NS, realised=-30, fees=4),
            ):
                writer.ledger(one)
            writer.ledger(posting(4, NOW_NS, kind=FUNDING, funding=50))
            writer.finish("stopped", {}, time.time_ns())
        assert day_before(journal, 3, NOW_NS) == DayBefore(20_000 * DAY_NS, 4, 24), "of this run the orders count, its losses are its engine's"
        assert day_before(journal, 4, NOW_NS) == DayBefore(20_000 * DAY_NS, 4, 48)
        assert day_before(journal, 4, NOW_NS + DAY_NS) == DayBefore(20_001 * DAY_NS, 0, 0)


@pytest.mark.parametrize(("lineage", "words"), [("recorded", "REAL MONEY: orders of run 1"), ("simulated", "as if it were real money")])
def test_a_live_run_is_the_first_thing_that_status_says(lineage: str, words: str, tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        writer = journal.begin(record(mode="live", lineage=lineage, source="binance perp, live"), 10**12)
        told = standing(journal, 10**12 + 1, lambda pid: True)
        assert told.mode == "live" and told.attention[0].startswith(words) and "binance perp" in told.attention[0]
        writer.finish("stopped", {}, 10**12 + 2)
        assert not any("go to the account" in line for line in standing(journal, 10**12 + 3, lambda pid: True).attention)
