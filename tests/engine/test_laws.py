"""Laws of the engine: no look-ahead, mirror images, conserved money, snapshots that do not show."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metastackerbandit.backtest.run import block_of
from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.domain.inputs import BarClosed, BarOpened
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.rows import MARKET
from metastackerbandit.engine.plan import plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.risk.settings import SizingSettings
from metastackerbandit.runtime.replay import inputs_of
from metastackerbandit.simulation.settings import SimulationSettings
from tests.covering import covers
from tests.markets import ARMS_ON_BARS, by_block, generated, recorded, streaming

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ARM_NAMES = st.sampled_from(ARMS_ON_BARS)


def poisoned(recording: Recording, after: int) -> Recording:
    """The same market up to a bar, another one after it."""
    bars = []
    for own in recording.bars:
        changed = own.copy()
        for name in ("open", "high", "low", "close"):
            changed[name][after:] = changed[name][after:] * 3 + 17
        changed["volume"][after:] *= 11.0
        bars.append(changed)
    return Recording(recording.instruments, recording.base_ns, tuple(bars), recording.funding, recording.has_volume, "poisoned", "poisoned")


@covers("A34")
@QUICK
@given(seed=st.integers(0, 10_000), arm=ARM_NAMES, after=st.integers(60, 250), frame=st.sampled_from(["5m", "15m"]))
def test_poisoning_the_future_changes_nothing_before_it(seed: int, arm: str, after: int, frame: str) -> None:
    recording = generated(seed, 260)
    chosen = EngineSettings(exits=ExitSettings(stop_bps=120.0, target_bps=150.0))
    clean, _ = by_block(recording, frame, arm, chosen)
    dirty, _ = by_block(poisoned(recording, after), frame, arm, chosen)
    known_ns = recording.bars[0]["known_ns"][after - 1]
    before = clean.decisions["at_ns"] <= known_ns
    assert before.any()
    count = int(before.sum())
    for name in ("decisions", "observed", "limit", "verdict"):
        assert getattr(clean, name)[:count].tobytes() == getattr(dirty, name)[:count].tobytes()
    for name in ("orders", "fills", "ledger"):
        left, right = getattr(clean, name), getattr(dirty, name)
        if len(left) and len(right):
            assert left[left["at_ns"] < known_ns].tobytes() == right[right["at_ns"] < known_ns].tobytes()


@covers("B09")
@QUICK
@given(seed=st.integers(0, 10_000), flat_fee=st.sampled_from([0.0, 5.0]), quantity=st.sampled_from(["0.01", "0.5"]))
def test_long_and_short_on_the_same_path_are_mirror_images_in_money(seed: int, flat_fee: float, quantity: str) -> None:
    """The random arm with flipped sides: gross profit negates exactly, fees are equal at equal prices."""
    recording = generated(seed, 120, symbols=1, funded=True)
    costs = CostSettings(taker_fee_bps=flat_fee, maker_fee_bps=0, half_spread_bps=0, slippage_bps=0, impact_coefficient=0)
    chosen = EngineSettings(sizing=SizingSettings(mode="quantity", quantity=quantity), costs=costs)
    rows = {}
    for side in (1, -1):
        plan = plan_of(recording, "5m", "random_entries", chosen)
        driver, sink = streaming(plan, SimulationSettings())
        driver.engine.world.memory[0, 0, 1] = side  # start on this side,
        driver.engine.world.reals[0, 0] = 0.0  # and never change it
        events = list(inputs_of(recording, block_of(recording).order))
        for event in events:
            driver.take(event)
        kept = sink.kept()
        rows[side] = (kept, driver.engine.world.seats[0].position, driver.engine.world.account[0])
    long, short = rows[1], rows[-1]
    assert len(long[0].fills) == len(short[0].fills) > 0
    assert (long[0].fills["lots"] == -short[0].fills["lots"]).all()
    assert (long[0].fills["fee"] == short[0].fills["fee"]).all()
    assert long[1].cost == -short[1].cost
    assert long[1].value == -short[1].value
    assert abs(int(long[0].ledger["funding"].sum() + short[0].ledger["funding"].sum())) <= len(
        long[0].ledger
    )  # each settlement is rounded against us


@covers("C23", "A01")
@QUICK
@given(
    seed=st.integers(0, 10_000),
    arm=ARM_NAMES,
    market=st.sampled_from(["spot", "perp"]),
    stop=st.sampled_from([0.0, 50.0]),
    flip=st.booleans(),
)
def test_money_is_conserved_and_positions_are_their_fills(seed: int, arm: str, market: str, stop: float, flip: bool) -> None:
    recording = generated(seed, 260, market=market, funded=market == "perp")
    chosen = EngineSettings(
        exits=ExitSettings(stop_bps=stop, target_bps=stop * 1.5), decision=DecisionSettings(reversal="flip" if flip else "through_flat")
    )
    kept, result = by_block(recording, "5m", arm, chosen)
    ledger, world = kept.ledger, result.world
    amounts = sum(ledger[name].astype(object) for name in ("cash", "position", "realised", "fees", "funding", "transfers"))
    assert not np.any(amounts)
    account = world.account[0]
    assert int(ledger["cash"].sum()) == account.cash
    for s in range(len(recording.instruments)):
        position = world.seats[s].position
        lots = int(kept.fills["lots"][kept.fills["instrument"] == s].sum()) if len(kept.fills) else 0
        assert lots == position.lots
        assert int(ledger["position"][ledger["instrument"] == s].sum()) == position.cost
        if position.lots == 0:
            assert position.cost == 0 and position.value == 0
    assert account.marked == sum(int(seat.position.value) for seat in world.seats)
    assert account.gross == sum(abs(int(seat.position.value)) for seat in world.seats)
    # two independent ways to the same profit
    deposit = 10_000 * 10**8
    cash_way = account.cash + account.marked - deposit
    ledger_way = -int(ledger["realised"].sum()) - int(ledger["fees"].sum()) - int(ledger["funding"].sum())
    open_profit = sum(int(seat.position.value) - int(seat.position.cost) for seat in world.seats)
    assert cash_way == ledger_way + open_profit
    if len(kept.trips):
        trips = kept.trips
        assert (trips["net"] == trips["gross"] - trips["fees"] - trips["funding"]).all()
        assert (trips["gross"] == trips["side"] * (trips["exit_value"] - trips["entry_value"])).all()


@covers("A28", "A29", "1.03")
@QUICK
@given(seed=st.integers(0, 10_000), arm=ARM_NAMES, market=st.sampled_from(["spot", "perp"]), notional=st.sampled_from(["5", "37", "900000"]))
def test_every_order_is_legal(seed: int, arm: str, market: str, notional: str) -> None:
    recording = generated(seed, 260, market=market)
    chosen = EngineSettings(sizing=SizingSettings(mode="notional", notional=notional), exits=ExitSettings(stop_bps=90.0))
    kept, _ = by_block(recording, "5m", arm, chosen)
    if not len(kept.orders):
        return
    rules = recording.instruments[0].rules()
    decided = {int(row["decision"]): row for row in kept.decisions}
    for order in kept.orders[kept.orders["kind"] == MARKET]:
        assert rules.min_lots <= abs(order["lots"]) <= rules.max_lots
        if not order["reduce_only"]:
            price = int(decided[int(order["decision"])]["close"])
            assert abs(int(order["lots"])) * price * rules.unit >= rules.min_notional


@covers("2.106")
def test_at_one_instant_every_close_is_decided_on_before_the_next_price_trades() -> None:
    recording = generated(2, 40)
    last = (0, 0)
    for event in inputs_of(recording, block_of(recording).order):
        now = (event.bar.known_ns, 1) if isinstance(event, BarClosed) else (event.at_ns, 3)  # type: ignore[union-attr]
        assert isinstance(event, BarClosed | BarOpened)
        assert now >= last
        last = now


@covers("1.26", "A26")
def test_symbols_do_not_touch_each_other_but_through_the_account() -> None:
    """With fixed quantities and an account that never binds, a symbol trades alone as it trades beside others."""
    recording = recorded(("BTCUSDT", "ETHUSDT"), count=2_000)
    sized = EngineSettings(sizing=SizingSettings(mode="quantity", quantity="0.01"))
    both, _ = by_block(recording, "15m", "ema_cross", sized)
    for s in range(2):
        alone = Recording((recording.instruments[s],), recording.base_ns, (recording.bars[s],), (recording.funding[s],), (True,), "one", "one")
        single, _ = by_block(alone, "15m", "ema_cross", sized)
        own = both.fills[both.fills["instrument"] == s]
        for name in ("at_ns", "lots", "ticks", "fee", "slippage", "impact"):
            assert (own[name] == single.fills[name]).all()
