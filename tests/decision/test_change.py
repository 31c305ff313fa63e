"""The smallest change that would have traded is exact: with it the decision trades, and with a limit one step stricter it does not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from metastackerbandit.backtest.run import block_of
from metastackerbandit.cli.looking import RecordedSettings
from metastackerbandit.config.outline import keys
from metastackerbandit.decision.change import (
    BY_INPUTS,
    BY_NOTHING,
    BY_SETTINGS,
    Change,
    Holder,
    change_lines,
    change_of,
    holder_of,
    permissive,
    short_number,
    told_apart,
)
from metastackerbandit.decision.nearest import misses_of
from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN
from metastackerbandit.domain.kernel import struct_of
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.rows import ENTER, HOLD, INCREASE, ON_SIGNAL, DecisionRow
from metastackerbandit.domain.sink import Kept
from metastackerbandit.engine.gates import GATE_NAMES, GATES
from metastackerbandit.engine.plan import plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.runtime.replay import inputs_of
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.storage.run_record import GateWords
from tests.covering import covers
from tests.decision.tuned import tuned
from tests.markets import by_block, generated, streaming
from tests.predicted import predictions_of

BARS = 260

# Settings that hold a limit and do nothing else, so that a run with another value comes to a decision in the same state.
PURE = st.fixed_dictionaries(
    {
        "decision.min_alpha": st.floats(0.0, 0.6),
        "decision.min_credibility": st.floats(0.0, 0.6),
        "decision.min_net_edge_bps": st.floats(0.0, 25.0),
        "decision.max_funding_bps": st.floats(0.0, 3.0),
        "decision.min_volatility": st.floats(0.5, 1.3),
        "decision.max_volatility": st.floats(1.2, 2.0),
        "execution.min_change_bps": st.floats(0.0, 400.0),
        "execution.cooldown_bars": st.integers(0, 6),
        "execution.max_orders_a_day": st.integers(1, 30),
    }
)


def market(seed: int) -> tuple[Recording, tuple[np.ndarray, ...]]:
    recording = generated(seed, BARS, symbols=2, funded=True)
    return recording, predictions_of(recording, "5m", seed)


def with_limits(limits: Mapping[str, Any]) -> EngineSettings:
    """Strength as alpha, since alpha made of the edge would follow min_net_edge_bps; what is written alone, since a derived limit is no setting's."""
    return tuned(EngineSettings(), {"decision.alpha": "strength", "decision.thresholds": "profile", **limits})


def nearest(kept: Kept) -> tuple[int, Change]:
    """Place of the nearest miss, and what it needed."""
    misses = misses_of(kept.decisions, kept.observed, kept.limit, kept.verdict, GATES)
    assume(len(misses.places) and math.isfinite(misses.distances[0]))
    place = int(misses.places[0])
    return place, changed(kept, place)


def changed(kept: Kept, place: int) -> Change:
    row = struct_of(DecisionRow, kept.decisions[place])
    change = change_of(row, GATES, kept.observed[place].tolist(), kept.limit[place].tolist(), kept.verdict[place].tolist())
    assert change is not None
    return change


def traded(kept: Kept, place: int) -> bool:
    row = kept.decisions[place]
    return bool(row["kind"] in (ENTER, INCREASE) and row["sent"] != 0)


def acts(kept: Kept, place: int) -> list[bytes]:
    """What was done before a decision; gates that no longer block beside others that do show in the trace alone."""
    return [kept.decisions[name][:place].tobytes() for name in ("kind", "wanted", "sent", "position", "equity")]


def a_step_stricter(value: float, sense: str, whole: bool) -> float:
    """The next value that admits less."""
    up = sense == "at least"
    return value + (1 if up else -1) if whole else math.nextafter(value, math.inf if up else -math.inf)


def is_whole(key: str) -> bool:
    return isinstance(keys()[key].default, int)


def needed(change: Change) -> dict[str, Any]:
    """The settings that the change names, whole numbers as such."""
    found = {need.setting: need.setting_needed for need in change.needs}
    return {key: int(value) if is_whole(key) else value for key, value in found.items() if key and value is not None}


