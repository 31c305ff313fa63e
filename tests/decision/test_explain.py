"""An explanation says what a decision saw and which gate stood in the way, from the record alone."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.decision.change import Holder
from metastackerbandit.decision.explain import explain
from metastackerbandit.decision.explanation import Explanation
from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN
from metastackerbandit.domain.prediction import FAILED, SILENCES, Prediction
from metastackerbandit.domain.rows import EXIT, HOLD, KINDS, ON_OPPOSITE, ON_STOP, REASONS, DecisionRow
from metastackerbandit.storage.run_record import GateWords
from tests.covering import covers
from tests.decision.telling import AT_NS, MINUTES_NS, WANTS, told
from tests.storage.runs import BTC


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


# -- what stands beside the text ---------------------------------------------------------------------------------------------------

SAID = Prediction(
    instrument=0,
    frame_ns=60 * MINUTES_NS,
    closed_ns=AT_NS,
    at_ns=AT_NS,
    silence=0,
    version=1,
    p_down=0.1,
    p_flat=0.5,
    p_up=0.4,
    long_bps=12.0,
    short_bps=-9.0,
    error_bps=3.0,
    barrier_bps=130.0,
    horizon=12,
    conformal_set=4,
    credibility=0.75,
    size_scale=0.5,
    worth=0.625,
)
EDGE = GateWords("edge", "bps", "at least", "net edge", "decision.min_edge", lead=1.0)
SPREAD = GateWords("spread", "bps", "at most", "spread", "decision.max_spread")
MODEL = GateWords("model", "", "at most", "silence", states=("", "LATE"))
ALPHA = GateWords("alpha", "share", "at least", "alpha", "decision.min_alpha", by_side=True)


class Configured:
    """A configuration in which a scope holds every limit but one."""

    def refusal(self, key: str, value: float) -> str:
        return "a number above -1" if value < -1.0 else ""

    def holder(self, keys: Any, value: float, sense: str) -> Holder:
        return Holder(keys[0], "" if keys[0].endswith("spread") else f"{value:g} {sense}")


def explained(*answers: tuple[GateWords, float, float, int], settings: Any = None, **given_: Any) -> Explanation:
    """The buy under these gates, each with what it observed, its limit and its verdict."""
    changed = {name: given_.pop(name) for name in list(given_) if name in DecisionRow.__struct_fields__}
    gates, observed, limit, verdict = zip(*answers, strict=True)
    return explain(msgspec.structs.replace(WANTS, **changed), gates, observed, limit, verdict, BTC, "model", settings=settings, **given_)


def test_a_decision_s_own_words_and_exact_quantities() -> None:
    said = explained((EDGE, 3.0, 2.0, PASS), position=-20, pending=5, wanted=120, sent=140, reason=ON_OPPOSITE, alpha=0.25)
    assert (said.decision, said.time, said.symbol, said.frame) == (7, "2024-03-01T12:35:00Z", "BTCUSDT", "5m")
    assert (said.side, said.kind, said.code, said.reason, said.alpha, said.arm) == (
        "BUY",
        "ENTER",
        "ENTER_ON_OPPOSITE_SIGNAL",
        "opposite signal",
        0.25,
        "model",
    )
    assert (said.position, said.wanted, said.sent, said.close) == ("-0.020", "0.120", "0.140", "61234.5")
    assert (said.binding, said.binding_code, said.sole_blocker, said.change) == (None, None, None, None)


def test_the_first_gate_can_be_the_one_that_binds() -> None:
    said = explained((EDGE, 1.0, 2.0, BLOCK), (SPREAD, 9.0, 5.0, BLOCK), kind=HOLD, binding=0, sole=-1, blocked=2)
    assert (said.binding, said.binding_code, said.sole_blocker) == ("edge", "EDGE_BELOW_LIMIT", None)
    alone = explained((EDGE, 1.0, 2.0, BLOCK), (SPREAD, 4.0, 5.0, PASS), kind=HOLD, binding=0, sole=0, blocked=1)
    assert alone.sole_blocker == "edge" and alone.change is not None and [need.gate for need in alone.change.needs] == ["edge"]


def test_a_lenient_gate_needs_nothing() -> None:
    answers = (EDGE, 1.0, 2.0, BLOCK), (SPREAD, math.nan, 5.0, UNKNOWN)
    for lenient, gates in (((), ["edge", "spread"]), (("spread",), ["edge"])):
        said = explained(*answers, kind=HOLD, binding=0, blocked=2, lenient=lenient)
        assert said.change is not None and [need.gate for need in said.change.needs] == gates


def test_a_line_shows_what_was_compared_and_what_is_left_to_the_limit() -> None:
    edge, spread, late, none, unknown = explained(
        (EDGE, 3.0, 2.0, PASS), (SPREAD, 9.0, 5.0, BLOCK), (MODEL, 1.0, 0.0, BLOCK), (SPREAD, math.nan, 5.0, NA), (EDGE, math.inf, 2.0, UNKNOWN)
    ).trace
    assert (edge.gate, edge.verdict, edge.code, edge.observed, edge.limit, edge.margin) == ("edge", "PASS", "EDGE_PASSED", 3.0, 2.0, 1.0)
    assert (edge.unit, edge.sense, edge.meaning, edge.setting, edge.source) == ("bps", "at least", "net edge", "decision.min_edge", None)
    assert (spread.verdict, spread.code, spread.margin) == ("BLOCK", "SPREAD_ABOVE_LIMIT", -4.0)
    assert (late.code, late.margin, late.setting, late.source) == ("MODEL_LATE", None, None, None)  # a state is no distance
    assert (none.verdict, none.observed, none.margin, unknown.verdict, unknown.observed, unknown.margin) == ("N/A", None, None, "UNKNOWN", None, None)
    assert explained((MODEL, 0.0, 0.0, PASS)).trace[0].margin == 0.0
    even = explained((SPREAD, 0.0, 0.0, PASS)).trace[0].margin
    assert even is not None and math.copysign(1.0, even) == 1.0  # nothing is left, and that is no "-0"


def test_a_limit_names_its_holder_for_the_side_that_is_wanted() -> None:
    edge, spread, alpha = explained((EDGE, 3.0, 2.0, PASS), (SPREAD, 1.0, 5.0, PASS), (ALPHA, 0.5, 0.25, PASS), settings=Configured()).trace
    assert (edge.setting, edge.source) == ("decision.min_edge", "1 at least")  # the limit less what it adds to the setting
    assert (spread.setting, spread.source) == ("decision.max_spread", None)
    assert (alpha.setting, alpha.source) == ("decision.min_alpha_buy", "0.25 at least")
    sold = explained((ALPHA, 0.5, 0.25, PASS), side=-1, settings=Configured()).trace[0]
    assert sold.setting == "decision.min_alpha_sell"
    blocked = explained((EDGE, 1.0, 2.0, BLOCK), settings=Configured(), kind=HOLD, binding=0, sole=0, blocked=1)
    assert blocked.change is not None and blocked.change.needs[0].setting_needed == 0.0


def test_a_prediction_is_told_with_every_quantity_that_thresholds_may_compare() -> None:
    (heard,) = explained((EDGE, 3.0, 2.0, PASS), predictions=(SAID,), models=("old", "new")).predictions
    assert (heard.model, heard.frame, heard.time, heard.silence) == ("new", "1h", "2024-03-01T12:35:00Z", "")
    assert (heard.p_down, heard.p_flat, heard.p_up) == (0.1, 0.5, 0.4)
    assert (heard.strength, heard.p_dir, heard.p_max3) == (pytest.approx(0.3), 0.4, 0.5) and heard.p_dir_cond == pytest.approx(0.8)
    assert (heard.long_bps, heard.short_bps, heard.error_bps, heard.barrier_bps) == (12.0, -9.0, 3.0, 130.0)
    assert (heard.credibility, heard.size_scale, heard.worth) == (0.75, 0.5, 0.625)


def test_a_silent_prediction_has_a_reason_and_no_numbers() -> None:
    numbers = dict.fromkeys(("p_down", "p_flat", "p_up", "long_bps", "short_bps", "error_bps", "barrier_bps", "credibility", "worth"), math.nan)
    asleep = msgspec.structs.replace(SAID, silence=FAILED, version=-1, **numbers)
    said = explained((EDGE, 3.0, 2.0, PASS), predictions=(SAID, asleep, SAID, msgspec.structs.replace(SAID, version=0)), models=("old", "new"))
    heard = said.predictions[1]
    assert (heard.model, heard.silence) == ("", SILENCES[FAILED])
    assert {getattr(heard, name) for name in (*numbers, "strength", "p_dir", "p_dir_cond", "p_max3")} == {None}
    assert said.models == ("new", "old")  # each once, in the order heard
    first = msgspec.structs.replace(SAID, silence=1)
    assert explained((EDGE, 3.0, 2.0, PASS), predictions=(first,), models=("old", "new")).predictions[0].p_dir_cond is None


def test_what_would_have_traded_is_held_against_what_the_configuration_takes() -> None:
    said = explained((EDGE, -9.0, 2.0, BLOCK), settings=Configured(), kind=HOLD, binding=0, sole=0, blocked=1)
    assert said.change is not None and said.change.needs[0].note == "decision.min_edge takes a number above -1"
