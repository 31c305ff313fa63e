"""A gate's record: who was asked and who passed, by side, and where its limit lies among what was seen; counted once more, row by row."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN
from metastackerbandit.evaluation.gate_record import NOTHING, BySide, GateRecord, Replayed, gate_records, spread_of
from tests.evaluation.traces import FRAME_NS, gate, replayed

GATES = (gate("confidence"), gate("spread", "safety", "at most", (0.0, math.inf)), gate("conformal", sense="at most"))
SPELL = 3


def history(seed: int, count: int) -> Replayed:
    """Decisions of two books and three gates, of every verdict; some limits are not known."""
    rng = np.random.default_rng(seed)
    made = replayed(rng.integers(-1, 2, count), rng.random((count, 3)), rng.choice([0.0, 0.3, 0.6, 1.0], (count, 3)), GATES)
    verdict = rng.choice([PASS, PASS, BLOCK, UNKNOWN, NA], (count, 3)).astype(np.int8)
    observed, limit = made.observed.copy(), made.limit.copy()
    observed[verdict == UNKNOWN] = math.nan
    limit[rng.random((count, 3)) < 0.1] = math.nan
    limit[rng.random((count, 3)) < 0.05] = math.inf
    rows = made.rows
    rows["instrument"], rows["asks_risk"] = rng.integers(0, 2, count), rng.integers(0, 2, count)
    rows["sole"] = rng.integers(-1, 3, count)
    return Replayed(rows, observed, limit, verdict)


@given(seed=st.integers(0, 10_000), count=st.integers(1, 40))
@settings(max_examples=40)
def test_counts_are_those_of_the_rows_one_by_one(seed: int, count: int) -> None:
    past = history(seed, count)
    found = gate_records(past, GATES, SPELL)
    for g, spec in enumerate(GATES):
        record, counts = found[g], dict.fromkeys(("unknown", "not_applicable", "clear", "clear_passes", "fired"), 0)
        spells: list[set[tuple[int, int]]] = [set(), set()]
        sides = {name: [0, 0] for name in ("asked", "passes", "alone")}
        passed_spells: list[set[tuple[int, int]]] = [set(), set()]
        for n, row in enumerate(past.rows):
            verdict = past.verdict[n, g]
            counts["fired"] += verdict == BLOCK
            if row["side"] == 0 or (spec.kind == "safety" and not row["asks_risk"]):
                continue
            side, spell = 0 if row["side"] == 1 else 1, (int(row["instrument"]), int(row["closed_ns"]) // (SPELL * FRAME_NS))
            others = [past.verdict[n, k] for k in range(3) if k != g and GATES[k].kind == "opinion"]
            is_clear = not any(other in (BLOCK, UNKNOWN) for other in others)
            sides["alone"][side] += bool(row["asks_risk"]) and row["sole"] == g
            counts["unknown"] += verdict == UNKNOWN
            counts["not_applicable"] += verdict == NA
            if verdict in (PASS, BLOCK):
                sides["asked"][side] += 1
                spells[side].add(spell)
                counts["clear"] += is_clear
            if verdict == PASS:
                sides["passes"][side] += 1
                passed_spells[side].add(spell)
                counts["clear_passes"] += is_clear
        assert (record.gate, record.kind, record.unit, record.sense) == (spec.name, spec.kind, spec.unit, spec.sense)
        assert {name: getattr(record, name) for name in counts} == counts
        assert {name: [getattr(record, name).buy, getattr(record, name).sell] for name in sides} == sides
        assert (record.spells, record.spell_passes) == (BySide(*map(len, spells)), BySide(*map(len, passed_spells)))


@given(seed=st.integers(0, 10_000), count=st.integers(1, 40))
@settings(max_examples=40)
def test_limits_and_observed_values_are_those_of_opinions_that_the_gate_applies_to(seed: int, count: int) -> None:
    past = history(seed, count)
    for g, (spec, record) in enumerate(zip(GATES, gate_records(past, GATES, SPELL), strict=True)):
        there = [n for n, row in enumerate(past.rows) if row["side"] != 0 and past.verdict[n, g] != NA]
        limits = [past.limit[n, g] for n in there if (spec.kind == "opinion" or past.rows["asks_risk"][n]) and math.isfinite(past.limit[n, g])]
        told = (record.limit, record.limit_low, record.limit_high)
        assert told == ((np.median(limits), min(limits), max(limits)) if limits else pytest.approx((math.nan,) * 3, nan_ok=True))
        pairs = [(past.observed[n, g], past.limit[n, g]) for n in there]
        known = [(seen, limit) for seen, limit in pairs if math.isfinite(seen) and not math.isnan(limit)]
        assert record.percentile == pytest.approx(sum(seen < limit for seen, limit in known) / len(known) if known else math.nan, nan_ok=True)
        if known:
            assert record.observed == spread_of(np.array([seen for seen, _ in known]))
        else:
            assert math.isnan(record.observed.min)


def test_a_gate_that_nobody_asked_has_counts_of_nothing() -> None:
    nothing = history(1, 5).taken(np.zeros(5, bool))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = gate_records(nothing, GATES, SPELL)
    for record in found:
        assert record.asked == record.passes == record.spells == BySide(0, 0) and record.fired == record.clear == 0 and record.off is False
        assert math.isnan(record.limit) and math.isnan(record.percentile) and record.observed is NOTHING


def test_no_gate_has_no_record() -> None:
    past = history(2, 5)
    assert gate_records(Replayed(past.rows, past.observed[:, :0], past.limit[:, :0], past.verdict[:, :0]), (), SPELL) == ()


def test_what_is_seen_at_its_limit_is_not_below_it() -> None:
    (record,) = gate_records(replayed(np.array([1, -1, 1, 1]), np.array([0.5, 0.5, 0.4, 0.6]), 0.5), (gate(),), SPELL)
    assert record.percentile == 0.25


def test_percentiles_of_what_was_seen_leave_out_what_was_not() -> None:
    seen = spread_of(np.array([math.nan, *range(101), math.inf, -math.inf], np.float64))
    assert structs.astuple(seen) == (0.0, 5.0, 50.0, 95.0, 100.0)
    assert spread_of(np.array([math.nan])) is NOTHING and spread_of(np.zeros(0)) is NOTHING
    assert all(math.isnan(value) for value in structs.astuple(NOTHING))


@pytest.mark.parametrize(
    ("sense", "limits", "is_off"),
    [
        ("at least", (0.0, 0.0), True),
        ("at least", (0.0, 0.1), False),
        ("at most", (1.0, 1.0), True),
        ("at most", (1.0, 0.9), False),
        ("at least", (math.nan, math.nan), False),
    ],
)
def test_a_gate_is_off_where_its_whole_range_is(sense: str, limits: tuple[float, float], is_off: bool) -> None:
    spec = gate(sense=sense)
    past = replayed(np.array([1, -1]), np.full(2, 0.5), np.array(limits), (spec,))
    past = structs.replace(past, verdict=np.full((2, 1), PASS, np.int8))
    (record,) = gate_records(past, (spec,), SPELL)
    assert record.off is is_off
    assert gate_records(past.taken(np.array([0])), (spec,), SPELL)[0].off is (limits[0] in (0.0, 1.0)), "one decision is enough"
    (fired,) = gate_records(structs.replace(past, verdict=np.array([[PASS], [BLOCK]], np.int8)), (spec,), SPELL)
    assert fired.off is False and fired.fired == 1, "what stopped something was not off"


def test_neighbouring_bars_are_one_spell_and_books_their_own() -> None:
    past = replayed(np.array([1, 1, 1, -1, 1, 1]), np.array([0.9, 0.1, 0.9, 0.9, 0.1, 0.1]), 0.5)
    past.rows["closed_ns"] = np.array([3, 4, 5, 5, 6, 8]) * FRAME_NS  # spells of three bars: 3 to 5, 6 to 8
    (record,) = gate_records(past, (gate(),), SPELL)
    assert (record.spells, record.spell_passes) == (BySide(2, 1), BySide(1, 1))
    past.rows["instrument"][1] = 4
    assert gate_records(past, (gate(),), SPELL)[0].spells == BySide(3, 1)
    past.rows["frame_ns"] = 0  # a decision without a frame: each time is a spell of its own third of a nanosecond
    past.rows["closed_ns"] = [0, 2, 2, 3, 3, 6]
    assert gate_records(past, (gate(),), SPELL)[0].spells == BySide(4, 1)


def test_decisions_are_taken_by_place_and_joined_in_order() -> None:
    past = history(3, 20)
    odd = past.rows["decision"] % 2 == 0
    first, second = past.taken(np.arange(8)), past.taken(np.arange(20) >= 8)
    whole = first.joined(second)
    for name in past.__struct_fields__:
        assert np.array_equal(getattr(whole, name), getattr(past, name), equal_nan=name in ("observed", "limit")), name
        assert len(getattr(first, name)) == 8
    assert len(past.taken(odd).rows) == int(odd.sum())
    assert BySide(3, 4).both == 7 and isinstance(gate_records(whole, GATES, SPELL)[0], GateRecord)