@covers("A36", "3.08")
@settings(max_examples=20)
@given(seed=st.integers(0, 200), limits=PURE)
def test_a_backtest_with_the_needed_limits_trades_the_nearest_miss_and_one_step_stricter_does_not(seed: int, limits: dict[str, Any]) -> None:
    recording, predictions = market(seed)
    kept, _ = by_block(recording, "5m", "model", with_limits(limits), predictions=predictions)
    place, change = nearest(kept)
    assume(change.by == BY_SETTINGS)
    wanted = needed(change)
    again, _ = by_block(recording, "5m", "model", with_limits({**limits, **wanted}), predictions=predictions)
    assert acts(again, place) == acts(kept, place), "nothing before the nearest miss is let in"
    assert traded(again, place)
    for need in change.needs:
        assert need.setting is not None
        value = a_step_stricter(wanted[need.setting], need.sense, is_whole(need.setting))
        stricter, _ = by_block(recording, "5m", "model", with_limits({**limits, **wanted, need.setting: value}), predictions=predictions)
        assert not traded(stricter, place)
        assert GATE_NAMES[int(stricter.decisions["sole"][place])] == need.gate


@settings(max_examples=12)
@given(seed=st.integers(0, 200), limits=PURE)
def test_the_number_in_the_text_is_rounded_to_the_side_that_trades(seed: int, limits: dict[str, Any]) -> None:
    recording, predictions = market(seed)
    kept, _ = by_block(recording, "5m", "model", with_limits(limits), predictions=predictions)
    place, change = nearest(kept)
    assume(change.by == BY_SETTINGS)
    told = {need.setting: permissive(need.setting_needed, need.sense) for need in change.needs if need.setting and need.setting_needed is not None}
    assert all(f"{key} at " in "\n".join(change_lines(change)) for key in told)
    by_text = {key: int(text) if is_whole(key) else float(text) for key, text in told.items()}
    again, _ = by_block(recording, "5m", "model", with_limits({**limits, **by_text}), predictions=predictions)
    first = np.flatnonzero(again.decisions["kind"] != kept.decisions["kind"])[0]
    assert first <= place and traded(again, int(first)), "another miss within the rounding may come first"


def replayed(seed: int, settings_: EngineSettings, place: int, limits: Mapping[str, float]) -> Kept:
    """A streaming run up to and with one decision, before which the limits of its book are changed in place."""
    recording, predictions = market(seed)
    plan = plan_of(recording, "5m", "model", settings_)
    driver, sink = streaming(plan, SimulationSettings())
    inputs = list(inputs_of(recording, block_of(recording, (), predictions).order, (), predictions))
    done = 0
    for event in inputs:
        world = driver.engine.world
        if done == place:  # every later input may bring the decision: the limits stay changed until it has come
            for record in world.limits:
                for name, value in limits.items():
                    setattr(record, name, value)
        driver.take(event)
        done = int(world.account[0].decisions)
        if done > place:
            break
    return sink.kept()


LIMIT_FIELDS = {
    "decision.min_alpha": ("min_alpha_buy", "min_alpha_sell"),
    "decision.min_credibility": ("min_credibility",),
    "decision.min_net_edge_bps": ("min_net_edge_bps",),
    "decision.max_volatility": ("max_volatility",),
    "execution.min_change_bps": ("min_change_bps",),
}


@settings(max_examples=20)
@given(
    seed=st.integers(0, 200),
    limits=st.fixed_dictionaries(
        {key: st.floats(low, high) for key, low, high in zip(LIMIT_FIELDS, (0, 0, 0, 1.2, 0), (0.6, 0.6, 25, 1.6, 400), strict=True)}
    ),
    which=st.floats(0, 1, exclude_max=True),
)
def test_any_miss_trades_when_all_its_limits_give_way_at_that_decision(seed: int, limits: dict[str, float], which: float) -> None:
    recording, predictions = market(seed)
    start = tuned(EngineSettings(), limits)  # alpha made of the edge, as by default
    kept, _ = by_block(recording, "5m", "model", start, predictions=predictions)
    misses = [int(place) for place in np.flatnonzero((kept.decisions["asks_risk"] != 0) & (kept.decisions["binding"] >= 0))]
    changes = [(place, change) for place in misses if (change := changed(kept, place)).by == BY_SETTINGS and set(needed(change)) <= set(LIMIT_FIELDS)]
    assume(changes)
    place, change = changes[int(which * len(changes))]
    own = {field: value for key, value in needed(change).items() for field in LIMIT_FIELDS[key]}
    after = replayed(seed, start, place, own)
    assert acts(after, place) == acts(kept, place)
    assert traded(after, place)
    for need in change.needs:
        assert need.setting is not None and need.setting_needed is not None
        if need.gate == "alpha" and "net_edge" in (other.gate for other in change.needs):
            continue  # a lower limit of the edge makes alpha larger too: docs/explain.md, settings that do more
        stricter = own | dict.fromkeys(LIMIT_FIELDS[need.setting], a_step_stricter(need.setting_needed, need.sense, False))
        assert not traded(replayed(seed, start, place, stricter), place)


