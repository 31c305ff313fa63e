"""The funnel taken apart sums to the whole, mirrors with its rows, and names the gate that treats the sides differently."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given

from metastackerbandit.decision.attrition import Passed, attrition, dimensions_of, fisher
from metastackerbandit.decision.attrition_groups import DIMENSIONS
from metastackerbandit.decision.attrition_text import attrition_text
from metastackerbandit.domain.errors import UsageError
from metastackerbandit.domain.gate import BLOCK, PASS
from tests.covering import covers
from tests.decision.recorded import WORDS, Made, apart, made, plans_record, records


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
    for text, said in (("gate,moon,sun", "'moon, sun' is nothing to group by"), (",", "'nothing' is nothing to group by")):
        with pytest.raises(UsageError) as refused:
            dimensions_of(text)
        assert said in str(refused.value)
        assert (refused.value.where, refused.value.mend) == ("--by", "use some of gate, side, frame, symbol, arm, day")


def stopped_by_consensus(buys: int, sells: int, passed_buys: int, passed_sells: int = 0) -> Made:
    """Wishes of one book of which consensus lets so many pass."""
    verdict = np.full((buys + sells, 3), PASS, np.int8)
    verdict[passed_buys:buys, 1] = verdict[buys + passed_sells :, 1] = BLOCK
    return made(np.array([1] * buys + [-1] * sells), verdict, np.zeros(buys + sells, np.int64))


@pytest.mark.parametrize(("wishes", "passed", "is_told"), [(9, 0, False), (10, 0, True), (100, 5, True), (100, 6, False)])
def test_a_kill_takes_nineteen_of_twenty_of_ten_wishes_or_more(wishes: int, passed: int, is_told: bool) -> None:
    found = apart(stopped_by_consensus(wishes, 0, passed), "gate", "side", "symbol").findings
    assert (f"consensus alone stopped {wishes - passed} of {wishes} BUY BTCUSDT" in found) is is_told
    alone = apart(stopped_by_consensus(wishes, 0, passed), "gate").findings
    assert (f"consensus alone stopped {wishes - passed} of {wishes}" in alone) is is_told


@pytest.mark.parametrize(("sells", "is_told"), [(49, False), (50, True)])
def test_sides_are_compared_on_fifty_wishes_of_each(sells: int, is_told: bool) -> None:
    found = apart(stopped_by_consensus(200, sells, 150), "gate", "frame").findings
    said = f"consensus passes 150 of 200 BUY and 0 of {sells} SELL on 5m: not by chance"
    assert any(line.startswith(said) for line in found) is is_told


def test_sides_that_chance_may_tell_apart_are_no_finding() -> None:
    found = apart(stopped_by_consensus(60, 60, 30, 25), "gate", "side")
    (consensus,) = (one for one in found.symmetry if one.of["gate"] == "consensus")
    assert consensus.p is not None and consensus.p > 0.3 and found.findings == ()


def test_a_side_that_never_wished_counts_nothing_and_has_no_p() -> None:
    (_, consensus, _) = apart(stopped_by_consensus(20, 0, 5), "gate").symmetry
    assert (consensus.buy, consensus.sell, consensus.p) == (Passed(5, 20), Passed(0, 0), None)
    (_, sold, _) = apart(stopped_by_consensus(0, 20, 0, 5), "gate").symmetry
    assert (sold.buy, sold.sell, sold.p) == (Passed(0, 0), Passed(5, 20), None)


def test_stages_have_no_sides_to_compare_and_no_findings() -> None:
    found = apart(stopped_by_consensus(20, 20, 5), "side")
    assert (found.by, found.symmetry, found.findings) == (("side",), (), ())
    assert apart(stopped_by_consensus(20, 20, 5), "gate").by == ("gate",)


def test_the_sides_are_compared_whether_or_not_they_are_told_apart() -> None:
    record = stopped_by_consensus(60, 60, 50, 5)
    assert apart(record, "gate").symmetry == apart(record, "gate", "side").symmetry == apart(record, "side", "gate").symmetry
