"""An explanation says what a decision saw and which gate stood in the way, from the record alone."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.decision.explain import explain
from metastackerbandit.decision.explain_text import utc_text
from metastackerbandit.decision.explanation import Explanation
from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN
from metastackerbandit.domain.rows import (
    ENTER,
    EXIT,
    HOLD,
    INCREASE,
    KEEP,
    KINDS,
    ON_KILL,
    ON_OPPOSITE,
    ON_RESIZE,
    ON_SIGNAL,
    ON_STOP,
    REASONS,
    REDUCE,
    DecisionRow,
)
from tests.covering import covers
from tests.storage.runs import BTC, GATES

MINUTES_NS = 60 * 10**9
AT_NS = 1_709_296_500 * 10**9  # 2024-03-01 12:35:00 UTC

WANTS = DecisionRow(
    decision=7,
    instrument=0,
    at_ns=AT_NS,
    closed_ns=AT_NS,
    frame_ns=5 * MINUTES_NS,
    close=612_345,
    arm=0,
    signal=1,
    side=1,
    kind=ENTER,
    alpha=1.0,
    position=0,
    pending=0,
    wanted=120,
    sent=120,
    asks_risk=1,
    reason=ON_SIGNAL,
    binding=-1,
    sole=-1,
    blocked=0,
    volatility=0.5,
    equity=10**12,
)


def told(observed: tuple[float, ...] = (1.0, 2.0, 5.0), verdict: tuple[int, ...] = (PASS, PASS, PASS), **changed: Any) -> Explanation:
    """The decision with changes, explained under limits of 0.8, 3 and 3."""
    return explain(msgspec.structs.replace(WANTS, **changed), GATES, observed, (0.8, 3.0, 3.0), verdict, BTC, "sma_cross")


def outcome(said: Explanation) -> str:
    return next(line for line in said.text.splitlines() if line.startswith("=>"))


@covers("A36", "3.08")
def test_a_blocked_buy_reads_like_a_story_with_one_culprit() -> None:
    said = told((1.0, math.nan, 1.0), (PASS, NA, BLOCK), kind=HOLD, wanted=0, sent=0, binding=2, sole=2, blocked=1)
    assert said.text.splitlines() == [
        "BTCUSDT 5m 2024-03-01 12:35:00Z  opinion BUY  alpha 1  arm sma_cross  close 61234.5 USDT",
        "  holds nothing",
        "  complete  pass   source candles that exist                     1 share  needs >= 0.8",
        "  funding   n/a    last settled funding against the wanted side  - bps    needs <= 3",
        "  flat_gap  BLOCK  bars since the position was flat              1 bars   needs >= 3    FLAT_GAP_BELOW_LIMIT",
        "=> HOLD: BUY wanted, blocked by flat_gap (the only gate that did)",
        "   no setting alone would have let it trade; it needed this:",
        "     flat_gap  an input of 3 bars where 1 was seen (no setting is named for this limit)",
    ]
    assert (said.side, said.kind, said.binding, said.sole_blocker) == ("BUY", "HOLD", "flat_gap", "flat_gap")
    assert [line.verdict for line in said.trace] == ["PASS", "N/A", "BLOCK"]
    assert [line.margin for line in said.trace] == [pytest.approx(0.2), None, -2.0]


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


@given(observed=st.floats(-1e6, 1e6), place=st.sampled_from((0, 1)))
def test_a_margin_is_positive_where_the_gate_passes(observed: float, place: int) -> None:
    limit = (0.8, 3.0, 3.0)[place]
    passes = observed >= limit if place == 0 else observed <= limit
    seen, verdict = [1.0, 2.0, 5.0], [PASS, PASS, PASS]
    seen[place], verdict[place] = observed, PASS if passes else BLOCK
    margin = told(tuple(seen), tuple(verdict)).trace[place].margin
    assert margin is not None and (margin >= 0) == passes


@given(
    kind=st.integers(0, len(KINDS) - 1),
    side=st.integers(-1, 1),
    signal=st.integers(-1, 2),
    reason=st.integers(0, len(REASONS) - 1),
    binding=st.integers(-1, 2),
    asks=st.integers(0, 1),
    lots=st.integers(-(10**9), 10**9),
    observed=st.floats(),
    verdict=st.integers(0, 3),
)
def test_every_record_can_be_put_into_words_and_strict_json(
    kind: int, side: int, signal: int, reason: int, binding: int, asks: int, lots: int, observed: float, verdict: int
) -> None:
    said = told(
        (observed, observed, observed),
        (verdict, verdict, verdict),
        kind=kind,
        side=side,
        signal=signal,
        reason=reason,
        binding=binding,
        asks_risk=asks,
        position=lots,
        sent=-lots,
    )
    back = msgspec.json.decode(msgspec.json.encode(said))
    assert back["text"] == said.text
    promised = {"decision", "time", "symbol", "frame", "side", "kind", "alpha", "arm", "models", "trace", "binding", "sole_blocker", "text"}
    assert promised <= set(back)
    assert all(line["observed"] is None or math.isfinite(line["observed"]) for line in back["trace"])


@pytest.mark.parametrize(
    ("at_ns", "text"), [(AT_NS, "2024-03-01T12:35:00Z"), (AT_NS + 500_000_000, "2024-03-01T12:35:00.5Z"), (0, "1970-01-01T00:00:00Z")]
)
def test_times_are_utc_text(at_ns: int, text: str) -> None:
    assert utc_text(at_ns) == text


def test_a_stop_is_its_own_reason() -> None:
    assert told(kind=EXIT, asks_risk=0, reason=ON_STOP, sent=-120).reason == "stop"
