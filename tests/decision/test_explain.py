"""An explanation says what a decision saw and which gate stood in the way, from the record alone."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.gate import BLOCK, NA, PASS
from metastackerbandit.domain.rows import (
    EXIT,
    HOLD,
    KINDS,
    ON_STOP,
    REASONS,
)
from tests.covering import covers


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


def test_a_stop_is_its_own_reason() -> None:
    assert told(kind=EXIT, asks_risk=0, reason=ON_STOP, sent=-120).reason == "stop"
