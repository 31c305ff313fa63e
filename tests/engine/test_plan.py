"""A plan says which books there are and what each may use; the world that begins from it knows the deposit and nothing else."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.domain.errors import ConfigRefused, DataRefused, OperatorError
from metastackerbandit.domain.kernel import row, struct_of
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.rows import DEPOSIT, LedgerRow
from metastackerbandit.domain.timeframe import FRAMES, MINUTE_NS, frame_ns
from metastackerbandit.engine.book_limits import limits_of, pieces_a_day
from metastackerbandit.engine.gates import GATE_NAMES, GATES
from metastackerbandit.engine.plan import Plan, alignment_of, begin, deposit_row, plan_of, recording_of, shares_of
from metastackerbandit.engine.settings import AccountSettings, EngineSettings
from metastackerbandit.risk.settings import SizingSettings
from metastackerbandit.stacking.arm import Prepared, prepared
from metastackerbandit.stacking.arms import breakout, sma_cross
from metastackerbandit.stacking.frame_words import AlignmentTerms, alignment_terms
from metastackerbandit.stacking.names import ARM_NAMES, MODEL_ARM
from metastackerbandit.stacking.posterior import posterior_terms
from metastackerbandit.stacking.settings import AlignmentSettings, ArmSettings, Breakout, ContextSettings, PosteriorSettings, SmaCross
from tests.markets import generated, instrument

DEFAULT = EngineSettings()
NAMES = sorted(FRAMES, key=frame_ns)


def plan_on(*frames: str, symbols: int = 2, arm: str = "sma_cross", chosen: EngineSettings = DEFAULT, **changes: Any) -> Plan:
    """Generated symbols on these frames of 5m candles."""
    return plan_of(generated(1, 10, symbols=symbols), frames, arm, chosen, **changes)


def refusal(kind: type[OperatorError], plan: Plan) -> str:
    """What is said of a plan that cannot begin."""
    with pytest.raises(kind) as refused:
        begin(plan)
    return str(refused.value)


# -- books ------------------------------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(frames=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True), symbols=st.integers(1, 3))
def test_every_symbol_is_traded_on_every_frame_and_frames_are_told_from_fast_to_slow(frames: list[str], symbols: int) -> None:
    plan = plan_on(*frames, symbols=symbols)
    every = ("BTCUSDT", "ETHUSDT", "SOLUSDT")[:symbols]
    assert [(book.instrument.symbol, book.place, book.frame) for book in plan.books] == [(s, n, f) for n, s in enumerate(every) for f in frames]
    assert [one.symbol for one in plan.instruments] == [book.instrument.symbol for book in plan.books] and plan.symbols == every
    assert plan.frames == tuple(sorted(frames, key=frame_ns)) and plan.frame == plan.frames[0]
    assert {plan.fastest_frame(symbol) for symbol in every} == {plan.frame} and plan.grid_ns() == frame_ns(plan.frame)
    assert (plan.base_ns, plan.arm, plan.arms, plan.settings) == (5 * MINUTE_NS, "sma_cross", (), DEFAULT)


def test_the_common_grid_is_that_of_the_slowest_symbol_on_its_fastest_frame() -> None:
    plan = plan_on("5m", "1h", "4h")
    slower = structs.replace(plan, books=(*plan.books[:3], *plan.books[4:]))  # the second symbol without 5m
    assert [slower.fastest_frame(symbol) for symbol in slower.symbols] == ["5m", "1h"]
    assert slower.grid_ns() == frame_ns("1h") and slower.frame == "5m"


def test_one_frame_may_be_named_alone_and_then_every_frame_above_it_is_heard() -> None:
    alone = plan_of(generated(1, 10, symbols=1), "15m", "aligned", DEFAULT, frames=("5m", "1h"))
    assert [(book.frame, book.higher) for book in alone.books] == [("15m", ("5m", "1h"))]  # what is not above it is refused at the beginning


def test_a_book_hears_only_frames_above_its_own() -> None:
    recording = generated(3, 50)
    plan = plan_of(recording, ("5m", "1h"), "aligned", EngineSettings(), frames=("1h", "4h"))
    assert [(book.frame, book.higher) for book in plan.books[:2]] == [("5m", ("1h", "4h")), ("1h", ("4h",))]
    world = begin(plan)
    assert [int(limits.frames) for limits in world.limits] == [3, 2, 3, 2]
    assert world.frames.tolist() == 2 * [[frame_ns("5m"), frame_ns("1h"), frame_ns("4h")], [frame_ns("1h"), frame_ns("4h"), 0]]


def test_a_book_has_the_inputs_that_were_recorded_for_its_symbol() -> None:
    told = generated(1, 10, funded=True, moody=True)
    mixed = structs.replace(told, funding=(None, told.funding[1]), has_volume=(True, False), mood=(None, told.mood[1]))
    books = plan_of(mixed, "5m", "sma_cross", DEFAULT).books
    assert [(book.has_funding, book.has_volume, book.has_mood) for book in books] == [(False, True, False), (True, False, True)]
    assert not any(book.has_mood for book in plan_of(structs.replace(told, mood=()), "5m", "sma_cross", DEFAULT).books)


def test_an_arm_that_follows_the_order_book_is_refused_where_there_is_none() -> None:
    booked = generated(1, 10, booked=True)
    half = structs.replace(booked, seconds=(booked.seconds[0], None))
    assert begin(plan_of(booked, "5m", "book_pressure", DEFAULT)).limits["has_book"].tolist() == [1, 1]
    for recording, symbol in ((half, "ETHUSDT"), (generated(1, 10), "BTCUSDT")):
        with pytest.raises(ConfigRefused, match=f"book_pressure follows the order book, and of {symbol} none is recorded"):
            begin(plan_of(recording, "5m", "book_pressure", DEFAULT))
    assert begin(plan_of(half, "5m", "sma_cross", DEFAULT)).limits["has_book"].tolist() == [1, 0]


def test_books_have_settings_of_their_own() -> None:
    recording = generated(1, 10)
    strict = EngineSettings(decision=DecisionSettings(min_alpha=0.5), costs=CostSettings(taker_fee_bps=1.0))
    plan = plan_of(
        recording, ("5m", "1h"), "sma_cross", DEFAULT, own=lambda symbol, frame: strict if (symbol, frame) == ("BTCUSDT", "1h") else DEFAULT
    )
    assert [float(limits.min_alpha_buy) for limits in begin(plan).limits] == [0.02, 0.5, 0.02, 0.02]
    assert [costs.taker_fee_bps for costs in plan.costs] == [5.0, 1.0, 5.0, 5.0]
    assert plan.settings is DEFAULT
    richer = plan.tuned(lambda one: structs.replace(one, account=AccountSettings(deposit="7")))
    assert {book.settings.account.deposit for book in richer.books} | {richer.settings.account.deposit} == {"7"}
    assert [book.settings.decision.min_alpha for book in richer.books] == [0.02, 0.5, 0.02, 0.02]
    assert (richer.arm, richer.symbols, richer.frames) == (plan.arm, plan.symbols, plan.frames)


def test_books_read_their_symbol_s_columns_which_frames_of_one_symbol_share() -> None:
    recording = generated(3, 50)
    twice = recording_of(plan_of(recording, ("5m", "1h"), "sma_cross", DEFAULT), recording)
    assert len(twice.bars) == 4 and all(twice.bars[book] is recording.bars[book // 2] for book in range(4))
    assert recording_of(plan_of(recording, "1h", "sma_cross", DEFAULT), recording) is recording
    only = structs.replace(plan_of(recording, "1h", "sma_cross", DEFAULT), books=plan_of(recording, "1h", "sma_cross", DEFAULT).books[:1])
    assert recording_of(only, recording).bars == recording.bars[:1]


@pytest.mark.parametrize(
    ("arm", "arms", "speak", "waits"),
    [
        ("momentum", (), ("momentum",), False),
        ("model", (), ("model",), True),
        ("aligned", (), ("aligned",), True),
        ("posterior", ("reversal", "sma_cross"), ("reversal", "sma_cross"), False),
        ("posterior", ("reversal", "model"), ("reversal", "model"), True),
    ],
)
def test_decisions_wait_where_any_arm_that_speaks_does_so_from_predictions(
    arm: str, arms: tuple[str, ...], speak: tuple[str, ...], waits: bool
) -> None:
    plan = plan_on("5m", arm=arm, arms=arms)
    assert tuple(ARM_NAMES[place] for place in plan.spoken()) == speak and plan.waits() == waits
    assert begin(plan).arms.tolist() == list(plan.spoken())


def test_an_arm_that_does_not_exist_is_refused_where_it_was_named() -> None:
    with pytest.raises(ConfigRefused, match=r"^run\.arm: unknown arm 'nobody'"):
        plan_on("5m", arm="nobody").spoken()
    with pytest.raises(ConfigRefused, match=r"^run\.arms: unknown arm 'nobody'"):
        plan_on("5m", arm="posterior", arms=("model", "nobody")).spoken()


# -- shares -----------------------------------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(
    hundredths=st.lists(st.none() | st.integers(1, 60), min_size=1, max_size=6),
    mode=st.sampled_from(["volatility", "fraction", "notional", "quantity"]),
)
def test_named_shares_stand_and_the_others_split_what_is_left_or_have_all_by_volatility(hundredths: list[int | None], mode: Any) -> None:
    books = [
        structs.replace(book, settings=EngineSettings(sizing=SizingSettings(mode=mode, share=None if share is None else share / 100)))
        for book, share in zip(plan_on("5m", symbols=len(hundredths)).books, hundredths, strict=True)
    ]
    named, open_ = sum(share or 0 for share in hundredths), hundredths.count(None)
    if named > 100 or (open_ and named == 100):
        with pytest.raises(ConfigRefused, match=f"^sizing.share: the shares of the books add up to {named / 100:.6g}") as refused:
            shares_of(books)
        assert str(refused.value).endswith("(name shares that add up to at most 1)")
        assert (f", which leaves nothing for the other {open_} (" in str(refused.value)) == (open_ > 0)
        return
    rest = 1.0 if mode == "volatility" else (100 - named) / 100 / max(open_, 1)
    assert shares_of(books) == pytest.approx([rest if share is None else share / 100 for share in hundredths])


def test_a_share_is_a_setting_and_the_rest_is_split() -> None:
    recording = generated(1, 10)

    def shares(first: float | None, others: float | None = None, mode: Any = "volatility") -> tuple[float, ...]:
        own = {frame: EngineSettings(sizing=SizingSettings(share=share, mode=mode)) for frame, share in (("5m", first), ("1h", others))}
        return shares_of(plan_of(recording, ("5m", "1h"), "sma_cross", EngineSettings(), own=lambda symbol, frame: own[frame]).books)

    assert shares(None) == (1.0,) * 4 and shares(None, mode="fraction") == (0.25,) * 4
    assert shares(0.4) == (0.4, 1.0, 0.4, 1.0) and shares(0.4, mode="fraction") == pytest.approx((0.4, 0.1, 0.4, 0.1))
    assert shares(0.1, 0.4) == pytest.approx((0.1, 0.4, 0.1, 0.4))
    mend = "(name shares that add up to at most 1)"
    for wrong, said in (((0.5, None), "1, which leaves nothing for the other 2"), ((0.6, 0.1), "1.4")):
        with pytest.raises(ConfigRefused) as refused:
            shares(*wrong)
        assert str(refused.value) == f"sizing.share: the shares of the books add up to {said} {mend}"


# -- the beginning ----------------------------------------------------------------------------------------------------------------

CHOSEN = EngineSettings(
    account=AccountSettings(deposit="2500.5"),
    arms=ArmSettings(sma_cross=SmaCross(fast=3, slow=7), breakout=Breakout(length=9)),
    posterior=PosteriorSettings(enter=0.9),
    context=ContextSettings(step=1.5, memory=77),
    decision=DecisionSettings(conformal_alpha=0.35, unknown_passes=("mood", "legal_order")),
    sizing=SizingSettings(mode="fraction"),
)


def begun() -> tuple[Plan, Any]:
    """Three arms on two frames of two symbols, each hearing the frames above its own; and the world."""
    plan = plan_of(generated(1, 10), ("15m", "1h"), "posterior", CHOSEN, frames=("1h", "4h"), arms=("sma_cross", "breakout", "model"))
    return plan, begin(plan)


def test_the_world_begins_with_the_plan_s_numbers_and_nothing_else() -> None:
    _, world = begun()
    unset = {name: array.copy() for name, array in world._asdict().items()}
    account = unset["account"][0]
    assert (account.cash, account.entries) == (250_050_000_000, 1)
    account.cash, account.entries = 0, 0
    for seat in unset["seats"]:
        assert seat.exit_bar == -1 and seat.correlation == 1.0 and seat.coverage.level == 0.35
        assert math.isnan(seat.mood) and math.isnan(seat.mood_mirror) and math.isnan(seat.touch.quality)
        seat.touch.quality = 0.0
        seat.exit_bar, seat.correlation, seat.coverage.level, seat.mood, seat.mood_mirror = 0, 0.0, 0.0, 0.0, 0.0
    assert [GATE_NAMES[place] for place in np.flatnonzero(unset["lenient"])] == sorted(("mood", "legal_order"), key=GATE_NAMES.index)
    assert set(unset["lenient"].tolist()) == {0, 1} and np.isnan(unset["pairs"]["rho"]).all()
    unset["lenient"][:], unset["pairs"]["rho"][:], unset["words"]["weight"][:] = 0, 0.0, 0.0
    told = ("arms", "frames", "memory", "reals", "limits", "alignment", "posterior", "context")
    for name in set(unset) - set(told):
        assert not any(unset[name].tobytes()), name


def test_the_world_is_as_large_as_its_books_symbols_arms_frames_and_open_sets() -> None:
    _, world = begun()
    assert world.signals.shape == (4, 3) and world.predictions.shape == (4, 3) and world.pairs.shape == (2, 2)
    assert world.sets.shape == (4, 16)  # a set of the 15m lasts 16 bars, of the 1h 12
    assert world.lenient.shape == (len(GATES),)
    assert world.memory.shape == (4, 3, 7 + 2 * 9) and world.reals.shape == (4, 3, 1)  # the breakout keeps two rings


def test_each_arm_of_each_book_begins_with_what_it_prepared() -> None:
    plan, world = begun()
    most = plan.instruments[0].rules().max_ticks
    wide = world.memory.shape[2]
    starts = sma_cross.ARM.prepare(CHOSEN.arms.sma_cross, most), breakout.ARM.prepare(CHOSEN.arms.breakout, most), prepared([], 0, [], 0)
    for book in range(4):
        for arm, start in enumerate(starts):
            assert world.memory[book, arm].tolist() == [*start.memory, *[0] * (wide - len(start.memory))]
            assert world.reals[book, arm].tolist() == start.reals.tolist()
    reals = begin(plan_on("5m", arm="posterior", arms=("model", "random_entries"))).reals
    assert reals[0, 1].any() and not reals[0, 0].any()


def test_each_book_begins_with_its_limits_its_share_its_frames_and_its_terms() -> None:
    plan, world = begun()
    most = plan.instruments[0].rules().max_ticks
    starts: list[Prepared] = [
        sma_cross.ARM.prepare(CHOSEN.arms.sma_cross, most),
        breakout.ARM.prepare(CHOSEN.arms.breakout, most),
        prepared([], 0, [], 0),
    ]
    for place, book in enumerate(plan.books):
        assert world.limits[place].tobytes() == row(limits_of(plan, book, starts, 0.25))[0].tobytes()
        names = (book.frame, *book.higher)
        aligning = alignment_of(CHOSEN.alignment, names)
        assert world.frames[place].tolist() == [*map(frame_ns, names), *[0] * (3 - len(names))]
        assert world.words["weight"][place].tolist() == [*aligning.weights, *[0.0] * (3 - len(names))]
        assert struct_of(AlignmentTerms, world.alignment[place]) == alignment_terms(aligning)
        assert world.posterior[place].tobytes() == row(posterior_terms(CHOSEN.posterior, pieces_a_day(book)))[0].tobytes()
        assert (world.context[place].step, world.context[place].memory) == (1.5, 77)


def test_an_arm_that_speaks_from_predictions_needs_no_warm_up() -> None:
    assert begin(plan_on("5m", arm="model")).limits[0].warm_up == 0.0
    assert plan_on("5m", arm="model").spoken() == (MODEL_ARM,)
    assert begin(plan_on("5m", chosen=CHOSEN)).limits[0].warm_up == 7.0


def test_the_first_entry_of_the_ledger_is_the_deposit() -> None:
    plan, world = begun()
    (entry,) = deposit_row(plan)
    cash = int(world.account[0].cash)
    assert struct_of(LedgerRow, entry) == LedgerRow(1, 0, -1, DEPOSIT, 0, cash, 0, 0, 0, 0, -cash)


@settings(max_examples=25)
@given(frames=st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
def test_alignment_is_the_settings_own_or_the_same_in_kind_for_the_book_s_frames(frames: list[str]) -> None:
    own = AlignmentSettings(fresh_bars=2.5)
    made = alignment_of(own, tuple(frames))
    if tuple(frames) == own.frames:
        assert made is own
        return
    assert made.weights == (0.5, 0.3, 0.2, 0.2, 0.2)[: len(frames)]
    assert (made.frames, made.agreement, made.slow) == (tuple(frames), tuple(frames[:2]), frames[-1])
    assert structs.replace(made, frames=own.frames, weights=own.weights, agreement=own.agreement, slow=own.slow) == own


def test_alignment_settings_that_are_about_the_book_s_frames_stand_as_they_are() -> None:
    own = AlignmentSettings(agreement=("15m", "1h"), slow="15m")
    assert alignment_of(own, ("5m", "15m", "1h")) is own


# -- contradictions ---------------------------------------------------------------------------------------------------------------


def test_a_frame_named_twice_is_refused() -> None:
    assert refusal(ConfigRefused, plan_on("5m", "1h", "5m", symbols=1)) == "run.frames: 5m is named twice (name each frame once)"


@pytest.mark.parametrize("higher", ["5m", "15m"])
def test_a_frame_that_is_not_above_the_decision_s_is_refused(higher: str) -> None:
    said = f"run.higher_frames: {higher} is not a higher frame than 15m (align higher frames with the decision's)"
    assert refusal(ConfigRefused, plan_of(generated(1, 10), "15m", "aligned", DEFAULT, frames=("1h", higher))) == said


def test_bars_finer_than_the_candles_are_refused_and_of_their_own_length_made() -> None:
    assert refusal(DataRefused, plan_on("1m")) == (
        "run.frames: bars of 1m cannot be made from candles of 5m (ask for 5m or a multiple of it, or give finer candles)"
    )
    odd = structs.replace(plan_on("15m"), base_ns=10 * MINUTE_NS)
    assert "600 s" in refusal(ConfigRefused, odd)  # 15 minutes are no multiple of 10
    assert begin(plan_on("5m")).limits[0].frame_ns == 5 * MINUTE_NS


def test_a_gate_that_does_not_exist_cannot_be_waved_through() -> None:
    said = refusal(ConfigRefused, plan_on("5m", chosen=EngineSettings(decision=DecisionSettings(unknown_passes=("mood", "moon")))))
    assert said == f"decision.unknown_passes: unknown gate 'moon' (use names of {', '.join(GATE_NAMES)})"


def test_every_symbol_is_quoted_in_the_account_s_currency() -> None:
    euro = structs.replace(instrument("ETHEUR"), quote="EUR")
    two = generated(1, 10)
    mixed: Recording = structs.replace(two, instruments=(two.instruments[0], euro))
    assert refusal(ConfigRefused, plan_of(mixed, "5m", "sma_cross", DEFAULT)) == (
        'account.currency: ETHEUR is quoted in EUR, the account is in USDT (set account.currency = "EUR" or choose symbols quoted in USDT)'
    )


@pytest.mark.parametrize("deposit", ["0", "-5"])
def test_the_deposit_is_positive(deposit: str) -> None:
    poor = plan_on("5m", chosen=EngineSettings(account=AccountSettings(deposit=deposit)))
    assert refusal(ConfigRefused, poor) == f"account.deposit: the deposit is {deposit} (give a positive amount)"
    assert begin(plan_on("5m", chosen=EngineSettings(account=AccountSettings(deposit="0.00000001")))).account[0].cash == 1


def test_an_account_in_a_dear_coin_counts_its_finer_money() -> None:
    one = generated(1, 10, symbols=1)
    quoted = structs.replace(one, instruments=(structs.replace(instrument("ETHBTC"), quote="BTC"),))
    plan = plan_of(
        quoted,
        "5m",
        "sma_cross",
        EngineSettings(account=AccountSettings(currency="BTC", deposit="0.000000000003"), sizing=SizingSettings(mode="fraction")),
    )
    assert begin(plan).account[0].cash == 3 and deposit_row(plan)[0].cash == 3
