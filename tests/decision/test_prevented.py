"""What became of a prevented trade, in words: by whom, since when, and what it would have earned."""

from __future__ import annotations

import msgspec

from metastackerbandit.decision.prevented import prevented_trade
from metastackerbandit.domain.rows import ON_TARGET, OutcomeRow
from tests.decision.telling import AT_NS, MINUTES_NS, WANTS
from tests.storage.runs import BTC

ENDED = OutcomeRow(
    at_ns=AT_NS + 35 * MINUTES_NS,
    instrument=0,
    arm=0,
    cell=-1,
    side=1,
    bars=7,
    outcome=1.5,
    gate=2,
    decision=7,
    reason=ON_TARGET,
    opened_ns=AT_NS,
    lots=120,
    net=-123_456_789_000,
    net_bps=-12.34,
)


def test_the_trade_that_one_gate_prevented_and_this_decision_began() -> None:
    told = prevented_trade(WANTS, ENDED, "alpha", BTC)
    assert told.text == "prevented by alpha alone: BUY 0.120 BTC, left on target after 7 bars: -12.3 bps net, -1,234.57 USDT"
    assert (told.gate, told.began_with, told.side, told.quantity, told.reason, told.bars) == ("alpha", 7, "BUY", "0.120", "target", 7)
    assert (told.opened, told.ended) == ("2024-03-01T12:35:00Z", "2024-03-01T13:10:00Z")
    assert (told.net_bps, told.net) == (-12.34, -1234.56789)


def test_a_sell_that_several_gates_prevented_since_an_earlier_decision() -> None:
    told = prevented_trade(WANTS, msgspec.structs.replace(ENDED, side=-1, decision=3, net=5_000_000, net_bps=0.5), None, BTC)
    assert told.text == (
        "prevented by gates together: SELL 0.120 BTC (wished since decision 3), left on target after 7 bars: +0.5 bps net, +0.05 USDT"
    )
    assert (told.gate, told.began_with, told.side, told.net) == (None, 3, "SELL", 0.05)
