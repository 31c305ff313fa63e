"""A decision in words: every kind has its sentence, numbers are told apart, and what was heard comes first."""

from __future__ import annotations

import math
import time
from typing import Any

import msgspec
import pytest

from metastackerbandit.decision.change import BY_SETTINGS, Change, Need
from metastackerbandit.decision.explain_text import text_of, utc_text
from metastackerbandit.decision.explanation import GateLine, Heard
from metastackerbandit.domain.gate import BLOCK, PASS, UNKNOWN
from metastackerbandit.domain.rows import (
    ENTER,
    EXIT,
    HOLD,
    INCREASE,
    KEEP,
    ON_KILL,
    ON_OPPOSITE,
    ON_RESIZE,
    REDUCE,
)
from tests.covering import covers
from tests.decision.telling import AT_NS, WANTS, outcome, told
from tests.storage.runs import BTC


@covers("A06")
def test_a_guard_without_data_is_named_as_such_beside_the_others() -> None:
    said = told((1.0, math.nan, 1.0), (PASS, UNKNOWN, BLOCK), kind=HOLD, wanted=0, sent=0, binding=1, blocked=2)
    assert outcome(said) == "=> HOLD: BUY wanted, blocked by funding, which has no data to look at (also by flat_gap)"
    assert said.sole_blocker is None and said.trace[1].observed is None and said.trace[1].margin is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "=> ENTER: BUY 0.120 BTC sent, on signal; every gate that was asked let it pass"),
        (
            {"kind": INCREASE, "reason": ON_RESIZE, "position": 20, "sent": 100},
            "=> INCREASE: BUY 0.100 BTC sent, on resize; every gate that was asked let it pass",
        ),
        (
            {"kind": ENTER, "side": -1, "signal": -1, "wanted": -5, "sent": -5},
            "=> ENTER: SELL 0.005 BTC sent, on signal; every gate that was asked let it pass",
        ),
        (
            {"kind": EXIT, "side": -1, "signal": -1, "position": 120, "wanted": 0, "sent": -120, "asks_risk": 0, "reason": ON_OPPOSITE},
            "=> EXIT: SELL 0.120 BTC sent, on opposite signal; leaving is never blocked",
        ),
        (
            {"kind": REDUCE, "position": 150, "sent": -30, "asks_risk": 0, "reason": ON_RESIZE},
            "=> REDUCE: SELL 0.030 BTC sent, on resize; leaving is never blocked",
        ),
        ({"kind": HOLD, "signal": KEEP, "side": 0, "asks_risk": 0, "sent": 0}, "=> HOLD: the arm keeps its target"),
        ({"kind": HOLD, "signal": 0, "side": 0, "asks_risk": 0, "sent": 0}, "=> HOLD: no opinion, and no position"),
        ({"kind": HOLD, "signal": -1, "side": 0, "asks_risk": 0, "sent": 0}, "=> HOLD: the arm says SELL, which this market cannot hold"),
        ({"kind": HOLD, "position": 120, "asks_risk": 0, "sent": 0}, "=> HOLD: BUY is the opinion, and long 0.120 BTC is what it asks for"),
        (
            {"kind": HOLD, "side": 0, "asks_risk": 0, "sent": 0, "reason": ON_KILL},
            "=> HOLD: the kill switch is thrown, and there is nothing to leave",
        ),
        (
            {"kind": HOLD, "asks_risk": 0, "sent": 0, "binding": 2, "sole": 2},
            "=> HOLD: the change of position is not an order that the venue takes (flat_gap)",
        ),
    ],
)
def test_every_kind_of_decision_has_its_sentence(changed: dict[str, Any], words: str) -> None:
    assert outcome(told(**changed)) == words


@covers("A05")
def test_a_blocked_flip_leaves_and_says_what_was_stopped() -> None:
    said = told(
        (1.0, 2.0, 1.0), (PASS, PASS, BLOCK), kind=EXIT, side=-1, position=120, wanted=0, sent=-120, reason=ON_OPPOSITE, binding=2, sole=2, blocked=1
    )
    assert outcome(said).endswith("leaving is never blocked, but the SELL after it was blocked by flat_gap (the only gate that did)")


def test_an_order_on_its_way_is_mentioned() -> None:
    assert told(kind=HOLD, asks_risk=0, sent=0, pending=120).text.splitlines()[1] == "  holds nothing, and long 0.120 BTC on its way"


