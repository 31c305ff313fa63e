"""A book's settings as kernels read them: most limits are a setting of the same name, and the others follow from costs, frame, arm and wiring."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct, structs

from metastackerbandit.costs.rates import CostRates
from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.decision.settings import REGIMES, DecisionSettings
from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.kernel import row, struct_of
from metastackerbandit.domain.timeframe import DAY_NS, FRAMES, HOUR_NS, MINUTE_NS, frame_ns
from metastackerbandit.engine.book_limits import limits_of, pieces_a_day
from metastackerbandit.engine.limits import Limits
from metastackerbandit.engine.plan import plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.execution.settings import ExecutionSettings
from metastackerbandit.exits.rules import ExitRules
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.market.activity import pace_of
from metastackerbandit.market.settings import MarketSettings
from metastackerbandit.risk.correlation import correlation_terms
from metastackerbandit.risk.rests import rest_terms
from metastackerbandit.risk.settings import RiskSettings, SizingSettings
from metastackerbandit.stacking.arm import prepared
from metastackerbandit.stacking.consensus import least_side_of
from metastackerbandit.stacking.posterior import posterior_terms
from metastackerbandit.stacking.settings import ContextSettings, PosteriorSettings
from tests.markets import generated, instrument

TABLES: dict[str, type[Struct]] = {"decision": DecisionSettings, "execution": ExecutionSettings, "risk": RiskSettings, "sizing": SizingSettings}
ROUND_TRIP = 13.0  # bps, of the default costs
FLAT_SHARE = 0.25 / 1.2  # of a label: a vertical exit below a quarter volatility is flat, barriers are 1.2 away
ONE_START = (prepared([], 0, [], 50, stop_bps=200.0, target_bps=400.0),)


def made(
    chosen: EngineSettings | None = None,
    *,
    frame: str = "5m",
    arm: str = "sma_cross",
    arms: tuple[str, ...] = (),
    higher: tuple[str, ...] = (),
    market: str = "perp",
    starts: tuple[Any, ...] = ONE_START,
    share: float = 1.0,
    **wiring: bool,
) -> Limits:
    """The limits of a plan's only book."""
    recording = generated(1, 5, symbols=1, market=market, **wiring)
    plan = plan_of(recording, frame, arm, chosen or EngineSettings(), frames=higher, arms=arms)
    return limits_of(plan, plan.books[0], list(starts), share)


def decided(**decision: Any) -> Limits:
    """Under these settings of decision."""
    return made(EngineSettings(decision=DecisionSettings(**decision)))


def sized(market: str = "perp", **sizing: Any) -> Limits:
    """Under these settings of sizing."""
    return made(EngineSettings(sizing=SizingSettings(**sizing)), market=market)


# -- as it is ---------------------------------------------------------------------------------------------------------------------


def held() -> list[tuple[str, str]]:
    """(table, setting) for every number among the settings that has a limit of its name."""
    return [
        (table, name)
        for table, kind in TABLES.items()
        for name, type_ in get_type_hints(kind).items()
        if name in Limits.__struct_fields__ and type_ is not str and name not in ("confidence", "share")
    ]


@pytest.mark.parametrize(("table", "name"), held())
def test_a_limit_of_a_setting_s_name_is_that_setting(table: str, name: str) -> None:
    kind = TABLES[table]
    usual = getattr(kind(), name)
    other: Any = not usual if isinstance(usual, bool) else 3 if isinstance(usual, int) else 0.5 if usual is None else usual * 0.75
    changed: dict[str, Any] = {table: kind(**{name: other})}
    limits = made(EngineSettings(**changed))
    assert getattr(limits, name) == (max(other, ROUND_TRIP / 4) if name == "min_net_edge_bps" else other)


def test_every_limit_has_a_number() -> None:
    limits = made(EngineSettings(risk=RiskSettings(max_daily_loss=0.07)), share=0.4)
    assert struct_of(Limits, row(limits)[0]).max_daily_loss == 0.07
    assert limits.share == 0.4


# -- opinions ---------------------------------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(
    quantity=st.sampled_from(["min_alpha", "min_confidence", "min_model_signal"]),
    both=st.none() | st.floats(0, 1),
    buy=st.none() | st.floats(0, 1),
    sell=st.none() | st.floats(0, 1),
)
def test_a_limit_that_differs_by_side_is_the_sides_own_or_that_of_both_or_nothing(
    quantity: str, both: float | None, buy: float | None, sell: float | None
) -> None:
    written: dict[str, Any] = {f"{quantity}_buy": buy, f"{quantity}_sell": sell}
    if both is not None or quantity == "min_confidence":
        written[quantity] = both
    general = getattr(DecisionSettings(**written), quantity)
    limits = decided(**written)
    stem = quantity.replace("model_", "")
    for own, name in ((buy, f"{stem}_buy"), (sell, f"{stem}_sell")):
        expected = general if own is None else own
        found = getattr(limits, name)
        assert math.isnan(found) if expected is None else found == expected


