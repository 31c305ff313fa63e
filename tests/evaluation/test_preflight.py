"""What a replay's traces say before a start: gates by any name, limits out of reach, limits that stop nothing, sides that never pass."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.domain.quantities import DOMAINS
from metastackerbandit.engine.gates import GATES
from metastackerbandit.evaluation.finding import Book, Finding, Waiver, Written
from metastackerbandit.evaluation.gate_record import Replayed, gate_records
from metastackerbandit.evaluation.preflight import Scene, book_views, findings
from metastackerbandit.evaluation.settings import PreflightSettings
from tests.covering import covers
from tests.evaluation.traces import gate, replayed

SETTINGS = PreflightSettings()
BTC = (Book("BTCUSDT", "5m"),)
NOW = 10**18


def found(
    recent: Replayed,
    gates: tuple[GateSpec, ...] = (gate(),),
    *,
    waivers: tuple[Waiver, ...] = (),
    written: dict[str, Written] | None = None,
    domains: dict[str, tuple[float, float]] | None = None,
    record: Replayed | None = None,
) -> tuple[Finding, ...]:
    """The findings of one book."""
    own = None if written is None else (written,)
    scene = Scene(BTC, gates, recent, SETTINGS.spell_bars, None, (lambda: record) if record is not None else None, own, domains or {})
    return findings(scene, book_views(scene), SETTINGS, waivers, NOW)


def kinds(told: tuple[Finding, ...], gate_name: str = "confidence") -> set[str]:
    """What was found about a gate."""
    return {one.kind for one in told if one.gate == gate_name}


def sides(buys: int, sells: int) -> np.ndarray:
    """Opinions of both sides, mixed as a source mixes them."""
    return np.random.default_rng(7).permutation(np.repeat((1, -1), (buys, sells)))


# -- what the predecessors had ----------------------------------------------------------------------------------------------


@covers("A11", "1.09", "3.06")
def test_a_confidence_of_0_to_0_2588_never_reaches_a_limit_of_0_55() -> None:
    seen = np.linspace(0.0, 0.2588, 600)
    (error,) = (one for one in found(replayed(sides(300, 300), seen, 0.55)) if one.is_error)
    assert (error.kind, error.severity, error.gate) == ("unreachable", "critical", "confidence")
    assert error.evidence["max"] == pytest.approx(0.2588) and error.evidence["percentile"] == 1.0
    assert "0.55" in error.what and "0.2588" in error.what


@covers("A10", "A11")
@pytest.mark.parametrize(("quantity", "limit"), [("p_max3", 0.05), ("p_dir_cond", 0.40)])
def test_a_limit_below_all_that_its_quantity_can_be_is_called_so(quantity: str, limit: float) -> None:
    low, _ = DOMAINS[quantity]
    seen = np.random.default_rng(1).uniform(low, 0.9, 400)
    written = {"confidence": Written("decision.min_confidence", limit)}
    told = found(replayed(sides(200, 200), seen, 0.5), written=written, domains={"confidence": DOMAINS[quantity]})
    (error,) = (one for one in told if one.is_error)
    assert error.kind == "out_of_domain" and "everything passes" in error.what and "decision.min_confidence" in error.mend


@covers("A10")
def test_a_limit_above_all_that_its_quantity_can_be_stops_everything() -> None:
    (error,) = (one for one in found(replayed(sides(50, 50), np.full(100, 0.7), 1.5)) if one.is_error)
    assert (error.kind, error.severity) == ("out_of_domain", "critical")


@covers("A10")
def test_a_limit_that_everything_passes_is_vacuous() -> None:
    seen = np.random.default_rng(2).uniform(0.5, 0.9, 400)
    assert kinds(found(replayed(sides(200, 200), seen, 0.05))) == {"vacuous"}
    assert kinds(found(replayed(sides(200, 200), seen, 0.0))) == set(), "a limit at the end of the domain is switched off, on purpose"
    assert kinds(found(replayed(sides(200, 200), np.ones(400), 0.05))) == set(), "what is always as good as can be, no limit could stop"


@covers("A10")
@pytest.mark.parametrize(("name", "limit"), [("signal", 0.0), ("neutral_band", 0.0), ("familiar", 0.0), ("mood", 0.0), ("conformal", 1.0)])
def test_a_gate_that_is_switched_off_is_no_finding_whoever_did_it(name: str, limit: float) -> None:
    """The lead of a side may be negative, so the band's and signal's off is not the end of what can be observed."""
    spec = next(gate for gate in GATES if gate.name == name)
    seen = np.random.default_rng(4).uniform(0.1, 0.9, 400)
    for written in (None, {}, {name: Written(spec.setting, limit)}):
        scene = replayed(sides(200, 200), seen, limit, (spec,))
        assert kinds(found(scene, (spec,), written=written), name) == set()
        assert gate_records(scene, (spec,), SETTINGS.spell_bars)[0].off
    close = replayed(sides(200, 200), seen, 0.05 if limit == 0.0 else 0.95, (spec,))
    (told,) = (one for one in found(close, (spec,), written={name: Written(spec.setting, 0.05)}) if one.gate == name and one.kind == "vacuous")
    assert told.severity == "high" and not gate_records(close, (spec,), SETTINGS.spell_bars)[0].off


@covers("A10", "A11")
def test_what_is_written_and_cannot_bind_stays_vacuous_and_a_default_that_stopped_nothing_is_a_note() -> None:
    seen = np.random.default_rng(1).uniform(1 / 3, 0.9, 400)
    domains = {"confidence": DOMAINS["p_max3"]}
    told = found(replayed(sides(200, 200), seen, 0.05), written={"confidence": Written("decision.min_confidence", 0.05)}, domains=domains)
    (error,) = (one for one in told if one.is_error)
    assert error.kind == "out_of_domain" and "0.05" in error.what and "everything passes it" in error.what
    (note,) = (one for one in found(replayed(sides(200, 200), seen, 0.05), written={}) if one.gate)
    assert (note.kind, note.severity, note.status) == ("vacuous", "low", "ok")


@covers("A10", "A11", "1.09")
def test_a_gate_that_alone_stops_all_that_the_others_let_pass_is_unreachable_where_it_counts() -> None:
    """It lets a tenth of the opinions pass, those that have no edge: nothing would ever trade, and no other gate would be to blame."""
    edge, sets = gate("net_edge", domain=(-np.inf, np.inf)), gate("conformal", sense="at most")
    edges = np.repeat((-5.0, 9.0), (300, 100))
    p_values = np.concatenate((np.linspace(0.01, 3.0, 300).clip(0.0, 1.0), np.linspace(0.3, 0.6, 100)))
    seen, limits = np.stack((edges, p_values), axis=1), np.array([3.25, 0.2])
    recent = replayed(np.tile((1, -1), 200), seen, np.broadcast_to(limits, seen.shape), (edge, sets))
    by_hand = {"conformal": Written("decision.conformal", np.nan)}
    (error,) = (one for one in found(recent, (edge, sets), written=by_hand) if one.is_error)
    assert (error.kind, error.gate, error.severity) == ("unreachable", "conformal", "critical")
    assert "none of the 100 opinions that all other gates let pass" in error.what and error.mend.startswith("decision.conformal: ")
    by_default = {"conformal": Written("decision.conformal", np.nan, by_hand=False)}
    told = found(recent, (edge, sets), written=by_default)
    assert kinds(told, "conformal") == {"unreachable"} and not any(one.is_error for one in told)
    for passed, said in ((1, {"tight"}), (2, set())):  # two of a hundred are enough
        p_values[-passed:] = 0.1
        seen = np.stack((edges, p_values), axis=1)
        again = replayed(np.tile((1, -1), 200), seen, np.broadcast_to(limits, seen.shape), (edge, sets))
        assert kinds(found(again, (edge, sets)), "conformal") == said


@covers("A01", "3.07", "3.15")
def test_the_gate_that_let_137_of_1171_buys_and_0_of_190_sells_pass_is_named() -> None:
    side = sides(1171, 190)
    seen = np.zeros(len(side))
    seen[np.flatnonzero(side == 1)[np.linspace(0, 1170, 137).astype(int)]] = 1.0
    (error,) = (one for one in found(replayed(side, seen, 0.5)) if one.is_error)
    assert (error.kind, error.severity) == ("one_sided", "critical")
    assert error.evidence["passed_buy"] == 137 and error.evidence["passed_sell"] == 0 and error.evidence["asked_sell"] == 190


def test_one_burst_of_passes_on_one_side_is_luck() -> None:
    side = sides(1000, 1000)
    seen = np.zeros(2000)
    seen[np.flatnonzero(side == 1)[400:442]] = 1.0  # 42 passes in seven spells of twelve bars
    assert kinds(found(replayed(side, seen, 0.5))) == set()


@covers("A09")
@pytest.mark.parametrize("limit", [10.0, 1_000.0])
def test_a_safety_limit_that_history_never_came_near_is_a_note(limit: float) -> None:
    """The predecessor's limit of .1 was 10 % of funding every eight hours, 1,000 bps: it never fired."""
    funding = gate("funding", "safety", "at most", (-np.inf, np.inf))
    told = found(replayed(sides(200, 200), np.random.default_rng(3).normal(0, 0.3, 400), limit, (funding,)), (funding,))
    (note,) = (one for one in told if one.gate == "funding")
    assert (note.kind, note.severity, note.status) == ("far", "low", "ok") and not note.is_error