@pytest.mark.parametrize(
    ("at_ns", "text"), [(AT_NS, "2024-03-01T12:35:00Z"), (AT_NS + 500_000_000, "2024-03-01T12:35:00.5Z"), (0, "1970-01-01T00:00:00Z")]
)
def test_times_are_utc_text(at_ns: int, text: str) -> None:
    assert utc_text(at_ns) == text


HEARD = Heard(
    model="tree-1",
    frame="1h",
    time="t",
    silence="",
    p_down=0.1,
    p_flat=0.25,
    p_up=0.65,
    strength=0.55,
    p_dir=0.65,
    p_dir_cond=0.867,
    p_max3=0.65,
    long_bps=12.5,
    short_bps=-14.0,
    error_bps=3.25,
    barrier_bps=130.0,
    credibility=0.4,
    size_scale=0.5,
    worth=None,
)


def line(gate: str = "alpha", verdict: str = "PASS", observed: float | None = 0.5, limit: float | None = 0.02, sense: str = "at least") -> GateLine:
    """One gate's answer."""
    return GateLine(gate, verdict, f"{gate.upper()}_CODE", observed, limit, "share", None, sense, "what it asks", None, None)


def text(*trace: GateLine, heard: tuple[Heard, ...] = (), change: Change | None = None, **changed: Any) -> list[str]:
    """The lines of a decision."""
    return text_of(msgspec.structs.replace(WANTS, **changed), trace, BTC, "model", heard, change).splitlines()


def test_what_a_model_said_stands_before_what_is_held() -> None:
    lines = text(heard=(HEARD, msgspec.structs.replace(HEARD, worth=0.625, frame="5m")))
    assert lines[1:4] == [
        "  1h model tree-1: p(down 0.100 flat 0.250 up 0.650)  expects 12.5 bps of a long, -14 of a short (+- 3.25)  barrier 130 bps  size 0.5",
        "  5m model tree-1: p(down 0.100 flat 0.250 up 0.650)  expects 12.5 bps of a long, -14 of a short (+- 3.25)  barrier 130 bps  size 0.5"
        "  pays with 0.625",
        "  holds nothing",
    ]


def test_a_silent_model_says_why_and_no_model_is_none() -> None:
    silent = msgspec.structs.replace(HEARD, silence="warming up")
    assert text(heard=(silent, msgspec.structs.replace(silent, model="")))[1:3] == [
        "  1h model tree-1: silent, warming up",
        "  1h model none: silent, warming up",
    ]


def test_the_head_has_no_opinion_where_there_is_none_and_an_unknown_alpha_is_a_dash() -> None:
    assert text(side=0)[0] == "BTCUSDT 5m 2024-03-01 12:35:00Z  opinion none  arm model  close 61234.5 USDT"
    assert text(side=-1, alpha=math.nan)[0] == "BTCUSDT 5m 2024-03-01 12:35:00Z  opinion SELL  alpha -  arm model  close 61234.5 USDT"


@pytest.mark.parametrize(
    ("observed", "limit", "shown"),
    [
        (2.0, 3.0, ("2", "3")),
        (0.123456789, 0.5, ("0.123457", "0.5")),
        (0.1234561, 0.1234562, ("0.1234561", "0.1234562")),  # as many digits as tell them apart
        (0.25, 0.25, ("0.25", "0.25")),
        (None, 0.5, ("-", "0.5")),
        (1234567.5, 1.0, ("1234568", "1")),
        (999999.5, 1.0, ("1e+06", "1")),
        (1e15, 1.0, ("1000000000000000", "1")),
        (123456789012345.0, 1.0, ("123456789012345", "1")),
    ],
)
def test_numbers_have_six_digits_or_as_many_as_tell_them_from_their_limit(observed: float | None, limit: float, shown: tuple[str, str]) -> None:
    (row,) = text(line(observed=observed, limit=limit))[2:-1]
    assert row == f"  alpha  pass  what it asks  {shown[0]} share  needs >= {shown[1]}"


def test_columns_are_as_wide_as_their_widest_and_only_stops_show_their_code() -> None:
    lines = text(
        line("a", "PASS", 1.0, 2.0, "at most"),
        line("much_longer", "BLOCK", 12345.0, 2.0),
        line("b", "UNKNOWN", None, 2.0),
        line("c", "N/A", None, None),
    )
    assert lines[2:-1] == [
        "  a            pass     what it asks      1 share  needs <= 2",
        "  much_longer  BLOCK    what it asks  12345 share  needs >= 2  MUCH_LONGER_CODE",
        "  b            UNKNOWN  what it asks      - share  needs >= 2  B_CODE",
        "  c            n/a      what it asks      - share  needs >= -",
    ]