def test_a_sides_own_limit_leaves_the_other_side_that_of_both() -> None:
    for quantity, stem in (("min_alpha", "min_alpha"), ("min_confidence", "min_confidence"), ("min_model_signal", "min_signal")):
        buy, sell = decided(**{quantity: 0.3, f"{quantity}_buy": 0.2}), decided(**{quantity: 0.3, f"{quantity}_sell": 0.4})
        assert [getattr(one, f"{stem}_{side}") for one in (buy, sell) for side in ("buy", "sell")] == [0.2, 0.3, 0.3, 0.4]


def test_what_nobody_wrote_is_not_a_number_or_follows_from_the_round_trip() -> None:
    limits = made()
    assert limits.cost_bps == ROUND_TRIP and limits.alone == 0
    assert (limits.min_net_edge_bps, limits.full_edge_bps) == (ROUND_TRIP / 4, 3 * ROUND_TRIP)
    assert math.isnan(limits.neutral_band) and math.isnan(limits.min_worth) and math.isnan(limits.min_confidence_buy)
    cheap = made(EngineSettings(costs=CostSettings(taker_fee_bps=0.5, half_spread_bps=0.0, slippage_bps=0.0)))
    assert (cheap.cost_bps, cheap.min_net_edge_bps, cheap.full_edge_bps) == (1.0, 1.0, 3.0)


def test_what_is_written_stands_where_it_is_stricter_or_where_the_profile_decides_alone() -> None:
    written = decided(min_net_edge_bps=2.0, full_edge_bps=7.0, neutral_band=0.3, min_worth=0.6)
    assert (written.min_net_edge_bps, written.full_edge_bps, written.neutral_band, written.min_worth) == (ROUND_TRIP / 4, 7.0, 0.3, 0.6)
    assert decided(min_net_edge_bps=9.0).min_net_edge_bps == 9.0
    profile = decided(min_net_edge_bps=2.0, thresholds="profile")
    assert (profile.min_net_edge_bps, profile.alone) == (2.0, 1)


def test_words_become_places() -> None:
    assert [decided(alpha=name).alpha_mode for name in ("edge", "confidence", "strength")] == [0, 1, 2]
    assert [decided(confidence=name).confidence for name in ("p_dir", "p_max3", "p_dir_cond", "strength")] == [0, 1, 2, 3]
    assert [sized(mode=name).sizing for name in ("volatility", "fraction", "notional", "quantity")] == [0, 1, 2, 3]
    assert [decided(reversal=name).flips for name in ("through_flat", "flip")] == [0, 1]


def test_disagreement_costs_blocks_or_is_not_asked() -> None:
    found = [decided(consensus=name, consensus_penalty=0.7) for name in ("soft", "hard", "off")]
    assert [(one.has_consensus, one.is_hard, one.consensus_penalty) for one in found] == [(1, 0, 0.7), (1, 1, 0.7), (0, 0, 0.0)]
    assert [decided(allow_model_only_when_mood_neutral=one).neutral_mood_passes for one in (False, True)] == [0, 1]
    assert decided(max_mood_age_bars=2.5).max_mood_age_ns == 750 * 10**9
    assert made().has_book == 0  # candles have no order book


def test_the_chance_that_a_posterior_asks_for_is_its_own_setting() -> None:
    assert made(EngineSettings(posterior=PosteriorSettings(enter=0.91))).min_chance == 0.91


@settings(max_examples=25)
@given(allowed=st.sets(st.sampled_from(REGIMES)))
def test_allowed_contexts_are_bits_and_are_asked_about_where_one_is_missing(allowed: set[str]) -> None:
    limits = decided(allowed_regimes=(*allowed, *allowed))  # named twice is named
    assert {name for place, name in enumerate(REGIMES) if limits.regimes >> place & 1} == allowed and limits.regimes < 64
    assert limits.asks_regime == limits.follows_regime == int(len(allowed) < 6)