@covers("A06", "A07")
def test_a_gate_without_its_input_is_no_pass() -> None:
    spread = gate("spread", "safety", "at most", (0.0, np.inf))
    told = found(replayed(sides(30, 30), np.full(60, np.nan), 5.0, (spread,)), (spread,))
    (error,) = (one for one in told if one.is_error)
    assert (error.kind, error.severity) == ("no_data", "critical") and error.evidence["unknown"] == 60


# -- what is no mistake -------------------------------------------------------------------------------------------------------


def test_a_derived_limit_that_nothing_reaches_is_no_edge_and_may_start() -> None:
    seen = np.linspace(-13.0, -2.0, 400)
    net_edge = gate("net_edge", domain=(-np.inf, np.inf))
    told = found(replayed(sides(200, 200), seen, 3.25, (net_edge,)), (net_edge,), written={})
    assert not any(one.is_error for one in told)
    assert {one.kind for one in told} == {"unreachable", "no_edge"} and all(one.severity == "medium" for one in told)


def test_an_alpha_of_nothing_is_no_edge_whoever_wrote_its_limit() -> None:
    told = found(
        replayed(sides(200, 200), np.zeros(400), 0.02, (gate("alpha"),)), (gate("alpha"),), written={"alpha": Written("decision.min_alpha", 0.02)}
    )
    assert kinds(told, "alpha") == {"unreachable"} and not any(one.is_error for one in told)