# -- by example --------------------------------------------------------------------------------------------------------

WORDS = (
    GateWords("model", "silence", "at most", "why the model is silent", states=("", "SILENT_NO_VERSION", "SILENT_WARMING_UP")),
    GateWords("alpha", "share", "at least", "position scale", "decision.min_alpha"),
    GateWords("confidence", "probability", "at least", "p_dir", "decision.min_confidence", by_side=True),
    GateWords("cooldown", "bars", "at least", "bars since the last exit", "execution.cooldown_bars", lead=1.0),
    GateWords("warm", "bars", "at least", "bars seen"),
)
WISH = DecisionRow(1, 0, 1, 1, 300 * 10**9, 1, 0, 1, 1, HOLD, 1.0, 0, 0, 0, 0, 1, ON_SIGNAL, 0, 0, 1, 0.5, 10**12)
LIMITS = (0.0, 0.02, 0.6, 4.0, 50.0)


def lines(
    observed: dict[str, float], side: int = 1, lenient: tuple[str, ...] = (), known: Any = None, limits: tuple[float, ...] = LIMITS
) -> tuple[str, list[str]]:
    """What a wish that exactly these gates blocked needed."""
    seen = [observed.get(gate.name, 1.0) for gate in WORDS]
    verdict = [
        (UNKNOWN if math.isnan(observed[gate.name]) else BLOCK) if gate.name in observed else (NA if gate.name == "warm" else PASS) for gate in WORDS
    ]
    change = change_of(msgspec.structs.replace(WISH, side=side), WORDS, seen, limits, verdict, lenient, known)
    assert change is not None
    return change.by, change_lines(change)


def test_one_limit_is_named_with_its_setting_and_its_input() -> None:
    by, told = lines({"alpha": 0.0153237001})
    assert by == BY_SETTINGS
    assert told == [
        "to have traded, all else as it stood, this:",
        "  alpha  decision.min_alpha at most 0.0153237 (0.02 in force), or an input of 0.02 share where 0.0153237 was seen",
    ]


def test_several_limits_are_named_jointly() -> None:
    by, told = lines({"alpha": 0.01, "confidence": 0.55, "cooldown": 2.0}, side=-1)
    assert by == BY_SETTINGS
    assert told == [
        "to have traded, all else as it stood, all three of these:",
        "  alpha       decision.min_alpha at most 0.01 (0.02 in force), or an input of 0.02 share where 0.01 was seen",
        "  confidence  decision.min_confidence at most 0.55 (0.6 in force), or an input of 0.6 probability where 0.55 was seen",
        "  cooldown    execution.cooldown_bars at most 1 (3 in force), or an input of 4 bars where 2 was seen",
    ]


@covers("A36")
def test_a_silent_model_is_no_threshold() -> None:
    by, told = lines({"model": 2.0, "alpha": 0.0})
    assert by == BY_NOTHING
    assert told[:2] == ["no other limit would have let it trade:", "  model  not a threshold: model silent warming up"]


@covers("A06")
def test_missing_data_is_no_threshold_unless_it_passes() -> None:
    assert lines({"alpha": math.nan}) == (BY_NOTHING, ["no other limit would have let it trade:", "  alpha  not a threshold: no data to look at"])
    assert lines({"alpha": math.nan, "cooldown": 1.0}, lenient=("alpha",))[0] == BY_SETTINGS


def test_a_limit_that_no_setting_holds_leaves_the_input() -> None:
    by, told = lines({"warm": 12.0})
    assert by == BY_INPUTS
    assert told == [
        "no setting alone would have let it trade; it needed this:",
        "  warm  an input of 50 bars where 12 was seen (no setting is named for this limit)",
    ]


class OnlyPositive:
    """Settings that take no negative value, one of which lies in a profile."""

    def refusal(self, key: str, value: float) -> str:
        return "a number from 0 to 1" if value < 0 else ""

    def holder(self, keys: Sequence[str], value: float, sense: str) -> Holder:
        return Holder(keys[-1], "profile metastacker-5m", "of profile metastacker-5m")