# -- what is learned, and what is heard ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arm", "arms", "hears", "waits", "chooses"),
    [
        ("momentum", (), 0, 0, 0),
        ("model", (), 1, 1, 0),
        ("aligned", (), 1, 1, 0),
        ("posterior", ("momentum", "reversal"), 1, 0, 1),
        ("posterior", ("momentum", "model"), 1, 1, 1),
    ],
)
def test_a_book_hears_where_it_waits_for_predictions_or_chooses_and_follows_what_it_hears(
    arm: str, arms: tuple[str, ...], hears: int, waits: int, chooses: int
) -> None:
    limits = made(EngineSettings(decision=DecisionSettings(conformal=True)), arm=arm, arms=arms)
    assert (limits.hears, limits.waits, limits.chooses) == (hears, waits, chooses)
    assert (limits.follows_model, limits.follows_sets, limits.follows_regime) == (waits * chooses, waits, chooses)
    assert (limits.stop_by_model, limits.target_by_model, limits.time_by_model) == (hears,) * 3
    assert limits.asks_conformal == 1
    unasked = made(arm=arm, arms=arms)
    assert (unasked.asks_conformal, unasked.follows_sets) == (0, 0)
    exits = {"stop_bps": ExitSettings(stop_bps=0.0), "target_bps": ExitSettings(target_bps=50.0), "max_bars": ExitSettings(max_bars=0)}
    for name, own in exits.items():
        written = made(EngineSettings(exits=own), arm=arm, arms=arms)
        assert getattr(written, {"stop_bps": "stop_by_model", "target_bps": "target_by_model", "max_bars": "time_by_model"}[name]) == 0
        assert written.stop_by_model + written.target_by_model + written.time_by_model == 2 * hears


def test_what_a_veto_and_a_set_must_show_follows_from_label_costs_and_posterior() -> None:
    chosen = EngineSettings(decision=DecisionSettings(conformal_alpha=0.3, conformal_gamma=0.05), context=ContextSettings(trend_bars=19))
    limits = made(chosen, frame="15m")
    veto = limits.veto
    assert (veto.horizon, veto.least_return, veto.least_side) == (16, 0.0013, least_side_of())
    assert veto.log_keep == posterior_terms(chosen.posterior, 6.0).log_keep  # 16 bars of 15 minutes are a sixth of a day
    assert (limits.sets.target, limits.sets.gamma, limits.sets.cost, limits.sets.flat_share) == (0.3, 0.05, 0.0013, FLAT_SHARE)
    assert limits.trend_keep == pytest.approx(1.0 - 2.0 / 20.0)


@pytest.mark.parametrize("frame", sorted(FRAMES, key=frame_ns)[1:])
def test_pieces_of_a_day_do_not_overlap(frame: str) -> None:
    book = plan_of(generated(1, 5, symbols=1), frame, "sma_cross", EngineSettings()).books[0]
    limits = made(frame=frame)
    assert pieces_a_day(book) * limits.horizon * frame_ns(frame) == pytest.approx(DAY_NS)
    assert (limits.frame_ns, limits.base_ns) == (frame_ns(frame), 5 * MINUTE_NS)


def test_a_prediction_is_waited_for_a_share_of_the_bar() -> None:
    chosen = EngineSettings(decision=DecisionSettings(prediction_deadline=0.25))
    limits = made(chosen, frame="15m", arm="aligned", higher=("1h", "4h"))
    assert limits.deadline_ns == 225 * 10**9 and limits.frames == 3 and limits.horizon == 16
    assert made(arm="model").frames == 1


def test_which_inputs_there_are_is_told() -> None:
    bare = made()
    assert (bare.has_funding, bare.has_mood, bare.follows_mood, bare.has_volume) == (0, 0, 0, 1)
    fed = made(funded=True, moody=True)
    assert (fed.has_funding, fed.has_mood, fed.follows_mood, fed.has_volume) == (1, 1, 1, 1)
    silent = structs.replace(generated(1, 5, symbols=1), has_volume=(False,))
    plan = plan_of(silent, "5m", "sma_cross", EngineSettings())
    assert limits_of(plan, plan.books[0], list(ONE_START), 1.0).has_volume == 0


# -- sizes ------------------------------------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(thousandths=st.integers(0, 5_000), half=st.booleans(), mode=st.sampled_from(["volatility", "quantity"]))
def test_a_fixed_quantity_is_a_whole_number_of_lots(thousandths: int, half: bool, mode: Any) -> None:
    quantity = Decimal(thousandths) / 1000 + (Decimal("0.0005") if half else 0)
    if mode == "quantity" and (half or thousandths == 0):
        with pytest.raises(ConfigRefused) as refused:
            sized(mode=mode, quantity=str(quantity))
        assert str(refused.value) == f"sizing.quantity: {quantity} BTC is not a whole number of lots of 0.001 (round it)"
    else:
        assert sized(mode=mode, quantity=str(quantity)).lots == thousandths


