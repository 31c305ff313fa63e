"""The switchboard: faults strike as often, as long and for whom they were switched on."""

from __future__ import annotations

from metastackerbandit.practice.faults import FAULTS, Fault, Faults, Switched
from metastackerbandit.practice.venue_time import VenueTime
from tests.practice.walking import BEGUN_NS, Clock


def board() -> tuple[Faults, Clock]:
    clock = Clock()
    return Faults(VenueTime(BEGUN_NS, 60.0, clock)), clock


def test_a_fault_strikes_until_it_is_switched_off() -> None:
    faults, _ = board()
    assert faults.strikes("drop") is None
    faults.switch_on(Fault("drop"))
    assert all(faults.strikes("drop") for _ in range(5)) and [one.struck for one in faults.all()] == [5]
    assert faults.switch_off("drop") and not faults.switch_off("drop")
    assert faults.strikes("drop") is None


def test_a_count_a_time_and_a_symbol_bound_it() -> None:
    faults, clock = board()
    faults.switch_on(Fault("drop", count=2))
    assert [bool(faults.strikes("drop")) for _ in range(4)] == [True, True, False, False]
    faults.switch_on(Fault("stall", seconds=3.0))
    clock.turn(2.9)
    assert faults.is_on("stall")
    clock.turn(0.1)
    assert not faults.is_on("stall") and faults.all() == []
    faults.switch_on(Fault("drop", symbol="BTCUSDT"))
    assert faults.strikes("drop", "BTCUSDT") and not faults.strikes("drop", "ETHUSDT")


def test_a_share_strikes_that_often() -> None:
    faults, _ = board()
    faults.switch_on(Fault("drop", share=0.25))
    assert 180 < sum(bool(faults.strikes("drop")) for _ in range(1_000)) < 320


def test_watchers_hear_of_every_change() -> None:
    faults, clock = board()
    heard: list[Switched] = []
    faults.watchers.append(heard.append)
    faults.switch_on(Fault("skew", seconds=1.0, value=-500.0))
    clock.turn(1)
    faults.all()
    assert [(one.fault.name, one.fault.amount, one.is_on) for one in heard] == [("skew", -500.0, True), ("skew", -500.0, False)]


def test_every_fault_says_what_it_does() -> None:
    assert all(FAULTS.values()) and Fault("skew").amount == 2_000.0 and Fault("drop").amount == 0.0
