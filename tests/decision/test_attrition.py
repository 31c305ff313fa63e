"""The funnel taken apart sums to the whole, mirrors with its rows, and names the gate that treats the sides differently."""

from __future__ import annotations

from itertools import combinations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.decision.attrition import Attrition, Passed, attrition, dimensions_of, fisher
from metastackerbandit.decision.attrition_groups import DIMENSIONS, Words
from metastackerbandit.decision.attrition_text import attrition_text
from metastackerbandit.decision.funnel import funnel
from metastackerbandit.domain.errors import UsageError
from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.rows import ENTER, FILLED, MARKET, REJECTED, DecisionRow, OrderRow
from metastackerbandit.domain.timeframe import DAY_NS, MINUTE_NS
from tests.covering import covers

GATES = ("signal", "consensus", "cooldown")
WORDS = Words(GATES, ("BTCUSDT", "BTCUSDT", "ETHUSDT"), ("sma_cross", "model"))
BOOK_FRAMES = np.array([5, 60, 5]) * MINUTE_NS
STAGE_SETS = [by for count in (1, 2, 3) for by in combinations(("side", "frame", "symbol", "day"), count)]

Made = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def plans_record() -> Made:
    """What the plans report: 1,361 signals, of which 1,171 up and 190 down; consensus let 137 of the first pass and none of the others."""
    verdict = np.full((1361, 3), PASS, np.int8)
    verdict[137:, 1] = BLOCK
    return made(np.array([1] * 1171 + [-1] * 190), verdict, np.zeros(1361, np.int64))


def made(sides: np.ndarray, verdict: np.ndarray, books: np.ndarray, arms: np.ndarray | int = 0) -> Made:
    """Decisions, orders, verdicts, predictions: every wish that no gate stops is ordered and filled, every decision was predicted."""
    count = len(sides)
    decided = rows(DecisionRow, count)
    decided["decision"] = np.arange(count) + 1
    decided["closed_ns"] = np.arange(count) * 300 * 10**9
    decided["side"], decided["instrument"], decided["arm"], decided["frame_ns"] = sides, books, arms, BOOK_FRAMES[books]
    decided["asks_risk"] = 1
    stops = (verdict == BLOCK) | (verdict == UNKNOWN)
    decided["blocked"] = stops.sum(axis=1)
    decided["binding"] = np.where(stops.any(axis=1), stops.argmax(axis=1), -1)
    decided["sole"] = np.where(decided["blocked"] == 1, decided["binding"], -1)
    free = decided["blocked"] == 0
    decided["kind"][free] = ENTER
    decided["sent"][free] = 10 * sides[free]
    orders = rows(OrderRow, int(free.sum()))
    orders["decision"], orders["lots"], orders["filled"] = decided["decision"][free], decided["sent"][free], decided["sent"][free]
    orders["state"], orders["kind"] = FILLED, MARKET
    orders["state"][1::3] = REJECTED
    predictions = np.zeros(count, np.dtype([(name, np.int64) for name in ("instrument", "frame_ns", "closed_ns", "side")]))
    for name in ("instrument", "frame_ns", "closed_ns", "side"):
        predictions[name] = decided[name]
    return decided, orders, verdict, predictions


@st.composite
def records(draw: st.DrawFn) -> Made:
    """Any record of up to 60 wishes over three books and two arms."""
    count = draw(st.integers(0, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    verdict = rng.choice([NA, PASS, PASS, PASS, BLOCK, UNKNOWN], (count, 3)).astype(np.int8)
    return made(rng.choice([1, -1], count), verdict, rng.integers(0, 3, count), rng.integers(0, 2, count))


def apart(record: Made, *by: str) -> Attrition:
    decided, orders, verdict, predictions = record
    return attrition(decided, orders, verdict, WORDS, by, predictions=predictions)


@covers("A01", "A02", "3.08")
def test_the_plans_record_names_the_gate_that_alone_stopped_every_sell() -> None:
    found = apart(plans_record(), "gate", "side")
    assert "consensus alone stopped 190 of 190 SELL" in found.findings
    assert "consensus passes 137 of 1171 BUY and 0 of 190 SELL: not by chance (Fisher exact p 7.5e-10)" in found.findings
    (consensus,) = (one for one in found.symmetry if one.of == {"gate": "consensus"})
    assert consensus.p == pytest.approx(7.5e-10, rel=0.01), "the p that method 5.5 measured"
    answers = {tuple(group.of.values()): group.answers for group in found.groups}
    sell = answers["consensus", "SELL"]
    assert sell is not None and (sell.wishes, sell.asked, sell.passed, sell.blocked, sell.sole, sell.sole_share) == (190, 190, 0, 190, 190, 1.0)
    assert "consensus  SELL     190    190       0    190        0       0.0%    190     100.0%" in attrition_text(found)


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


@given(record=records())
def test_a_mirrored_record_has_mirrored_groups_and_the_same_p(record: Made) -> None:
    decided, orders, verdict, predictions = (part.copy() for part in record)
    for part, name in ((decided, "side"), (decided, "sent"), (orders, "lots"), (orders, "filled"), (predictions, "side")):
        part[name] *= -1
    one, other = apart(record, "gate", "side"), attrition(decided, orders, verdict, WORDS, ("gate", "side"), predictions=predictions)
    swap = {"BUY": "SELL", "SELL": "BUY"}
    told = {(group.of["gate"], group.of["side"]): group.answers for group in one.groups}
    assert told == {(group.of["gate"], swap[group.of["side"]]): group.answers for group in other.groups}
    assert [(a.buy, a.sell) for a in one.symmetry] == [(b.sell, b.buy) for b in other.symmetry]
    assert [a.p for a in one.symmetry] == pytest.approx([b.p for b in other.symmetry], nan_ok=True)


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


def test_fisher_on_known_tables() -> None:
    assert fisher(Passed(1, 12), Passed(9, 12)) == pytest.approx(0.002759, abs=1e-6)
    assert fisher(Passed(3, 4), Passed(1, 4)) == pytest.approx(34 / 70), "Fisher's tea taster, two-sided"
    assert fisher(Passed(0, 0), Passed(3, 4)) is None


def test_small_groups_and_chance_are_no_findings() -> None:
    verdict = np.full((9, 3), PASS, np.int8)
    verdict[:, 1] = BLOCK
    assert apart(made(np.ones(9, np.int64), verdict, np.zeros(9, np.int64)), "gate", "side").findings == ()


def test_a_run_that_wished_nothing_has_no_groups() -> None:
    nothing = made(np.zeros(0, np.int64), np.zeros((0, 3), np.int8), np.zeros(0, np.int64))
    assert apart(nothing, "side").groups == () and attrition_text(apart(nothing, "gate", "side")) == "nothing to group by gate, side"
    assert msgspec.json.encode(apart(nothing, "gate"))


def test_dimensions_are_read_once_each_and_strange_ones_refused() -> None:
    assert dimensions_of("gate, side,gate") == ("gate", "side")
    assert dimensions_of(",".join(DIMENSIONS)) == DIMENSIONS
    for text in ("gate,moon", ","):
        with pytest.raises(UsageError):
            dimensions_of(text)