def test_a_value_that_the_setting_does_not_take_is_no_mend_and_a_limit_says_where_it_stands() -> None:
    by, told = lines({"alpha": -0.5}, known=OnlyPositive())
    assert by == BY_INPUTS and told[1].endswith("(decision.min_alpha takes a number from 0 to 1)")
    assert "(0.02 in force; of profile metastacker-5m)" in lines({"alpha": 0.01}, known=OnlyPositive())[1][1]


WRITTEN = """
[run]
profile = "{profile}"
[decision]
thresholds = "{thresholds}"
min_alpha = 0.02
{base}
[frames.5m.decision]
{frame}
[symbols.BTCUSDT.decision]
{symbol}
"""


def recorded(base: str = "", frame: str = "", symbol: str = "", profile: str = "default", thresholds: str = "stricter") -> RecordedSettings:
    """The settings of BTCUSDT on 5m as a run recorded them."""
    return RecordedSettings(WRITTEN.format(base=base, frame=frame, symbol=symbol, profile=profile, thresholds=thresholds), "BTCUSDT", "5m")


@covers("A36", "A12")
@pytest.mark.parametrize(
    ("told", "side", "limit", "setting", "source"),
    [
        (recorded("min_confidence = 0.6"), 1, 0.6, "decision.min_confidence", "configuration"),
        (recorded("min_confidence = 0.6"), -1, 0.6, "decision.min_confidence", "configuration"),
        (recorded("min_confidence = 0.6\nmin_confidence_sell = 0.7"), 1, 0.6, "decision.min_confidence", "configuration"),
        (recorded("min_confidence = 0.6\nmin_confidence_sell = 0.7"), -1, 0.7, "decision.min_confidence_sell", "configuration"),
        (recorded("min_confidence = 0.6\nmin_confidence_sell = 0.7"), 0, 0.7, "decision.min_confidence_sell", "configuration"),
        (recorded("min_confidence_buy = 0.6", "min_confidence = 0.7"), 1, 0.6, "decision.min_confidence_buy", "configuration"),
        (recorded("min_confidence = 0.5", "min_confidence = 0.6"), 1, 0.6, "frames.5m.decision.min_confidence", "[frames.5m]"),
        (
            recorded("min_confidence = 0.5", "min_confidence = 0.7", "min_confidence_buy = 0.6"),
            1,
            0.6,
            "symbols.BTCUSDT.decision.min_confidence_buy",
            "[symbols.BTCUSDT]",
        ),
        (
            recorded("min_confidence = 0.5", profile="metastacker-5m-plan3"),
            1,
            0.6,
            "frames.5m.decision.min_confidence",
            "profile metastacker-5m-plan3",
        ),
        (recorded(thresholds="profile"), 1, 0.6, "decision.min_confidence", "derived"),
    ],
)
def test_the_setting_that_holds_a_limit_is_named_with_its_scope(told: RecordedSettings, side: int, limit: float, setting: str, source: str) -> None:
    gate = WORDS[2]
    holder = holder_of(gate, side, limit, told)
    assert holder is not None and (holder.key, holder.source, holder.is_held) == (setting, source, True)
    if side:
        by, (_, line) = lines({"confidence": 0.55}, side=side, known=told, limits=(0.0, 0.02, limit, 4.0, 50.0))
        assert by == BY_SETTINGS and line.startswith(f"  confidence  {setting} at most 0.55 ({limit} in force")


@covers("A36")
@pytest.mark.parametrize("base", ["", "min_confidence = 0.4"])
def test_a_limit_that_is_derived_is_no_settings_to_loosen(base: str) -> None:
    """The stricter of both decides: with any value of the setting, the derived limit would still have stopped it."""
    by, (_, line) = lines({"confidence": 0.55}, known=recorded(base))
    assert by == BY_INPUTS and "an input of 0.6 probability where 0.55 was seen (decision.min_confidence: " in line


def test_numbers_that_differ_in_the_last_place_are_told_apart() -> None:
    (_, told) = lines({"alpha": math.nextafter(0.02, 0.0)})
    assert "an input of 0.02 share where 0.01999999999999999" in told[1]


