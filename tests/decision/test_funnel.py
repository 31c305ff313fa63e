"""The funnel counts each side at each stage, and names the gate where a side dies."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.decision.funnel import STAGES, Funnel, funnel, funnel_text, since
from metastackerbandit.domain.gate import BLOCK, PASS, UNKNOWN
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.rows import ENTER, FILLED, MARKET, REJECTED, STOP, DecisionRow, OrderRow
from tests.covering import covers

GATES = ("funding", "flat_gap", "minimum_change")
FLAT_GAP, CHANGE = 1, 2


def a_market(sides: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decisions, orders and verdicts from (side, wishes, admitted): the others are stopped by flat_gap alone. Each admitted one is filled."""
    decisions = rows(DecisionRow, sum(wishes for _, wishes, _ in sides))
    verdict = np.full((len(decisions), 3), PASS, np.int8)
    decisions["decision"] = decisions["closed_ns"] = np.arange(len(decisions)) + 1
    decisions["sole"] = decisions["binding"] = -1
    first = 0
    for side, wishes, admitted in sides:
        own = slice(first, first + wishes)
        decisions["side"][own] = side
        decisions["asks_risk"][own] = 1
        decisions["kind"][first : first + admitted] = ENTER
        decisions["sent"][first : first + admitted] = side * 10
        decisions["sole"][first + admitted : first + wishes] = FLAT_GAP
        verdict[first + admitted : first + wishes, FLAT_GAP] = BLOCK
        first += wishes
    admitted_rows = decisions[decisions["kind"] == ENTER]
    orders = rows(OrderRow, len(admitted_rows))
    orders["decision"], orders["lots"], orders["filled"] = admitted_rows["decision"], admitted_rows["sent"], admitted_rows["sent"]
    orders["state"], orders["kind"] = FILLED, MARKET
    return decisions, orders, verdict


def counts(found: Funnel, side: str) -> list[int]:
    return [(found.buy if side == "BUY" else found.sell)[stage] for stage in found.stages]


@covers("A01", "A02", "3.08", "1.36")
def test_the_market_that_only_bought_names_its_gate() -> None:
    decisions, orders, verdict = a_market([(1, 1171, 137), (-1, 190, 0)])
    found = funnel(decisions, orders, verdict, GATES)
    assert counts(found, "BUY") == [1171, 1171, 137, 137, 137]
    assert counts(found, "SELL") == [190, 190, 0, 0, 0]
    shape = msgspec.json.decode(msgspec.json.encode(found))
    assert shape["stages"] == list(STAGES) == ["opinion", "decision", "intent", "order", "fill"]
    assert shape["blocked_by"] == {"flat_gap": {"BUY": 1034, "SELL": 190, "sole": {"BUY": 1034, "SELL": 190}, "unknown": 0}}
    assert found.findings == ("SELL dies at decision->intent: flat_gap blocks 190 of 190", "flat_gap alone stopped 190 of 190 SELL")
    assert "<- SELL dies at decision->intent: flat_gap blocks 190 of 190" in funnel_text(found)


WISHES = st.tuples(st.sampled_from((1, -1)), st.integers(0, 30), st.integers(0, 30)).map(lambda drawn: (drawn[0], max(drawn[1:]), min(drawn[1:])))


@given(st.lists(WISHES, max_size=4))
def test_no_stage_holds_more_than_the_one_before_and_mirrored_rows_mirror(sides: list[tuple[int, int, int]]) -> None:
    found = funnel(*a_market(sides), GATES)
    other = funnel(*a_market([(-side, wishes, admitted) for side, wishes, admitted in sides]), GATES)
    assert counts(found, "BUY") == sorted(counts(found, "BUY"), reverse=True)
    assert (counts(found, "BUY"), counts(found, "SELL")) == (counts(other, "SELL"), counts(other, "BUY"))
    blocked, mirrored = found.blocked_by, other.blocked_by
    assert {name: (each.buy, each.sell) for name, each in blocked.items()} == {name: (each.sell, each.buy) for name, each in mirrored.items()}


