"""Groups sum to the whole whatever they are grouped by, keep their order, and carry names."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.decision.attrition import attrition
from metastackerbandit.decision.attrition_groups import Words, gate_groups, group_places, stage_groups, utc_day
from metastackerbandit.decision.funnel import funnel
from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN
from metastackerbandit.domain.rows import FILLED, REJECTED
from metastackerbandit.domain.timeframe import DAY_NS
from tests.covering import covers
from tests.decision.recorded import GATES, WORDS, Made, apart, made, plans_record, records

STAGE_SETS = [by for count in (1, 2, 3) for by in combinations(("side", "frame", "symbol", "day"), count)]


def test_stages_of_the_plans_record_by_side() -> None:
    decided, orders, verdict, predictions = plans_record()
    orders["state"] = FILLED
    found = attrition(decided, orders, verdict, WORDS, ("side",), predictions=predictions)
    assert [(group.of, list((group.stages or {}).values())) for group in found.groups] == [
        ({"side": "BUY"}, [1171, 1171, 1171, 137, 137, 137]),
        ({"side": "SELL"}, [190, 190, 190, 0, 0, 0]),
    ]


@given(record=records(), by=st.sampled_from(STAGE_SETS))
def test_groups_of_stages_sum_to_the_funnel(record: Made, by: tuple[str, ...]) -> None:
    decided, orders, verdict, predictions = record
    whole = funnel(decided, orders, verdict, GATES, predicted=predictions["side"])
    found = apart(record, *by)
    for stage in whole.stages:
        assert sum((group.stages or {})[stage] for group in found.groups) == whole.buy[stage] + whole.sell[stage]
    assert len({tuple(group.of.items()) for group in found.groups}) == len(found.groups)


@given(record=records(), by=st.sampled_from([("gate", *rest) for rest in [(), *STAGE_SETS, ("arm",), ("arm", "side")]]), turn=st.integers(0, 4))
def test_groups_of_gates_sum_to_the_verdicts_whatever_the_order(record: Made, by: tuple[str, ...], turn: int) -> None:
    decided, _, verdict, _ = record
    turned = by[turn % len(by) :] + by[: turn % len(by)]
    found = apart(record, *turned)
    for place, gate in enumerate(GATES):
        own = [group.answers for group in found.groups if group.of["gate"] == gate and group.answers is not None]
        for name, code in (("passed", PASS), ("blocked", BLOCK), ("unknown", UNKNOWN), ("not_applicable", NA)):
            assert sum(getattr(answers, name) for answers in own) == int((verdict[:, place] == code).sum())
        assert sum(answers.sole for answers in own) == int((decided["sole"] == place).sum())
        assert all(answers.asked + answers.not_applicable == answers.wishes for answers in own)
    assert all(tuple(group.of) == turned for group in found.groups)


def test_a_symbol_on_two_frames_is_one_symbol_and_two_frames() -> None:
    record = made(np.array([1, 1, 1, -1]), np.full((4, 3), PASS, np.int8), np.array([0, 1, 2, 1]))
    assert [group.of["symbol"] for group in apart(record, "symbol").groups] == ["BTCUSDT", "ETHUSDT"]
    by_frame = {tuple(group.of.values()): (group.stages or {})["decision"] for group in apart(record, "frame", "symbol").groups}
    assert by_frame == {("5m", "BTCUSDT"): 1, ("5m", "ETHUSDT"): 1, ("1h", "BTCUSDT"): 2}


def test_days_and_arms_have_their_names_and_predictions_have_no_arm() -> None:
    record = made(np.array([1, -1]), np.full((2, 3), PASS, np.int8), np.array([0, 0]), np.array([0, 1]))
    record[0]["closed_ns"] = [0, 31 * DAY_NS]
    assert [group.of["day"] for group in attrition(*record[:3], WORDS, ("day",)).groups] == ["1970-01-01", "1970-02-01"]
    by_arm = apart(record, "arm").groups
    assert [group.of["arm"] for group in by_arm] == ["sma_cross", "model"]
    assert all("prediction" not in (group.stages or {}) for group in by_arm)


@covers("A06")
def test_missing_data_is_counted_apart_from_blocks() -> None:
    verdict = np.full((4, 3), PASS, np.int8)
    verdict[0, 0], verdict[1, 0], verdict[2, 0] = UNKNOWN, BLOCK, NA
    (signal, *_) = apart(made(np.ones(4, np.int64), verdict, np.zeros(4, np.int64)), "gate").groups
    answers = signal.answers
    assert answers is not None
    assert (answers.asked, answers.passed, answers.blocked, answers.unknown, answers.not_applicable) == (3, 1, 1, 1, 1)
    assert answers.pass_rate == pytest.approx(1 / 3)


def test_every_stage_counts_what_came_so_far() -> None:
    """Six wishes of one book: one without an opinion, one that asks nothing, one that is stopped, one rejected, one unfilled, one filled."""
    decided, orders, _, predictions = made(np.ones(6, np.int64), np.full((6, 3), PASS, np.int8), np.zeros(6, np.int64))
    decided["side"][0] = 0
    decided["asks_risk"][1] = 0
    decided["sent"][2] = 0
    orders = orders[3:]
    orders["state"] = [REJECTED, FILLED, FILLED]
    orders["filled"] = [0, 0, 10]
    (group,) = stage_groups(decided, orders, WORDS, ("symbol",), predictions[:4])
    assert group.stages == {"prediction": 4, "opinion": 5, "decision": 4, "intent": 3, "order": 2, "fill": 1}
    assert group.of == {"symbol": "BTCUSDT"} and group.answers is None
    (without,) = stage_groups(decided, orders, WORDS, ("symbol",), None)
    assert list(without.stages or ()) == ["opinion", "decision", "intent", "order", "fill"]


def test_orders_of_decisions_that_are_not_looked_at_are_not_counted() -> None:
    decided, orders, *_ = made(np.ones(4, np.int64), np.full((4, 3), PASS, np.int8), np.zeros(4, np.int64))
    orders["state"] = FILLED
    (group,) = stage_groups(decided[2:], orders, WORDS, ("side",), None)
    assert (group.stages or {})["order"] == (group.stages or {})["fill"] == 2


def test_a_prediction_without_a_side_is_none() -> None:
    decided, orders, _, predictions = made(np.ones(3, np.int64), np.full((3, 3), PASS, np.int8), np.zeros(3, np.int64))
    predictions["side"] = [1, 0, -1]
    found = stage_groups(decided, orders, WORDS, ("side",), predictions)
    assert [(group.of["side"], (group.stages or {})["prediction"]) for group in found] == [("BUY", 1), ("SELL", 1)]


def test_a_gate_s_answers_and_shares_by_hand() -> None:
    verdict = np.full((4, 3), PASS, np.int8)
    verdict[:, 0] = [PASS, BLOCK, UNKNOWN, NA]
    wishes, _, _, _ = made(np.array([1, 1, 1, -1]), verdict, np.zeros(4, np.int64))
    buy, sell = gate_groups(wishes, verdict, WORDS, ("gate", "side"))[:2]
    answers = buy.answers
    assert buy.of == {"gate": "signal", "side": "BUY"} and buy.stages is None and answers is not None
    assert (answers.wishes, answers.asked, answers.passed, answers.blocked, answers.unknown, answers.not_applicable) == (3, 3, 1, 1, 1, 0)
    assert (answers.pass_rate, answers.sole, answers.sole_share) == (pytest.approx(1 / 3), 2, pytest.approx(2 / 3))
    assert sell.answers is not None and (sell.answers.asked, sell.answers.pass_rate, sell.answers.sole_share) == (0, None, 0.0)


def test_groups_stand_in_the_order_of_their_dimensions() -> None:
    """Gates in the trace's order, BUY before SELL, frames by length, symbols and arms by place, whatever comes first in `by`."""
    sides, books, arms = np.array([-1, 1, -1, 1]), np.array([2, 1, 0, 2]), np.array([1, 0, 0, 1])
    verdict = np.full((4, 3), PASS, np.int8)
    wishes, orders, _, _ = made(sides, verdict, books, arms)
    by_gate = [tuple(group.of.values()) for group in gate_groups(wishes, verdict, WORDS, ("side", "gate"))]
    assert by_gate == [(side, gate) for side in ("BUY", "SELL") for gate in GATES]
    by_symbol = [tuple(group.of.values()) for group in stage_groups(wishes, orders, WORDS, ("symbol", "frame", "arm"), None)]
    assert by_symbol == [("BTCUSDT", "5m", "sma_cross"), ("BTCUSDT", "1h", "sma_cross"), ("ETHUSDT", "5m", "model")]