@given(value=st.floats(-1e9, 1e9), sense=st.sampled_from(("at least", "at most")))
def test_rounding_never_turns_an_admitting_limit_into_a_refusing_one(value: float, sense: str) -> None:
    rounded = float(permissive(value, sense))
    assert rounded <= value if sense == "at least" else rounded >= value
    assert math.isclose(rounded, value, rel_tol=1e-5, abs_tol=1e-300)


@pytest.mark.parametrize("row", [msgspec.structs.replace(WISH, asks_risk=0), msgspec.structs.replace(WISH, binding=-1)])
def test_nothing_was_needed_where_nothing_was_asked_or_stopped(row: DecisionRow) -> None:
    assert change_of(row, WORDS, [0.0] * 5, LIMITS, [BLOCK] * 5) is None


# -- every field of a need ---------------------------------------------------------------------------------------------


class Held:
    """A configuration that remembers what it was asked, and holds every limit as it is told to."""

    def __init__(self, note: str = "", is_held: bool = True, refuses: str = "") -> None:
        self.note, self.is_held, self.refuses, self.asked = note, is_held, refuses, []  # type: ignore[var-annotated]

    def refusal(self, key: str, value: float) -> str:
        self.asked.append(("takes", key, value))
        return self.refuses

    def holder(self, keys: Sequence[str], value: float, sense: str) -> Holder:
        self.asked.append((tuple(keys), value, sense))
        return Holder(keys[0], "configuration", self.note, self.is_held)


SPREAD = GateWords("spread", "bps", "at most", "spread", "decision.max_spread")
UNITLESS = GateWords("plain", "", "at least", "a number", "decision.min_plain")
COOLDOWN = WORDS[3]


def need_of(gate: GateWords, seen: float, limit: float, verdict: int = BLOCK, known: Any = None) -> Any:
    """What one gate alone would have needed."""
    change = change_of(WISH, (gate,), (seen,), (limit,), (verdict,), (), known)
    assert change is not None
    (need,) = change.needs
    return need


def test_a_limit_that_a_setting_holds_needs_the_input_or_the_setting() -> None:
    need = need_of(COOLDOWN, 2.0, 4.0, known=Held())
    assert (need.gate, need.code, need.form, need.unit, need.sense) == ("cooldown", "COOLDOWN_BELOW_LIMIT", "setting", "bars", "at least")
    assert (need.observed, need.limit, need.limit_needed, need.input_needed) == (2.0, 4.0, 2.0, 4.0)
    assert (need.setting, need.setting_needed, need.note) == ("execution.cooldown_bars", 1.0, "")


@pytest.mark.parametrize(
    ("known", "setting", "note"),
    [
        (Held("derived", is_held=False), "execution.cooldown_bars", "execution.cooldown_bars: derived"),
        (Held(refuses="whole numbers"), "execution.cooldown_bars", "execution.cooldown_bars takes whole numbers"),
    ],
)
def test_a_setting_that_cannot_mend_it_leaves_limit_and_input_told(known: Held, setting: str, note: str) -> None:
    need = need_of(COOLDOWN, 2.0, 4.0, known=known)
    assert (need.form, need.limit_needed, need.input_needed, need.setting, need.setting_needed) == ("fixed", 2.0, 4.0, setting, None)
    assert need.note == note


def test_a_limit_that_nothing_holds_is_fixed() -> None:
    need = need_of(WORDS[4], 12.0, 50.0)
    assert (need.form, need.limit_needed, need.input_needed, need.setting, need.setting_needed) == ("fixed", 12.0, 50.0, None, None)


def test_an_infinite_number_is_admitted_by_no_limit() -> None:
    need = need_of(SPREAD, math.inf, 5.0)
    assert (need.form, need.observed, need.limit, need.limit_needed, need.input_needed) == ("fixed", None, 5.0, None, 5.0)
    assert (need.setting, need.setting_needed, need.note) == ("decision.max_spread", None, "no finite limit admits it")
    open_ = need_of(SPREAD, 7.0, -math.inf)
    assert (open_.form, open_.observed, open_.limit, open_.limit_needed, open_.input_needed) == ("fixed", 7.0, None, None, None)
    for one in (need, open_):
        assert change_lines(Change(BY_INPUTS, (one,)))[1] == "  spread  not a number that a limit could admit: no finite limit admits it"


