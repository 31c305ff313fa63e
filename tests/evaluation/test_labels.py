"""Labels: what the venue and the engine would have earned, from a path drawn by hand to recorded candles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from metastackerbandit.costs.rates import round_trip_bps
from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.kernel import layout, row, rows
from metastackerbandit.domain.label import DOWN, FLAT, LOWER, UNKNOWN, UP, UPPER, VERTICAL, LabelRow, LabelSpec, label_spec
from metastackerbandit.domain.money import rate_signed
from metastackerbandit.domain.prediction import FAILED, Prediction
from metastackerbandit.domain.recording import FundingRow, Recording
from metastackerbandit.domain.rows import ON_STOP, ON_TARGET, ON_TIME
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, MINUTE_NS
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.evaluation.labels import label_bars, label_one, terms_of
from metastackerbandit.evaluation.uniqueness import average_uniqueness, effective_count
from metastackerbandit.evaluation.volatility import horizon_volatility
from metastackerbandit.exits.rules import stop_price, target_price
from metastackerbandit.market.frames import frame_bars
from tests.covering import covers
from tests.evaluation.candles import drawn, recorded_candles, settlements, stepped
from tests.markets import START_NS, by_block, instrument, walk
from tests.predicted import UNRESTED
from tests.simulation.desk import FRICTIONLESS, Desk

BASE = 5 * MINUTE_NS
QUICK = settings(max_examples=30)
COSTS = st.builds(
    CostSettings,
    taker_fee_bps=st.sampled_from([0.0, 0.75, 5.0, 60.0]),
    maker_fee_bps=st.sampled_from([0.0, 2.0]),
    half_spread_bps=st.sampled_from([0.0, 0.5, 20.0]),
    slippage_bps=st.sampled_from([0.0, 1.0]),
)
SPECS = st.builds(LabelSpec, horizon=st.integers(1, 9), width=st.sampled_from([0.3, 0.8, 1.5]), span=st.just(4), floor_bars=st.just(50))
NEVER = np.iinfo(np.int64).max


def labelled(candles: np.ndarray, spec: LabelSpec, costs: CostSettings = FRICTIONLESS, funding: np.ndarray | None = None) -> np.ndarray:
    """Labels of bars that are their own candles."""
    return label_bars(candles, candles, BASE, funding, spec, costs)


def funded(seed: int, count: int = 60) -> np.ndarray:
    """Settlements at odd times: on candles' edges and inside, some with a mark."""
    rng = np.random.default_rng(seed)
    times = START_NS + np.sort(rng.choice(count * 10, 25, replace=False)) * (BASE // 2)
    return settlements(zip(times, rng.integers(-300_000, 300_000, 25), rng.choice([0, 0, 480_000], 25), strict=True))


# -- a path drawn by hand ------------------------------------------------------------------------------------------------------

# The first two bars give the volatility, the third is labelled: entry at the open of the fourth, 10,000.
QUIET = [(10_000, 10_100, 9_900, 10_000)] * 3


def by_hand(*path: tuple[int, int, int, int], horizon: int = 9, share: float = 0.25, costs: CostSettings = FRICTIONLESS, funding: Any = None) -> Any:
    """The label of the third bar, with barriers at 10,000 +- 250."""
    candles = drawn([*QUIET, *path])
    bare = LabelSpec(horizon=horizon, span=2, floor_quantile=0.0, vertical_share=share)
    spec = replace(bare, width=0.025 / float(horizon_volatility(candles, bare)[2]))
    label = label_bars(candles, candles, BASE, funding, spec, costs)[2]
    assert math.isnan(label["gross"]) or label["entry"] == path[0][0]
    return label


STILL = (10_000, 10_050, 9_950, 10_000)


def test_the_upper_barrier_first_is_up() -> None:
    label = by_hand(STILL, (10_000, 10_120, 9_990, 10_100), (10_100, 10_260, 10_000, 10_200), STILL)
    assert (label["side"], label["touched"], label["ambiguous"], label["known"]) == (UP, UPPER, 0, 1)
    assert label["entry_ns"] == START_NS + 3 * BASE and label["exit_ns"] == START_NS + 6 * BASE
    assert label["exit"] == 10_250 and label["gross"] == label["net_long"] == 0.025
    assert label["gross_short"] == label["net_short"] == -0.025


def test_the_lower_barrier_first_is_down() -> None:
    label = by_hand(STILL, (10_000, 10_120, 9_749, 9_800), (9_800, 10_400, 9_800, 10_200))
    assert (label["side"], label["touched"], label["exit_ns"]) == (DOWN, LOWER, START_NS + 5 * BASE)
    assert label["gross_short"] == label["net_short"] == 0.025 == -label["gross"]
    dear = by_hand(STILL, (10_000, 10_120, 9_749, 9_800), costs=CostSettings(taker_fee_bps=300.0))
    assert (dear["side"], dear["touched"]) == (FLAT, LOWER) and dear["net_short"] < 0


@covers("C20")
def test_both_barriers_in_one_candle_cost_either_side_its_own_stop() -> None:
    for high, low in ((10_400, 9_600), (10_250, 9_750)):
        label = by_hand(STILL, (10_000, high, low, 10_000), STILL)
        assert (label["side"], label["ambiguous"], label["known"]) == (FLAT, 1, 1)
        assert label["gross"] == label["net_long"] == label["gross_short"] == label["net_short"] == -0.025
    for high, low, side in ((10_249, 9_750, DOWN), (10_250, 9_751, UP)):
        label = by_hand(STILL, (10_000, high, low, 10_000), STILL)
        assert (label["side"], label["ambiguous"]) == (side, 0)


def test_a_candle_that_opens_beyond_a_barrier_fills_there_and_is_not_ambiguous() -> None:
    up = by_hand(STILL, (10_500, 10_600, 9_500, 9_600))
    assert (up["side"], up["exit"], up["ambiguous"]) == (UP, 10_500, 0)
    assert up["gross"] == up["net_long"] == pytest.approx(0.05)
    assert up["gross_short"] == pytest.approx(-0.05)
    down = by_hand(STILL, (9_000, 10_600, 8_900, 9_600))
    assert (down["side"], down["exit"], down["ambiguous"]) == (DOWN, 9_000, 0)


def test_the_candle_of_the_entry_can_end_the_label() -> None:
    label = by_hand((10_000, 10_300, 9_900, 10_000), STILL)
    assert (label["side"], label["exit_ns"]) == (UP, START_NS + 4 * BASE)


def test_time_out_is_the_open_after_the_last_bar() -> None:
    late = ((10_000, 10_150, 9_950, 10_120), STILL, (10_100, 10_900, 9_100, 10_000))
    label = by_hand(*late, horizon=2)
    assert (label["touched"], label["exit"], label["exit_ns"]) == (VERTICAL, 10_100, START_NS + 6 * BASE)
    assert label["side"] == UP and label["gross"] == pytest.approx(0.01) == label["net_long"]
    assert by_hand(*late, horizon=2, share=1.0)["side"] == FLAT  # a move of a hundredth is less than one volatility
    assert by_hand(*late, horizon=2, costs=CostSettings(taker_fee_bps=60.0))["side"] == FLAT  # and less than 1.2 % of fees


def test_a_label_cut_off_by_the_end_is_not_known() -> None:
    for path in ((), (STILL,), (STILL, STILL)):
        label = by_hand(*path, horizon=2) if path else labelled(drawn(QUIET), LabelSpec(span=2))[2]
        assert (label["known"], label["side"]) == (0, UNKNOWN)
        assert math.isnan(label["net_long"]) and math.isnan(label["net_short"]) and math.isnan(label["gross"])
    assert by_hand(STILL, STILL, STILL, horizon=2)["known"] == 1
    assert by_hand((10_000, 10_300, 9_900, 10_000), horizon=9)["known"] == 1


@pytest.mark.parametrize(
    ("at", "counts"),
    [(2.9, False), (3.0, False), (3.5, True), (4.0, True), (4.5, True), (4.99, True), (5.0, False), (5.5, False)],
)
def test_what_is_settled_while_the_trade_is_held_counts(at: float, counts: bool) -> None:
    """Entry at the open of candle 3, target inside candle 4, which the venue fills before what is settled at its close."""
    funding = settlements([(START_NS + int(at * BASE), 100_000, 10_000)])
    label = by_hand(STILL, (10_000, 10_300, 9_900, 10_000), STILL, funding=funding)
    assert label["net_long"] == pytest.approx(label["gross"] - 0.001 * counts, abs=1e-12)
    assert label["net_short"] == pytest.approx(label["gross_short"] + 0.001 * counts, abs=1e-12)


@pytest.mark.parametrize(("at", "counts"), [(4.0, True), (5.0, True), (5.01, False)])
def test_what_is_settled_at_the_open_of_an_exit_still_counts(at: float, counts: bool) -> None:
    funding = settlements([(START_NS + int(at * BASE), 100_000, 0)])
    label = by_hand((10_000, 10_050, 9_950, 10_020), (10_020, 10_050, 9_950, 10_040), STILL, STILL, horizon=2, funding=funding)
    mark = {4.0: 10_020, 5.0: 10_040, 5.01: 0}[at]  # the last close
    assert label["gross"] == 0.0
    assert label["net_long"] == pytest.approx(-0.001 * mark / 10_000 * counts, abs=1e-12)


# -- laws ----------------------------------------------------------------------------------------------------------------------


def traded(candles: np.ndarray, bars: np.ndarray, n: int, label: Any, spec: LabelSpec, costs: CostSettings, side: int, funding: np.ndarray) -> Any:
    """The same trade through the simulated venue, event by event -> (net as a fraction, reference of the exit); None when it never ends."""
    desk, lots, unit = Desk(costs), side * 1_000, instrument().rules().unit
    deadline = int(bars["known_ns"][n + spec.horizon]) if n + spec.horizon < len(bars) else NEVER
    desk.market(lots, int(bars["known_ns"][n]))
    distance = round(spec.width * float(label["volatility"]) * 1e8)
    cash, mark, entry, next_funding, leaving = 0, 0, 0, 0, False

    def settle(until_ns: int) -> int:
        nonlocal next_funding
        paid = 0
        while next_funding < len(funding) and funding["at_ns"][next_funding] <= until_ns:
            rate, price = int(funding["rate"][next_funding]), int(funding["mark"][next_funding]) or mark
            if desk.position:
                paid += rate_signed(abs(desk.position) * price * unit, rate if desk.position > 0 else -rate)
            next_funding += 1
        return paid

    for candle in candles:
        opened_ns, known_ns = int(candle["opened_ns"]), int(candle["known_ns"])
        cash -= settle(opened_ns)
        if entry and opened_ns >= deadline and not leaving:
            desk.market(-lots, deadline, reduce_only=True)
            leaving = True
        fills = desk.opens(int(candle["open"]), opened_ns)
        if fills and not entry:
            entry = fills[0].reference
            desk.stop(-lots, stop_price(side, entry, distance), opened_ns)
            desk.target(-lots, target_price(side, entry, distance), opened_ns)
        for fill in fills:
            mark = fill.reference or mark
        cash -= settle(known_ns - 1)
        fills += desk.ranges(int(candle["low"]), int(candle["high"]), known_ns, first=int(candle["open"]))
        cash -= sum(fill.lots * fill.ticks * unit + fill.fee for fill in fills)
        mark = int(candle["close"])
        if entry and desk.position == 0:
            return cash / (1_000 * entry * unit), [fill.reference for fill in fills if fill.lots][-1]
    return None


@covers("A34", "C20")
@QUICK
@given(seed=st.integers(0, 10_000), spec=SPECS, costs=COSTS, holes=st.sampled_from([0.0, 0.2]), frame=st.sampled_from([1, 3]))
def test_a_label_earns_what_the_venue_would_have_paid(seed, spec, costs, holes, frame):
    candles = walk(seed, 60, holes=holes)
    spec = replace(spec, frame="15m" if frame == 3 else "5m")
    bars, funding = frame_bars(candles, BASE, frame * BASE), funded(seed)
    labels = label_bars(bars, candles, BASE, funding, spec, costs)
    warm = np.flatnonzero(np.isfinite(labels["volatility"]))
    for n in warm[:: 1 + len(warm) // 6]:
        long, short = (traded(candles, bars, n, labels[n], spec, costs, side, funding) for side in (1, -1))
        assert (labels[n]["known"] == 1) == (long is not None and short is not None)
        if labels[n]["known"]:
            # Fees and settlements are rounded to whole money units of a notional of 5e13.
            assert labels[n]["net_long"] == pytest.approx(long[0], abs=1e-12)
            assert labels[n]["net_short"] == pytest.approx(short[0], abs=1e-12)
            assert labels[n]["exit"] == long[1]
            assert labels[n]["gross_short"] == (labels[n]["entry"] - short[1]) / labels[n]["entry"]


@covers("A34")
@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), side=st.sampled_from([1, -1]))
def test_a_label_earns_what_the_engine_earns_on_a_prediction_of_that_bar(seed, side):
    """No spread: the engine's barriers stand at the fill, the label's at the reference, and here they are one."""
    candles = walk(seed, 400, step=0.002)
    spec, costs = LabelSpec(horizon=6, width=0.8, span=10), CostSettings(half_spread_bps=0.0, slippage_bps=0.0, impact_coefficient=0.0)
    funding = settlements([(START_NS + k * HOUR_NS, 20_000 * (-1) ** k, 0) for k in range(1, 34)])
    recording = Recording((instrument(),), BASE, (candles,), (funding,), (True,), "drawn", "for a test")
    labels = label_bars(candles, candles, BASE, funding, spec, costs)
    spoken = np.zeros(len(candles), layout(Prediction))
    spoken["frame_ns"], spoken["closed_ns"], spoken["at_ns"] = BASE, candles["closed_ns"], candles["known_ns"]
    spoken["p_up"], spoken["p_down"] = (0.9, 0.1) if side > 0 else (0.1, 0.9)
    spoken["long_bps"], spoken["short_bps"] = side * 300.0, -side * 300.0
    spoken["error_bps"], spoken["barrier_bps"], spoken["horizon"] = 5.0, labels["barrier"] * 1e4, spec.horizon
    spoken["conformal_set"], spoken["credibility"], spoken["size_scale"] = (4 if side > 0 else 1), 0.9, 1.0
    spoken["p_value_up" if side > 0 else "p_value_down"], spoken["worth"] = 0.9, np.nan
    asleep = (np.arange(len(candles)) % 11 != 0) | np.isnan(labels["volatility"])
    spoken["silence"][asleep] = FAILED
    kept, _ = by_block(recording, "5m", "model", EngineSettings(costs=costs, risk=UNRESTED), predictions=(spoken,))
    assert len(kept.trips) > 5
    unit, closed = instrument().rules().unit, {int(d["decision"]): int(d["closed_ns"]) for d in kept.decisions}
    reasons = {ON_STOP: LOWER * side, ON_TARGET: UPPER * side, ON_TIME: VERTICAL}
    for trip in kept.trips:
        label = labels[np.flatnonzero(labels["closed_ns"] == closed[int(trip["decision"])])[0]]
        notional = abs(int(trip["lots"])) * int(label["entry"]) * unit
        assert label["known"] == 1 and trip["opened_ns"] == label["entry_ns"] and trip["side"] == side
        assert trip["net"] / notional == pytest.approx(label["net_long"] if side > 0 else label["net_short"], abs=1e-9)
        if side > 0:
            assert label["touched"] == reasons[int(trip["reason"])]


