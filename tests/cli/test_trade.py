"""The trading verbs as a user calls them, on recorded candles and on bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from metastackerbandit.domain.timeframe import frame_name
from metastackerbandit.storage.journal import Journal
from tests.cli.asking import candles, msb
from tests.covering import covers


@covers("2.138", "0.38")
def test_a_backtest_answers_in_the_stable_shape_and_explains_itself(tmp_path: Path) -> None:
    words = ("--data", candles(), "--symbols", "BTCUSDT", "--frame", "5m", "--arm", "sma_cross", "--until", "2025-02-01")
    code, answer, _ = msb("backtest", *words, home=tmp_path)
    assert code == 0
    assert (answer["symbol"], answer["frame"], answer["fill"]) == ("BTCUSDT", "5m", "next_open")
    assert answer["decisions"] == answer["bars"] == 32 * 288
    assert answer["round_trips"] > 30 and answer["fills"] >= 2 * answer["round_trips"]
    assert set(answer["sharpe"]) == {"value", "low", "high"}
    assert answer["sharpe"]["low"] <= answer["sharpe"]["value"] <= answer["sharpe"]["high"]
    assert set(answer["costs"]) == {"fees", "slippage", "impact", "funding"}
    assert answer["baselines"]["flat"] == 0.0 and "buy_and_hold" in answer["baselines"]
    for side in ("BUY", "SELL"):
        stages = answer["funnel"][side]
        assert stages["opinion"] >= stages["decision"] >= stages["intent"] >= stages["order"] >= stages["fill"] > 0
    assert answer["verdict"] in ("NO_EVIDENCE", "WEAK", "HARMFUL", "UNDERPOWERED")

    code, told, _ = msb("explain", "last", home=tmp_path)
    assert code == 0 and told["symbol"] == "BTCUSDT"
    assert {gate["gate"] for gate in told["trace"]} >= {"warm", "legal_order", "daily_loss", "operator"}
    assert "close" in told["text"]
    code, funnel, _ = msb("funnel", home=tmp_path)
    assert code == 0 and funnel["BUY"] == answer["funnel"]["BUY"] and funnel["SELL"] == answer["funnel"]["SELL"]


@covers("2.135", "A35")
def test_a_paper_replay_leaves_the_journal_that_the_backtest_leaves(tmp_path: Path) -> None:
    words = ("--data", candles(), "--symbols", "BTCUSDT,ETHUSDT", "--frame", "15m", "--arm", "breakout", "--until", "2025-01-20")
    code, paper, _ = msb("run", "--replay", *words, home=tmp_path)
    assert code == 0
    assert (paper["mode"], paper["lineage"], paper["reconciliation_differences"]) == ("paper", "recorded", [])
    code, backtest, _ = msb("backtest", *words, home=tmp_path)
    assert code == 0
    assert paper["identity"] == backtest["identity"]
    assert [paper[name] for name in ("decisions", "orders", "fills", "equity")] == [
        backtest[name] for name in ("decisions", "orders", "fills", "equity")
    ]
    code, diff, _ = msb("diff", "1", "2", home=tmp_path)
    assert code == 0 and diff["identical"] and diff["first_difference"] is None
    code, status, _ = msb("status", home=tmp_path)
    assert code == 3 and status["state"] == "stopped"


@covers("1.24", "1.26", "1.13", "A26", "A35")
def test_four_frames_of_two_symbols_in_one_process_leave_what_each_leaves_alone(tmp_path: Path) -> None:
    """As a user starts them: together, and a frame by itself; fixed sizes on an account that nothing strains."""
    apart = (
        "sizing.mode=quantity",
        "sizing.quantity=0.02",
        "account.deposit=100000000",
        "execution.max_orders_a_day=10000",
        "execution.min_change_bps=0",
    )
    flags = [word for setting in (*apart, "arms.momentum.length=3") for word in ("--set", setting)]
    words = ["--data", candles(), "--symbols", "BTCUSDT,ETHUSDT", "--arm", "momentum", "--until", "2025-01-03", *flags]
    frames = ("5m", "15m", "1h", "4h")
    code, together, _ = msb("run", "--replay", *words, "--frames", ",".join(frames), home=tmp_path)
    assert code == 0 and together["reconciliation_differences"] == []
    journal = Journal.open(tmp_path)
    whole = journal.run("last")
    books = [(instrument.symbol, frame_name(whole.row.frame_of(place))) for place, instrument in enumerate(whole.row.instruments)]
    assert sorted(books) == sorted((symbol, frame) for symbol in ("BTCUSDT", "ETHUSDT") for frame in frames)
    # tests/engine/test_books.py has every frame alone, on generated markets
    code, alone, _ = msb("run", "--replay", *words, "--frames", "1h", home=tmp_path)
    assert code == 0 and alone["fills"] > 2
    own = journal.run("last")
    assert own.row.run != whole.row.run
    for place, symbol in enumerate(("BTCUSDT", "ETHUSDT")):
        beside = books.index((symbol, "1h"))
        for rows, others in ((own.fills(), whole.fills()), (own.trips(), whole.trips())):
            mine, theirs = rows[rows["instrument"] == place], others[others["instrument"] == beside]
            assert len(mine) == len(theirs)
            for name in ("at_ns", "closed_ns", "lots", "ticks", "fee", "net", "bars", "reason"):
                if name in (mine.dtype.names or ()):
                    assert mine[name].tobytes() == theirs[name].tobytes(), (symbol, name)
        decided, beside_decided = own.decisions(), whole.decisions()
        mine, theirs = decided.rows["instrument"] == place, beside_decided.rows["instrument"] == beside
        for name in ("closed_ns", "signal", "side", "kind", "reason", "position", "sent", "binding", "blocked"):
            assert decided.rows[name][mine].tobytes() == beside_decided.rows[name][theirs].tobytes(), (symbol, name)
        assert decided.verdict[mine].tobytes() == beside_decided.verdict[theirs].tobytes()
    journal.close()


def test_diff_of_drivers_says_identical_with_counts(tmp_path: Path) -> None:
    words = ("--data", candles(), "--symbols", "BTCUSDT,ETHUSDT", "--arm", "sma_cross", "--until", "2025-01-08")
    code, diff, _ = msb("diff", "--drivers", *words, home=tmp_path)
    assert code == 0
    assert diff["identical"] is True
    assert diff["decisions"] == 2 * 8 * 288 and diff["orders"] > 0 and diff["fills"] > 0 and diff["inputs"] >= 4 * 8 * 288


@covers("A02")
def test_diff_of_two_runs_names_the_first_difference_and_its_cause(tmp_path: Path) -> None:
    words = ("--data", candles(), "--symbols", "BTCUSDT", "--arm", "sma_cross", "--until", "2025-01-10")
    assert msb("backtest", *words, home=tmp_path)[0] == 0
    assert msb("backtest", *words, "--set", "costs.taker_fee_bps=6", home=tmp_path)[0] == 0
    code, diff, _ = msb("diff", "1", "2", home=tmp_path)
    assert code == 1 and not diff["identical"]
    assert diff["first_difference"]["cause"] == "fee"
    assert "fee" in diff["first_difference"]["fields"] or "fees" in diff["first_difference"]["fields"]


@covers("A11", "2.120")
def test_the_same_run_twice_gives_the_same_answer(tmp_path: Path) -> None:
    words = ("--data", candles(), "--symbols", "ETHUSDT", "--arm", "random_entries", "--until", "2025-01-10")
    answers = [msb("backtest", *words, home=tmp_path)[1] for _ in range(2)]
    for answer in answers:
        answer.pop("run")
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("words", "code", "what", "mend"),
    [
        (("--symbols", "BTCUSTD"), 6, "BTCUSTD", "BTCUSDT"),
        (("--symbols", "BTCUSDT", "--frame", "7m"), 4, "7m", "1h"),
        (("--symbols", "BTCUSDT", "--frame", "1m"), 4, "1m", "5m"),
        (("--symbols", "BTCUSDT", "--arm", "sma_corss"), 4, "sma_corss", "sma_cross"),
        (("--symbols", "BTCUSDT", "--set", "costs.taker_fe_bps=4"), 4, "taker_fe_bps", "taker_fee_bps"),
        (("--symbols", "BTCUSDT", "--set", "risk.max_drawdown=2"), 4, "max_drawdown", "1"),
        (("--symbols", "BTCUSDT", "--set", "account.currency=EUR"), 4, "USDT", "USDT"),
        (("--symbols", "BTCUSDT", "--set", 'decision.unknown_passes=["volatilty_cap"]'), 4, "volatilty_cap", "volatility_cap"),
        (("--symbols", "BTCUSDT", "--since", "yesterday"), 2, "yesterday", "2025-01-31"),
    ],
)
def test_bad_words_are_refused_with_the_mend_and_nothing_is_written(tmp_path: Path, words: tuple[str, ...], code: int, what: str, mend: str) -> None:
    answered, answer, stderr = msb("backtest", "--data", candles(), *words, home=tmp_path)
    assert answered == code
    told = json.dumps(answer["error"])
    assert what in told and mend in told
    assert what in stderr
    assert list(tmp_path.iterdir()) == []


def test_run_without_replay_and_without_data_say_what_to_give(tmp_path: Path) -> None:
    code, answer, _ = msb("run", "--data", candles(), home=tmp_path)
    assert code == 2 and "--replay" in answer["error"]["mend"]
    code, answer, _ = msb("backtest", home=tmp_path)
    assert code == 2 and "--data" in answer["error"]["mend"]
    code, answer, _ = msb("diff", home=tmp_path)
    assert code == 2
    code, answer, _ = msb("explain", "last", home=tmp_path)
    assert code == 6


@covers("0.45", "2.134")
def test_a_paced_run_is_seen_running_refuses_a_second_and_stops_in_order(tmp_path: Path) -> None:
    words = ["run", "--replay", "--data", candles(), "--symbols", "BTCUSDT", "--pace", "40", "--plain", "--home", str(tmp_path)]
    program = [sys.executable, "-m", "metastackerbandit"]
    running = subprocess.Popen([*program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ.copy())
    try:
        deadline = time.monotonic() + 60
        code = 3
        status: dict[str, Any] = {}
        while code != 0 and time.monotonic() < deadline:
            time.sleep(0.5)
            code, status, _ = msb("status", home=tmp_path)
        assert status["state"] == "running" and status["mode"] == "paper"
        code, answer, _ = msb("run", "--replay", "--data", candles(), "--symbols", "BTCUSDT", home=tmp_path)
        assert code != 0 and "error" in answer
        time.sleep(1.5)
        running.send_signal(signal.SIGTERM)
        out, _ = running.communicate(timeout=120)
    finally:
        running.kill()
    assert running.returncode == 0
    assert "stopped after" in out
    code, status, _ = msb("status", home=tmp_path)
    assert code == 3 and status["state"] == "stopped"