def test_every_row_knows_its_group() -> None:
    decided, *_ = made(np.array([1, -1]), np.full((2, 3), PASS, np.int8), np.array([1, 2]), np.array([0, 1]))
    decided["closed_ns"] = [DAY_NS - 1, DAY_NS]
    assert group_places(decided, ("day", "side", "symbol", "frame", "arm"), WORDS) == [
        {"day": "1970-01-01", "side": "BUY", "symbol": "BTCUSDT", "frame": "1h", "arm": "sma_cross"},
        {"day": "1970-01-02", "side": "SELL", "symbol": "ETHUSDT", "frame": "5m", "arm": "model"},
    ]


def test_two_books_of_one_symbol_do_not_move_the_next_symbol() -> None:
    words = Words(GATES, ("A", "A", "B", "A", "C"), ("sma_cross",))
    decided, *_ = made(np.ones(5, np.int64), np.full((5, 3), PASS, np.int8), np.zeros(5, np.int64))
    decided["instrument"] = np.arange(5)
    assert [place["symbol"] for place in group_places(decided, ("symbol",), words)] == ["A", "A", "B", "A", "C"]


@pytest.mark.parametrize(("days", "text"), [(0, "1970-01-01"), (20_089, "2025-01-01"), (19_782, "2024-02-29")])
def test_a_day_is_a_date(days: int, text: str) -> None:
    assert utc_day(days) == text