@covers("K4", "B20", "A34")
@QUICK
@given(seed=st.integers(0, 10_000), spec=SPECS, cut=st.integers(10, 70), holes=st.sampled_from([0.0, 0.2]), funding_seed=st.integers(0, 9))
def test_nothing_after_the_exit_matters_to_the_bit(seed, spec, cut, holes, funding_seed):
    one, funding = walk(seed, 80, holes=holes), funded(funding_seed, 80)
    cut = min(cut, len(one) - 1)
    cut_ns = one["known_ns"][cut - 1]
    other, later = one.copy(), funding.copy()
    other[cut:] = walk(seed + 1, len(one), step=0.05)[cut:]
    for name in ("opened_ns", "closed_ns", "known_ns"):
        other[name] = one[name]
    later["rate"][later["at_ns"] >= cut_ns] = 777_777
    first = labelled(one, spec, CostSettings(), funding)
    for second in (labelled(other, spec, CostSettings(), later), labelled(one[:cut], spec, CostSettings(), later)):
        matured = first[(first["known"] == 1) & (first["exit_ns"] <= cut_ns)]
        again = second[(second["known"] == 1) & (second["exit_ns"] <= cut_ns)]
        assert matured.tobytes() == again.tobytes()


@QUICK
@given(seed=st.integers(0, 10_000), spec=SPECS, holes=st.sampled_from([0.0, 0.2]))
def test_a_label_ends_after_it_began_and_within_its_horizon_and_has_a_side_only_where_it_pays(seed, spec, holes):
    candles = walk(seed, 80, holes=holes)
    labels = labelled(candles, spec, CostSettings())
    known = np.flatnonzero(labels["known"])
    assert (labels["net_long"][labels["side"] == UP] > 0).all() and (labels["net_short"][labels["side"] == DOWN] > 0).all()
    assert (labels["exit_ns"][known] > labels["entry_ns"][known]).all()
    assert (labels["entry_ns"][known] >= labels["closed_ns"][known]).all()
    last = np.minimum(known + spec.horizon + 1, len(candles) - 1)
    assert (labels["exit_ns"][known] <= candles["known_ns"][last]).all()
    assert set(labels["side"][known].tolist()) <= {DOWN, FLAT, UP}
    if not holes:
        whole = (labels["volatility"] > 0) & (np.arange(80) + spec.horizon + 1 < 80)
        assert (labels["known"][whole] == 1).all()