def test_what_would_have_traded_ends_the_story() -> None:
    need = Need("alpha", "ALPHA_BELOW_LIMIT", "setting", "", "at least", 0.01, 0.02, 0.01, 0.02, "decision.min_alpha", 0.01, "")
    lines = text(change=Change(BY_SETTINGS, (need,)))
    assert lines[-2:] == [
        "   to have traded, all else as it stood, this:",
        "     alpha  decision.min_alpha at most 0.01 (0.02 in force), or an input of 0.02 where 0.01 was seen",
    ]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sent": 0}, "=> ENTER: no order was needed, on signal; every gate that was asked let it pass"),
        ({"sent": 1}, "=> ENTER: BUY 0.001 BTC sent, on signal; every gate that was asked let it pass"),
        (
            {"kind": HOLD, "position": -1, "pending": -2, "side": -1, "asks_risk": 0},
            "=> HOLD: SELL is the opinion, and short 0.003 BTC is what it asks for",
        ),
        ({"kind": HOLD, "signal": 1, "side": 0, "asks_risk": 0}, "=> HOLD: the arm says BUY, which this market cannot hold"),
        ({"kind": HOLD, "binding": 0, "sole": 0, "blocked": 1}, "=> HOLD: BUY wanted, blocked by complete (the only gate that did)"),
        (
            {"kind": HOLD, "binding": 0, "sole": 0, "asks_risk": 0},
            "=> HOLD: the change of position is not an order that the venue takes (complete)",
        ),
        ({"kind": EXIT, "sent": -5, "side": 0, "asks_risk": 1, "binding": -1}, "=> EXIT: SELL 0.005 BTC sent, on signal; leaving is never blocked"),
        ({"kind": EXIT, "sent": -5, "asks_risk": 0, "binding": 0, "sole": 0}, "=> EXIT: SELL 0.005 BTC sent, on signal; leaving is never blocked"),
    ],
)
def test_edges_of_the_sentences(changed: dict[str, Any], words: str) -> None:
    assert outcome(told(**changed)) == words


def test_others_that_blocked_too_are_named_and_those_without_data_counted() -> None:
    def held(*verdict: int, binding: int, blocked: int) -> str:
        return outcome(told((1.0, 2.0, 1.0), verdict, kind=HOLD, sent=0, binding=binding, blocked=blocked)).removeprefix("=> HOLD: BUY wanted, ")

    assert held(BLOCK, BLOCK, BLOCK, binding=0, blocked=3) == "blocked by complete (also by funding, flat_gap)"
    assert held(BLOCK, UNKNOWN, BLOCK, binding=0, blocked=3) == "blocked by complete (also by flat_gap, 1 without data)"
    assert held(BLOCK, UNKNOWN, UNKNOWN, binding=0, blocked=3) == "blocked by complete (also by 2 without data)"
    assert held(PASS, PASS, BLOCK, binding=2, blocked=1) == "blocked by flat_gap"


def test_the_end_of_an_order_is_whole_a_thousandth_too() -> None:
    assert text(pending=-1)[1] == "  holds nothing, and short 0.001 BTC on its way"
    assert text(position=1, pending=0)[1] == "  holds long 0.001 BTC"


def test_times_are_utc_wherever_the_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert utc_text(AT_NS) == "2024-03-01T12:35:00Z"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_head_tells_how_strong_the_opinion_is() -> None:
    assert "opinion BUY  alpha 0.25  arm model" in text(alpha=0.25)[0]


def test_an_older_gate_s_own_word_for_its_sense_stands_as_it_is() -> None:
    assert text(line(sense="below"))[2].endswith("needs below 0.02")


def test_a_flip_that_the_first_gate_stopped_says_so() -> None:
    said = outcome(told(kind=EXIT, side=-1, position=5, sent=-5, reason=ON_OPPOSITE, binding=0, sole=0, blocked=1))
    assert said.endswith("leaving is never blocked, but the SELL after it was blocked by complete (the only gate that did)")


def test_a_decision_without_gates_has_no_table() -> None:
    assert len(text()) == 3
