"""Attrition as a table: its columns line up, and only what a trader must know is listed."""

from __future__ import annotations

import numpy as np

from metastackerbandit.decision.attrition import Attrition, Passed, Symmetry
from metastackerbandit.decision.attrition_groups import Answers, Group
from metastackerbandit.decision.attrition_text import attrition_text
from metastackerbandit.domain.gate import BLOCK, PASS
from tests.decision.recorded import apart, made, plans_record


def test_the_plans_record_as_a_trader_reads_it() -> None:
    assert attrition_text(apart(plans_record(), "gate", "side")).splitlines() == [
        "  gate       side  wishes  asked  passed  BLOCK  UNKNOWN  pass rate  alone  of wishes",
        "  consensus  BUY    1,171  1,171     137  1,034        0      11.7%  1,034      88.3%",
        "  consensus  SELL     190    190       0    190        0       0.0%    190     100.0%",
        "",
        "pass rates by side, where chance does not explain the difference (Fisher exact, two-sided, p < 0.05, uncorrected):",
        "  consensus: BUY 137 of 1,171, SELL 0 of 190, p 7.5e-10",
        "  <- consensus alone stopped 190 of 190 SELL",
        "  <- consensus passes 137 of 1171 BUY and 0 of 190 SELL: not by chance (Fisher exact p 7.5e-10)",
    ]


def test_stages_by_group_are_columns() -> None:
    verdict = np.full((1_200, 3), PASS, np.int8)
    verdict[:, 2] = BLOCK
    verdict[0, 2] = PASS
    record = made(np.ones(1_200, np.int64), verdict, np.zeros(1_200, np.int64))
    assert attrition_text(apart(record, "side", "frame")).splitlines() == [
        "  side  frame  prediction  opinion  decision  intent  order  fill",
        "  BUY   5m          1,200    1,200     1,200       1      1     1",
    ]


def test_a_gate_that_stopped_nothing_is_not_listed_and_one_without_data_is() -> None:
    quiet = Group({"gate": "signal"}, None, Answers(5, 5, 5, 0, 0, 0, 1.0, 0, 0.0))
    blind = Group({"gate": "mood"}, None, Answers(0, 1, 0, 0, 1, 0, None, 0, None))
    text = attrition_text(Attrition(("gate",), (quiet, blind), (), ()))
    assert "signal" not in text
    assert text.splitlines()[1] == "  mood       0      1       0      0        1          -      0          -"


def test_a_difference_that_chance_explains_is_not_listed() -> None:
    blocked = Group({"gate": "signal", "frame": "5m"}, None, Answers(5, 5, 4, 1, 0, 0, 0.8, 0, 0.0))
    for p, is_told in ((0.049, True), (0.05, False), (None, False)):
        found = Attrition(("gate", "frame"), (blocked,), (Symmetry({"gate": "signal", "frame": "5m"}, Passed(1, 2), Passed(0, 3), p),), ())
        assert ("signal 5m: BUY 1 of 2, SELL 0 of 3" in attrition_text(found)) is is_told


def test_where_nothing_is_there_the_dimensions_are_named() -> None:
    assert attrition_text(Attrition(("side", "frame"), (), (), ("none",))) == "nothing to group by side, frame\n  <- none"