@QUICK
@given(seed=st.integers(0, 10_000), spec=SPECS, factor=st.floats(1.0, 5.0))
def test_wider_barriers_never_shorten_a_label(seed, spec, factor):
    candles = walk(seed, 80)
    near, far = labelled(candles, spec), labelled(candles, replace(spec, width=min(spec.width * factor, 10.0)))
    both = (near["known"] == 1) & (far["known"] == 1)
    assert (far["exit_ns"][both] >= near["exit_ns"][both]).all()


@covers("A01")
@QUICK
@given(
    seed=st.integers(0, 10_000),
    barrier=st.floats(1e-4, 0.05),
    horizon=st.integers(1, 20),
    rates=st.lists(st.integers(-300_000, 300_000), min_size=3, max_size=3),
    costs=st.one_of(st.just(FRICTIONLESS), COSTS),
)
def test_labels_of_mirrored_prices_are_mirror_images(seed, barrier, horizon, rates, costs):
    """Prices mirrored at the entry tick by tick: stops, targets and the way in are exact images. Costs are charged on other prices at the
    way out, so nets differ by the cost rate (at most 80 bps and a tick) times twice the move."""
    candles = stepped(seed, 25, start=500_000, step=400.0)
    image, entry = candles.copy(), int(candles["open"][0])
    for name, source in (("open", "open"), ("close", "close"), ("high", "low"), ("low", "high")):
        image[name] = 2 * entry - candles[source]
    funding = settlements([(START_NS + k * 7 * MINUTE_NS, rate, entry) for k, rate in enumerate(rates, 1)])
    spec = LabelSpec(width=1.0, horizon=horizon)
    one, other = (_one(path, settled, barrier, spec, costs) for path, settled in ((candles, funding), (image, _negated(funding))))
    assert one["known"] == other["known"] and one["exit_ns"] == other["exit_ns"] and one["ambiguous"] == other["ambiguous"]
    if one["known"]:
        assert one["gross"] == pytest.approx(other["gross_short"], abs=1e-12)
        assert one["gross_short"] == pytest.approx(other["gross"], abs=1e-12)
        room = 1e-12 if costs == FRICTIONLESS else 2e-2 * max(abs(one["gross"]), abs(one["gross_short"])) + 3 / entry
        assert one["net_long"] == pytest.approx(other["net_short"], abs=room)
        assert one["net_short"] == pytest.approx(other["net_long"], abs=room)
        if min(abs(one["net_long"]), abs(one["net_short"])) > room:
            assert one["side"] == UP + DOWN - other["side"]