@covers("A06", "A07")
def test_a_gate_without_data_is_counted_and_told() -> None:
    decisions, orders, verdict = a_market([(1, 10, 10), (-1, 10, 10)])
    verdict[:4, CHANGE] = UNKNOWN
    blocks = funnel(decisions, orders, verdict, GATES).blocked_by["minimum_change"]
    assert (blocks.buy, blocks.sell, blocks.unknown) == (4, 0, 4)
    assert "minimum_change had no data for 4 decisions that asked for new risk" in funnel(decisions, orders, verdict, GATES).findings
    lenient = funnel(decisions, orders, verdict, GATES, lenient=("minimum_change",)).blocked_by["minimum_change"]
    assert (lenient.buy, lenient.unknown) == (0, 4)


def test_verdicts_on_decisions_that_ask_nothing_block_nothing() -> None:
    decisions, orders, verdict = a_market([(1, 5, 5), (-1, 5, 5)])
    decisions["asks_risk"] = 0
    verdict[:] = BLOCK
    found = funnel(decisions, orders, verdict, GATES)
    assert found.blocked_by == {} and "BUY dies at opinion->decision: none of 5 opinions asked for new risk" in found.findings


def test_exits_and_stops_are_no_entries() -> None:
    decisions, orders, verdict = a_market([(1, 5, 5), (-1, 5, 5)])
    orders["reduce_only"][orders["lots"] > 0] = 1
    orders["kind"][orders["lots"] < 0] = STOP
    found = funnel(decisions, orders, verdict, GATES)
    assert counts(found, "BUY")[3:] == counts(found, "SELL")[3:] == [0, 0]
    assert "BUY dies at intent->order: none of 5 intents became an order that stood" in found.findings


def test_rejected_and_unfilled_orders_end_where_they_end() -> None:
    decisions, orders, verdict = a_market([(1, 5, 5), (-1, 5, 5)])
    orders["state"][orders["lots"] > 0] = REJECTED
    orders["filled"][orders["lots"] < 0] = 0
    found = funnel(decisions, orders, verdict, GATES)
    assert counts(found, "BUY") == [5, 5, 5, 0, 0] and counts(found, "SELL") == [5, 5, 5, 5, 0]
    assert "SELL dies at order->fill: none of 5 orders was filled" in found.findings


def test_spot_cannot_sell_and_says_so() -> None:
    decisions, orders, verdict = a_market([(1, 5, 5)])
    assert funnel(decisions, orders, verdict, GATES, is_spot=True).findings == ("spot: SELL opinions cannot exist",)
    assert funnel(decisions, orders, verdict, GATES).findings == ("no SELL opinion at all",)


def test_a_wish_without_an_order_is_not_blamed_on_a_gate() -> None:
    decisions, orders, verdict = a_market([(1, 5, 5), (-1, 5, 5)])
    decisions["sent"] = 0
    assert "BUY dies at decision->intent: none of 5 decisions needed an order" in funnel(decisions, orders[:0], verdict, GATES).findings


def test_a_gate_that_takes_nearly_everything_is_told_though_the_side_lives() -> None:
    assert "flat_gap alone stopped 99 of 100 BUY" in funnel(*a_market([(1, 100, 1), (-1, 100, 90)]), GATES).findings


@pytest.mark.parametrize(("first_ns", "left"), [(0, 10), (6, 5), (11, 0)])
def test_a_stretch_keeps_the_orders_of_its_decisions(first_ns: int, left: int) -> None:
    decisions, orders, verdict = a_market([(1, 10, 10)])
    kept, answers, sent = since(decisions, verdict, orders, first_ns)
    assert (len(kept), len(answers), len(sent)) == (left, left, left)


def test_a_run_without_decisions_has_an_empty_funnel() -> None:
    found = funnel(rows(DecisionRow, 0), rows(OrderRow, 0), np.zeros((0, 3), np.int8), GATES)
    assert counts(found, "BUY") == [0] * 5 and found.findings == ("no BUY opinion at all", "no SELL opinion at all")


# -- predictions, findings and text, where a reader would be misled --------------------------------------------------------------------


def test_predictions_come_first_where_opinions_are_formed_from_them() -> None:
    found = funnel(*a_market([(1, 4, 2), (-1, 3, 3)]), GATES, predicted=np.array([1, 1, 1, 1, 1, -1, -1, -1, 0]))
    assert found.stages == ("prediction", *STAGES)
    assert counts(found, "BUY") == [5, 4, 4, 2, 2, 2] and counts(found, "SELL") == [3, 3, 3, 3, 3, 3]
    assert "prediction" not in funnel(*a_market([(1, 4, 2)]), GATES).buy