def test_a_state_and_missing_data_need_what_no_number_gives() -> None:
    late = need_of(WORDS[0], 2.0, 0.0)
    assert (late.code, late.form, late.limit_needed, late.input_needed, late.setting) == ("MODEL_SILENT_WARMING_UP", "state", None, None, None)
    blind = need_of(SPREAD, math.nan, 5.0, UNKNOWN)
    assert (blind.code, blind.form, blind.observed, blind.limit, blind.limit_needed) == ("SPREAD_UNKNOWN", "unknown", None, 5.0, None)
    assert blind.note == "no data to look at"


def test_the_configuration_is_asked_for_the_setting_s_value_and_not_for_the_limit() -> None:
    """A cooldown of 3 bars passes from the fourth on: the limit is 4."""
    known = Held()
    assert holder_of(COOLDOWN, 1, 4.0, known) == Holder("execution.cooldown_bars", "configuration")
    assert known.asked == [(("execution.cooldown_bars",), 3.0, "at least")]
    need_of(COOLDOWN, 2.0, 4.0, known=known)
    assert known.asked[-1] == ("takes", "execution.cooldown_bars", 1.0)


def test_without_a_configuration_or_a_finite_limit_the_setting_of_both_sides_is_named() -> None:
    for known, limit in ((None, 0.6), (Held(), math.inf), (Held(), math.nan)):
        assert holder_of(WORDS[2], 1, limit, known) == Holder("decision.min_confidence", "")
    assert holder_of(WORDS[4], 1, 50.0, Held()) is None


def test_where_no_side_is_wanted_the_side_that_holds_the_limit_is_named_else_the_first() -> None:
    by_side = GateWords("both", "x", "at least", "both", "decision.min_both", by_side=True, lead=1.0)
    known = Held("something stricter")
    assert holder_of(by_side, 0, 3.0, known) == Holder("decision.min_both_buy", "configuration", "something stricter")
    assert known.asked == [
        (("decision.min_both_buy", "decision.min_both"), 2.0, "at least"),
        (("decision.min_both_sell", "decision.min_both"), 2.0, "at least"),
    ]
    assert holder_of(COOLDOWN, 0, 4.0, Held()) == Holder("execution.cooldown_bars", "configuration")


def test_a_ceiling_is_loosened_upwards_and_a_floor_downwards() -> None:
    assert change_lines(Change(BY_SETTINGS, (need_of(SPREAD, 7.5, 5.0),)))[1] == (
        "  spread  decision.max_spread at least 7.5 (5 in force), or an input of 5 bps where 7.5 was seen"
    )
    assert change_lines(Change(BY_SETTINGS, (need_of(UNITLESS, 0.5, 0.75),)))[1] == (
        "  plain  decision.min_plain at most 0.5 (0.75 in force), or an input of 0.75 where 0.5 was seen"
    )


@pytest.mark.parametrize(("count", "words"), [(1, "this"), (2, "both of these"), (5, "all five of these"), (6, "all 6 of these")])
def test_the_head_counts_what_must_give_way(count: int, words: str) -> None:
    needs = (need_of(SPREAD, 7.5, 5.0),) * count
    assert change_lines(Change(BY_SETTINGS, needs))[0] == f"to have traded, all else as it stood, {words}:"


@pytest.mark.parametrize(
    ("value", "sense", "text"),
    [
        (0.0, "at least", "0"),
        (123456789.0, "at least", "123456000"),
        (123456789.0, "at most", "123457000"),
        (1e15, "at most", "1.00000E+15"),
        (-0.1234567, "at least", "-0.123457"),
        (2e-9, "at least", "0.000000002"),
        (1e-12, "at most", "1.00000E-12"),
    ],
)
def test_a_needed_limit_is_plain_text_unless_it_is_vast_or_tiny(value: float, sense: str, text: str) -> None:
    assert permissive(value, sense) == text


def test_numbers_are_short_and_whole_ones_whole() -> None:
    assert [short_number(value) for value in (3.0, 1234567.0, 0.123456789, -2.5, 1e15)] == ["3", "1234567", "0.123457", "-2.5", "1e+15"]
    assert told_apart(0.1234561, 0.1234562) == ("0.1234561", "0.1234562") and told_apart(1.0, 2.0) == ("1", "2")
    close = math.nextafter(0.02, 0.0)
    assert tuple(map(float, told_apart(0.02, close))) == (0.02, close)


def test_where_all_that_lacked_data_may_be_unknown_nothing_was_needed() -> None:
    assert change_of(WISH, (SPREAD,), (math.nan,), (5.0,), (UNKNOWN,), ("spread",)) is None
