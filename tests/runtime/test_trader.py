"""Inputs are taken one after another, at times that never go back, with answers where a recording has them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.inputs import BarClosed, BarOpened, Control, FundingSettled, Input, OrderReport, SecondSeen
from metastackerbandit.domain.kernel import rows, struct_of
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.runtime.replay import moment
from metastackerbandit.runtime.trader import Trader, at_least

SECOND = struct_of(SecondRow, rows(SecondRow, 1)[0])
SAID = struct_of(Prediction, rows(Prediction, 1)[0])
TIMES = st.integers(1, 1_000)
EVENTS: st.SearchStrategy[Input] = st.one_of(
    TIMES.map(lambda at: Control(at, "pause")),
    TIMES.map(lambda at: BarOpened(0, at, 5)),
    TIMES.map(lambda at: BarClosed(0, Bar(0, 1, at, 1, 1, 1, 1, 0.0))),
    TIMES.map(lambda at: SecondSeen(0, structs.replace(SECOND, known_ns=at))),
    TIMES.map(lambda at: FundingSettled(0, at, 1, 1)),
    TIMES.map(lambda at: OrderReport(0, 1, 2, at)),
)


class Taking:
    """A driver that writes down what it is given, and may be made to hand back something at a number."""

    def __init__(self) -> None:
        self.taken: list[Input] = []
        self.again: dict[int, tuple[Trader, Input]] = {}

    def take(self, event: Input) -> None:
        """Write it down; what it leads to comes at once."""
        self.taken.append(event)
        if (more := self.again.get(len(self.taken))) is not None:
            more[0].take(more[1])
            assert self.taken[-1] is event, "what comes meanwhile waits for its turn"


class Answers:
    """Says something to each candle that closes or opens."""

    def hear(self, event: Input) -> list[Prediction]:
        """One prediction, of a time long past."""
        return [SAID] if isinstance(event, (BarClosed, BarOpened)) else []


@given(events=st.lists(EVENTS, max_size=20), answers=st.booleans())
def test_times_never_go_back_and_nothing_else_of_an_input_changes(events: list[Input], answers: bool) -> None:
    driver: Any = Taking()
    trader = Trader(driver, Answers() if answers else None)
    for event in events:
        trader.take(event)
    moments = [moment(event) for event in driver.taken]
    assert moments == sorted(moments) and trader.taken == len(driver.taken)
    heard = [event for event in driver.taken if not isinstance(event, Prediction)]
    latest = 0
    for event, wanted in zip(heard, events, strict=True):
        latest = max(latest, moment(wanted))
        assert event == at_least(wanted, latest) and at_least(event, 0) == event


def test_a_candle_is_answered_behind_its_close_and_before_the_next_ones_opening() -> None:
    driver: Any = Taking()
    trader = Trader(driver, Answers())
    trader.take(BarClosed(0, Bar(0, 1, 7, 1, 1, 1, 1, 0.0)))
    trader.take(BarOpened(0, 9, 5))
    assert [type(event) for event in driver.taken] == [BarClosed, Prediction, Prediction, BarOpened]
    assert [moment(event) for event in driver.taken] == [7, 7, 9, 9], "an answer counts from when it is there"


def test_what_comes_while_another_is_worked_on_comes_after_it() -> None:
    driver: Any = Taking()
    trader = Trader(driver, None)
    driver.again[1] = trader, OrderReport(0, 1, 2, 3)
    trader.take(Control(5, "pause"))
    trader.take(Control(6, "resume"))
    assert [type(event).__name__ for event in driver.taken] == ["Control", "OrderReport", "Control"]
    assert moment(driver.taken[1]) == 5


def test_a_fault_leaves_it_able_to_go_on() -> None:
    class Failing(Taking):
        def take(self, event: Input) -> None:
            super().take(event)
            if len(self.taken) == 1:
                raise ValueError("once")

    driver: Any = Failing()
    trader = Trader(driver, None)
    with pytest.raises(ValueError, match="once"):
        trader.take(Control(5, "pause"))
    trader.take(Control(6, "resume"))
    assert len(driver.taken) == 2