def test_a_safety_gate_is_not_condemned_for_what_no_opinion_earned() -> None:
    opinion, size = gate("net_edge", domain=(-np.inf, np.inf)), gate("minimum_change", "safety", domain=(0.0, np.inf))
    seen = np.stack((np.full(100, -5.0), np.zeros(100)), axis=1)
    told = found(replayed(sides(50, 50), seen, 3.0, (opinion, size)), (opinion, size), written={})
    assert kinds(told, "minimum_change") == set()
    seen[:, 0] = 9.0
    assert kinds(found(replayed(sides(50, 50), seen, 3.0, (opinion, size)), (opinion, size), written={}), "minimum_change") == {"unreachable"}


def test_too_few_opinions_condemn_nothing() -> None:
    told = found(replayed(sides(3, 3), np.full(6, 0.2), 0.55))
    assert kinds(told) == {"thin"} and not any(one.is_error for one in told)


def test_what_the_longer_record_reaches_is_reachable() -> None:
    recent, before = replayed(sides(50, 50), np.full(100, 0.3), 0.55), replayed(sides(50, 50), np.linspace(0.2, 0.8, 100), 0.55, first=-5000)
    assert kinds(found(recent)) == {"unreachable"}
    assert kinds(found(recent, record=before)) == set()


# -- waivers ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["confidence", "unreachable.confidence", "unreachable.confidence.BTCUSDT.5m", "decision.min_confidence"])
def test_a_waiver_in_force_lets_a_finding_pass_and_is_shown(key: str) -> None:
    recent = replayed(sides(50, 50), np.full(100, 0.3), 0.55)
    written = {"confidence": Written("decision.min_confidence", 0.55)}
    (one,) = (one for one in found(recent, waivers=(Waiver(key, NOW + 1, "on paper only"),), written=written) if one.gate)
    assert (one.status, one.is_error) == ("waived", False) and "on paper only" in one.waiver
    (one,) = (one for one in found(recent, waivers=(Waiver(key, NOW, "too late"),), written=written) if one.gate)
    assert one.is_error
    (one,) = (one for one in found(recent, waivers=(Waiver("alpha", NOW + 1, "of another gate"),), written=written) if one.gate)
    assert one.is_error


# -- laws ---------------------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from((-1, 0, 1)), st.floats(0.0, 1.0) | st.just(np.nan)), min_size=1, max_size=120), st.floats(0.0, 1.0))
def test_the_mirrored_replay_has_the_mirrored_table_and_findings(opinions: list[tuple[int, float]], limit: float) -> None:
    side, seen = (np.array(column) for column in zip(*opinions, strict=True))
    one, other = replayed(side, seen, limit), replayed(-side, seen, limit)
    left, right = (gate_records(each, (gate(),), SETTINGS.spell_bars)[0] for each in (one, other))
    for name in ("asked", "passes", "alone", "spells", "spell_passes"):
        assert (getattr(left, name).buy, getattr(left, name).sell) == (getattr(right, name).sell, getattr(right, name).buy)
    assert kinds(found(one)) == kinds(found(other))


@given(st.lists(st.floats(0.0, 1.0), min_size=40, max_size=200), st.floats(0.0, 1.0))
def test_a_gate_is_never_both_unreachable_and_vacuous(values: list[float], limit: float) -> None:
    told = kinds(found(replayed(sides(len(values), 0), np.array(values), limit)))
    assert not {"unreachable", "vacuous"} <= told
    passed = sum(value >= limit for value in values)
    assert ("unreachable" in told) == (passed == 0)


def test_every_gate_says_what_its_quantity_can_be() -> None:
    for one in GATES:
        low, high = one.domain
        assert low < high, one.name
        assert one.name in ("net_edge", "funding", "net_exposure") or low > -np.inf, f"{one.name}: what is the least that it can observe?"


def test_an_id_is_the_same_whenever_the_same_is_found() -> None:
    recent = replayed(sides(50, 50), np.full(100, 0.3), 0.55)
    again = structs.replace(recent, observed=recent.observed * 0.9)
    assert [one.id for one in found(recent)] == [one.id for one in found(again)]