def test_a_size_is_money_lots_and_whether_it_follows_its_formula() -> None:
    limits = sized(notional="250.5", quantity="0.02", mode="notional")
    assert (limits.notional, limits.lots, limits.lot_size, limits.resizes) == (25_050_000_000, 20, 0.001, 0)
    assert sized().resizes == 1 and sized(mode="quantity", quantity="0.001").lots == 1
    assert limits.rules == instrument().rules()
    chosen = EngineSettings(execution=ExecutionSettings(cooldown_bars=4, flip_gap_bars=5, max_orders_a_day=6))
    bars = made(chosen)
    assert [type(one) for one in (bars.cooldown_bars, bars.flip_gap_bars, bars.max_orders_a_day)] == [float] * 3


def test_money_has_the_decimals_of_the_quote_currency() -> None:
    recording = generated(1, 5, symbols=1)
    dear = structs.replace(recording, instruments=(structs.replace(instrument("ETHBTC"), quote="BTC"),))
    plan = plan_of(dear, "5m", "sma_cross", EngineSettings(sizing=SizingSettings(mode="notional", notional="0.000000000007")))
    assert limits_of(plan, plan.books[0], list(ONE_START), 1.0).notional == 7


@pytest.mark.parametrize(("market", "gross", "symbol"), [("spot", 0.98, 0.98), ("perp", 3.0, 1.0)])
def test_spot_pays_in_full(market: str, gross: float, symbol: float) -> None:
    limits = made(market=market)
    assert (limits.max_gross_exposure, limits.max_symbol_exposure) == (gross, symbol)
    low = made(EngineSettings(risk=RiskSettings(max_gross_exposure=0.5, max_symbol_exposure=0.4)), market=market)
    assert (low.max_gross_exposure, low.max_symbol_exposure) == (0.5, 0.4)


def test_costs_exits_pace_and_warm_up_are_the_book_s() -> None:
    chosen = EngineSettings(
        costs=CostSettings(taker_fee_bps=4.0, maker_fee_bps=1.0, half_spread_bps=0.25, slippage_bps=0.5, impact_coefficient=0.7),
        market=MarketSettings(fast_volatility_days=2.0),
    )
    second = prepared([], 0, [], 70, stop_bps=1.0, target_bps=2.0)
    limits = made(chosen, frame="1h", starts=(*ONE_START, second))
    assert limits.warm_up == 70.0 and isinstance(limits.warm_up, float)
    assert limits.rates == CostRates(40_000, 10_000, 7_500, 0.7) and limits.cost_bps == 9.5
    assert limits.exits == ExitRules(2_000_000, 4_000_000, 0, 0)  # the first arm's own
    assert limits.pace == pace_of(chosen.market, HOUR_NS)
    own = made(structs.replace(chosen, exits=ExitSettings(stop_bps=5.0, trail_bps=3.0, max_bars=9)))
    assert own.exits == ExitRules(50_000, 4_000_000, 30_000, 9)


# -- the portfolio ----------------------------------------------------------------------------------------------------------------


def test_a_symbol_s_closes_are_those_of_its_fastest_book_and_only_beside_other_symbols() -> None:
    chosen = EngineSettings(risk=RiskSettings(correlation_days=5.0, max_loss_streak=4))
    plan = plan_of(generated(1, 5), ("15m", "1h"), "sma_cross", chosen)
    found = [limits_of(plan, book, list(ONE_START), 1.0) for book in plan.books]
    assert [(one.symbol, one.feeds, one.books) for one in found] == [(0, 1, 4), (0, 0, 4), (1, 1, 4), (1, 0, 4)]
    assert {one.grid_ns for one in found} == {15 * MINUTE_NS}
    assert {one.correlation for one in found} == {correlation_terms(chosen.risk, 15 * MINUTE_NS)}
    assert {one.rests for one in found} == {rest_terms(chosen.risk, FLAT_SHARE, ROUND_TRIP)}
    alone = plan_of(generated(1, 5, symbols=1), ("15m", "1h"), "sma_cross", chosen)
    assert [limits_of(alone, book, list(ONE_START), 1.0).feeds for book in alone.books] == [0, 0]