def test_a_side_that_was_predicted_and_never_opined_dies_before_the_opinion() -> None:
    findings = funnel(*a_market([(1, 4, 4)]), GATES, predicted=np.array([1, -1, -1])).findings
    assert findings == ("SELL dies at prediction->opinion: none of 2 predictions became an opinion",)
    assert funnel(*a_market([(1, 4, 4)]), GATES, predicted=np.array([1])).findings == ("no SELL opinion at all",)


def test_the_funnel_as_a_trader_reads_it() -> None:
    decisions, orders, verdict = a_market([(1, 1200, 1100), (-1, 30, 30)])
    verdict[1100:1103, CHANGE] = UNKNOWN
    verdict[1110:, 0] = BLOCK
    assert funnel_text(funnel(decisions, orders, verdict, GATES)).splitlines() == [
        "          opinion    decision      intent       order        fill",
        "BUY         1,200       1,200       1,100       1,100       1,100",
        "SELL           30          30          30          30          30",
        "  funding blocked BUY 90 (alone 0), SELL 30 (alone 0)",
        "  flat_gap blocked BUY 100 (alone 100), SELL 0 (alone 0)",
        "  minimum_change blocked BUY 3 (alone 0), SELL 0 (alone 0), 3 for lack of data",
        "  <- SELL: funding blocks 30 of 30",
        "  <- minimum_change had no data for 3 decisions that asked for new risk",
    ]


def test_the_gate_that_took_most_is_blamed_and_gates_stand_by_what_they_took() -> None:
    decisions, orders, verdict = a_market([(1, 100, 0), (-1, 10, 10)])
    verdict[:60, 0] = BLOCK
    verdict[:100, FLAT_GAP] = BLOCK
    decisions["sole"][:60] = -1
    found = funnel(decisions, orders, verdict, GATES)
    assert found.findings == ("BUY dies at decision->intent: flat_gap blocks 100 of 100",)
    listed = [line.split()[0] for line in funnel_text(found).splitlines()[3:5]]
    assert listed == ["flat_gap", "funding"]


@pytest.mark.parametrize(("blocked", "told"), [(94, False), (95, True)])
def test_a_gate_that_takes_nineteen_of_twenty_is_told_and_one_less_is_not(blocked: int, told: bool) -> None:
    decisions, orders, verdict = a_market([(1, 100, 100), (-1, 10, 10)])
    verdict[:blocked, 0] = BLOCK
    verdict[:blocked, CHANGE] = BLOCK
    found = funnel(decisions, orders, verdict, GATES)
    assert ("BUY: funding blocks 95 of 100" in found.findings) is told and ("BUY: minimum_change blocks 95 of 100" in found.findings) is told
    decisions["sole"][:blocked] = 0
    assert ("funding alone stopped 95 of 100 BUY" in funnel(decisions, orders, verdict, GATES).findings) is told


def test_the_selling_side_has_its_own_culprit() -> None:
    decisions, orders, verdict = a_market([(1, 40, 40), (-1, 20, 20)])
    verdict[:30, 0], verdict[40:, CHANGE] = BLOCK, BLOCK
    found = funnel(decisions, orders, verdict, GATES)
    assert found.findings == ("SELL: minimum_change blocks 20 of 20",)
    decisions["sent"][40:] = 0
    assert "SELL dies at decision->intent: minimum_change blocks 20 of 20" in funnel(decisions, orders[:40], verdict, GATES).findings
    decisions["sent"][:40] = 0
    assert "BUY dies at decision->intent: funding blocks 30 of 40" in funnel(decisions, orders[:0], verdict, GATES).findings


def test_a_side_of_one_wish_that_one_gate_stopped_names_it() -> None:
    found = funnel(*a_market([(1, 1, 0), (-1, 1, 1)]), GATES)
    assert found.findings == ("BUY dies at decision->intent: flat_gap blocks 1 of 1", "flat_gap alone stopped 1 of 1 BUY")