def _one(candles: np.ndarray, funding: np.ndarray, barrier: float, spec: LabelSpec, costs: CostSettings) -> Any:
    label = rows(LabelRow, 1)
    label["volatility"] = barrier
    last_known = np.searchsorted(candles["known_ns"], funding["at_ns"], side="right").astype(np.int64) - 1
    lows, highs = np.ascontiguousarray(candles["low"]), np.ascontiguousarray(candles["high"])
    _fill(label, candles, lows, highs, spec.horizon, funding, last_known, row(terms_of(spec, costs)))
    return label[0]


def _fill(label, candles, lows, highs, last, funding, last_known, terms):
    label_one(label[0], candles, lows, highs, 0, last, funding, last_known, 0, terms[0])


def _negated(funding: np.ndarray) -> np.ndarray:
    other = funding.copy()
    other["rate"] *= -1
    return other


@QUICK
@given(seed=st.integers(0, 10_000), spec=SPECS, fee=st.sampled_from([1.0, 5.0, 7.5]))
def test_doubling_the_fee_lowers_the_net_by_exactly_the_fee(seed, spec, fee):
    candles = walk(seed, 80)
    one = CostSettings(taker_fee_bps=fee, maker_fee_bps=0.4 * fee)
    two = replace(one, taker_fee_bps=2 * fee, maker_fee_bps=0.8 * fee)
    first, second = labelled(candles, spec, one), labelled(candles, spec, two)
    known = first["known"] == 1
    paid = first["entry"] + -(-first["entry"] * 15_000 // 10**8)  # half spread and slippage of 1.5 bps, rounded up to a tick
    got = first["exit"] - -(-first["exit"] * 15_000 // 10**8)
    at_target = first["touched"] == UPPER
    fees = fee / 1e4 * (paid + np.where(at_target, 0.4 * first["exit"], got)) / np.maximum(first["entry"], 1)
    assert first["net_long"][known] - second["net_long"][known] == pytest.approx(fees[known], abs=1e-12)
    assert (first["gross"][known] == second["gross"][known]).all()


@QUICK
@given(seed=st.integers(0, 10_000), width=st.floats(0.05, 1.0))
def test_finer_candles_tell_what_coarse_ones_could_not_and_change_nothing_else(seed, width):
    minutes = stepped(seed, 400, base_ns=MINUTE_NS, step=100.0)
    bars = frame_bars(minutes, MINUTE_NS, BASE)
    spec = LabelSpec(horizon=6, width=width, span=10)
    coarse, fine = (label_bars(bars, candles, base_ns, None, spec, CostSettings()) for candles, base_ns in ((bars, BASE), (minutes, MINUTE_NS)))
    known = (coarse["known"] == 1) & (fine["known"] == 1)
    assert fine["ambiguous"][known].sum() <= coarse["ambiguous"][known].sum()
    same = known & (coarse["ambiguous"] == 0)
    for name in ("side", "touched", "exit", "gross", "gross_short", "net_long", "net_short"):
        assert (coarse[name][same] == fine[name][same]).all()
    assert (fine["exit_ns"][same] <= coarse["exit_ns"][same]).all()


# -- known answers -------------------------------------------------------------------------------------------------------------


def test_a_symmetric_walk_goes_up_as_often_as_down() -> None:
    labels = labelled(stepped(11, 30_000, step=20.0), LabelSpec(horizon=12))
    known = labels[labels["known"] == 1]
    n_eff = effective_count(average_uniqueness(known["entry_ns"], known["exit_ns"], BASE))
    up, down = (known["side"] == UP).mean(), (known["side"] == DOWN).mean()
    assert n_eff > 2_000 and 0.3 < up < 0.5
    assert abs(up - down) < 3 * math.sqrt((up + down) / n_eff)  # the variance of a difference of two shares of n_eff draws
    nets = (known["net_long"] - known["net_short"]) / 2
    assert abs(nets.mean()) < 3 * nets.std() / math.sqrt(n_eff)


def test_a_barrier_nearer_than_the_cost_allows_is_untradable() -> None:
    candles, spec = stepped(5, 400, step=30.0), LabelSpec(span=10)
    for costs in (CostSettings(), CostSettings(taker_fee_bps=10.0)):
        labels = labelled(candles, spec, costs)
        assert (labels["tradable"] == (labels["barrier"] * 1e4 >= 2.5 * round_trip_bps(costs))).all()
        assert labels["barrier"][10:] == pytest.approx(spec.width * horizon_volatility(candles, spec)[10:])


def test_what_cannot_be_labelled_is_refused_with_its_mend() -> None:
    candles = walk(1, 60)
    with pytest.raises(DataRefused, match="bars of 5m where the labels are of 15m"):
        label_bars(candles, candles, BASE, None, label_spec("15m"), CostSettings())
    with pytest.raises(DataRefused, match="cannot resolve"):
        label_bars(candles, walk(1, 60, base_ns=HOUR_NS), HOUR_NS, None, label_spec("5m"), CostSettings())
    with pytest.raises(DataRefused, match="not in order"):
        label_bars(candles, candles[::-1], BASE, None, label_spec("5m"), CostSettings())


def test_no_bars_have_no_labels() -> None:
    empty = walk(1, 0)
    assert len(labelled(empty, LabelSpec(), CostSettings(), np.zeros(0, layout(FundingRow)))) == 0


# -- recorded candles: 5m and 1m of two sources, 2025-05-05 to 2025-06-17 -----------------------------------------------------------

FIRST_NS, LAST_NS = (int(np.datetime64(day, "ns").astype(np.int64)) for day in ("2025-05-05", "2025-06-18"))


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT", "SOLUSDT"])
def test_recorded_labels_are_balanced_and_hardly_ambiguous(symbol: str) -> None:
    fives = recorded_candles("binance_usdm_5m", symbol, BASE, FIRST_NS, LAST_NS)
    minutes = recorded_candles("binance_usdm_1m_2025", symbol, MINUTE_NS, FIRST_NS, LAST_NS)
    assert len(fives) == 44 * 288 and len(minutes) == 44 * 1_440
    for frame, length in (("5m", BASE), ("15m", 3 * BASE), ("1h", HOUR_NS)):
        bars = frame_bars(fives, BASE, length)
        coarse = label_bars(bars, fives, BASE, None, label_spec(frame), CostSettings())
        fine = label_bars(bars, minutes, MINUTE_NS, None, label_spec(frame), CostSettings())
        known = (coarse["known"] == 1) & (fine["known"] == 1)
        assert known.mean() > 0.9
        shares = np.bincount(coarse["side"][known], minlength=3) / known.sum()
        assert (shares > 0.15).all() and (shares < 0.5).all() and abs(shares[UP] - shares[DOWN]) < 0.1
        assert coarse["ambiguous"][known].mean() < 0.02 and fine["ambiguous"][known].mean() <= coarse["ambiguous"][known].mean()
        told = known & (coarse["ambiguous"] == 0)
        # A barrier may be jumped between two minutes, which five minutes do not show: the exit differs then by the jump.
        assert (coarse["side"][told] == fine["side"][told]).mean() > 0.999
        assert np.abs(coarse["net_long"] - fine["net_long"])[told].max() < 5e-4


def test_an_hour_is_too_coarse_for_near_barriers_and_five_minutes_are_not() -> None:
    fives = recorded_candles("binance_usdm_5m", "SOLUSDT", BASE, FIRST_NS, LAST_NS)
    hours = frame_bars(fives, BASE, HOUR_NS)
    near = replace(label_spec("1h"), width=0.2)
    shares = [
        label_bars(hours, candles, base_ns, None, near, CostSettings())["ambiguous"].mean() for candles, base_ns in ((hours, HOUR_NS), (fives, BASE))
    ]
    assert shares[0] > 0.05 and shares[1] < 0.002


def test_days_of_labels_reach_over_days() -> None:
    fives = recorded_candles("binance_usdm_5m", "BTCUSDT", BASE)
    days = frame_bars(fives, BASE, DAY_NS)
    labels = label_bars(days, fives, BASE, None, label_spec("24h"), CostSettings())
    known = labels[labels["known"] == 1]
    held = (known["exit_ns"] - known["entry_ns"]) / DAY_NS
    assert len(known) > 270 and 0.5 < held.mean() < 5.1 and held.max() <= 5.0 + BASE / DAY_NS
