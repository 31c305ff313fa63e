"""A version serves only what its card fits; every refusal says what is, what should be, and the mend; waivers end."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.card import Score, hashes_of
from metastackerbandit.domain.errors import ConfigRefused, ModelMismatch, ModelRefused
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.storage.fitness import CHECKS, MISMATCHES, binding, cautions, checked_waiver, in_force, refusals, refuse
from tests.covering import covers
from tests.storage.model_making import FILES, NOW_NS, USE, card, waiver

SOUND = card(files=hashes_of(FILES))

# What is changed on the card -> the check that fails, and words of its refusal.
UNFIT: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"symbols": ("ETHUSDT", "SOLUSDT")}, "symbol", "trained on ETHUSDT, SOLUSDT, asked to serve BTCUSDT"),
    ({"venue": "MEXC"}, "venue", "candles of MEXC, asked to serve candles of BINANCE"),
    ({"market": "spot"}, "market", "a spot market, asked to serve a perp market"),
    ({"frame": "15m"}, "frame", "trained on 15m bars, asked to serve 5m"),
    ({"horizon": 16}, "horizon", "a horizon of 16 bars, asked to serve a horizon of 12 bars"),
    ({"feature_hash": "00"}, "features", "features 00, asked to serve features feedface"),
    ({"label_hash": "00"}, "labels", "labels 00"),
    ({"size": 0.0, "rung": "prior", "n_eff": 60.0}, "samples", "60 independent outcomes"),
    ({"share_up": 0.66}, "one_sided", "says UP in 66% .* 35% to 65%"),
    ({"share_up": 0.34}, "one_sided", "34%"),
    ({"share_up": math.nan}, "one_sided", "unknown"),
    ({"calibration_slope": 0.0}, "calibration", "slope of 0 out of sample, where more than 0"),
    ({"calibration_slope": -0.4}, "calibration", "slope of -0.4"),
    ({"calibration_slope": math.nan}, "calibration", "unknown"),
    ({"parity": 2e-6}, "parity", "2e-06 .* at most 1e-06"),
    ({"parity": math.nan}, "parity", "unknown"),
    ({"mirror_error": 0.01}, "mirror", "0.01, where at most 1e-06"),
    ({"mirror_error": math.nan}, "mirror", "unknown"),
    ({"asleep": "it failed its last test"}, "asleep", "it failed its last test"),
    ({"files": ()}, "files", "no files"),
)


@covers("A17")
def test_a_card_that_fits_is_not_refused() -> None:
    assert refusals(SOUND, USE, NOW_NS) == ()
    refuse(SOUND, USE, NOW_NS, allow_waivers=False)


@pytest.mark.parametrize(
    "edge", [{"share_up": 0.35}, {"share_up": 0.65}, {"parity": 1e-6}, {"mirror_error": 1e-6}, {"calibration_slope": 1e-9}, {"size": 0.25}]
)
def test_limits_admit_at_equality(edge: dict[str, Any]) -> None:
    assert refusals(msgspec.structs.replace(SOUND, **edge), USE, NOW_NS) == ()


@covers("A17", "A18", "A19", "A23")
@pytest.mark.parametrize(("changed", "check", "words"), UNFIT)
def test_whatever_does_not_fit_is_refused_by_name_with_its_mend(changed: dict[str, Any], check: str, words: str) -> None:
    unfit = msgspec.structs.replace(SOUND, **changed)
    (found,) = refusals(unfit, USE, NOW_NS)
    assert found.check == check and found.mend
    with pytest.raises(ModelRefused, match=words) as caught:
        refuse(unfit, USE, NOW_NS)
    assert caught.value.mend and unfit.model_id in caught.value.what and check in caught.value.where
    assert isinstance(caught.value, ModelMismatch) == (check in MISMATCHES)


def test_every_check_has_a_case() -> None:
    assert {check for _, check, _ in UNFIT} == set(CHECKS)


@given(chosen=st.lists(st.sampled_from(UNFIT), min_size=1, max_size=6))
def test_all_that_is_wrong_is_named_at_once_in_the_order_of_the_checks(chosen: list[tuple[dict[str, Any], str, str]]) -> None:
    changed: dict[str, Any] = {}
    for change, _, _ in chosen:
        changed |= change
    expected = [check for check in CHECKS if check in {check for _, check, _ in chosen}]
    unfit = msgspec.structs.replace(SOUND, **changed)
    assert [found.check for found in refusals(unfit, USE, NOW_NS)] == expected
    with pytest.raises(ModelRefused) as caught:
        refuse(unfit, USE, NOW_NS)
    assert all(check in str(caught.value) for check in expected)


@covers("K24", "A17", "1.01")
def test_a_5m_model_offered_to_1h_says_what_it_is_what_was_asked_and_the_mend() -> None:
    hourly = msgspec.structs.replace(USE, frame="1h")
    with pytest.raises(ModelMismatch) as caught:
        refuse(SOUND, hourly, NOW_NS)
    assert f"{SOUND.model_id} was trained on 5m bars, asked to serve 1h: promote a 1h model" in str(caught.value)
    assert "msb train --frames 1h" in caught.value.mend
    assert caught.value.exit_code == 4


@covers("A17")
def test_a_day_has_two_names() -> None:
    daily = msgspec.structs.replace(SOUND, frame="24h")
    assert refusals(daily, msgspec.structs.replace(USE, frame="1d"), NOW_NS) == ()


@covers("A17", "1.07")
def test_a_waiver_lets_one_check_pass_until_it_ends_and_is_shown() -> None:
    unfit = msgspec.structs.replace(SOUND, share_up=0.9, parity=1e-3)
    given_waiver = waiver(unfit.model_id, "one_sided")
    one_sided, parity = refusals(unfit, USE, NOW_NS, [given_waiver])
    assert (one_sided.waiver, parity.waiver) == (given_waiver, None)
    assert binding((one_sided, parity)) == (parity,)
    with pytest.raises(ModelRefused, match="computed"):
        refuse(unfit, USE, NOW_NS, [given_waiver])
    both = [given_waiver, waiver(unfit.series, "parity")]
    refuse(unfit, USE, NOW_NS, both)
    with pytest.raises(ModelRefused, match="UP in 90%"):
        refuse(unfit, USE, NOW_NS + 7 * DAY_NS, both)
    with pytest.raises(ModelRefused):
        refuse(unfit, USE, NOW_NS - 1, both)


@covers("A17")
def test_live_mode_knows_no_waiver() -> None:
    unfit = msgspec.structs.replace(SOUND, share_up=0.9)
    with pytest.raises(ModelRefused, match="UP in 90%"):
        refuse(unfit, USE, NOW_NS, [waiver(unfit.model_id, "one_sided")], allow_waivers=False)


def test_a_waiver_of_another_version_does_not_count() -> None:
    unfit = msgspec.structs.replace(SOUND, share_up=0.9)
    others = [waiver(card(version=2).model_id, "one_sided"), waiver("another", "one_sided"), waiver(unfit.model_id, "parity")]
    with pytest.raises(ModelRefused):
        refuse(unfit, USE, NOW_NS, others)


@pytest.mark.parametrize("check", ["files", "asleep"])
def test_damage_and_sleep_are_never_waived(check: str) -> None:
    with pytest.raises(ConfigRefused, match="cannot be waived"):
        checked_waiver(waiver(SOUND.model_id, check))
    forged = waiver(SOUND.model_id, check)
    assert not in_force(forged, NOW_NS)
    with pytest.raises(ModelRefused):
        refuse(msgspec.structs.replace(SOUND, files=(), asleep="x"), USE, NOW_NS, [forged, waiver(SOUND.model_id, "asleep")])


@pytest.mark.parametrize("days", [0, -1, 30.01, 3_650])
def test_a_waiver_ends_within_thirty_days(days: float) -> None:
    stretched = waiver(SOUND.model_id, "parity", days=days)
    with pytest.raises(ConfigRefused, match="days") as caught:
        checked_waiver(stretched)
    assert "at most 30 days" in caught.value.mend
    assert not in_force(stretched, NOW_NS), "one stretched by hand never holds"
    assert checked_waiver(waiver(SOUND.model_id, "parity", days=30))


def test_a_waiver_names_a_check_and_gives_a_reason() -> None:
    with pytest.raises(ConfigRefused, match="no check 'mood'") as caught:
        checked_waiver(waiver(SOUND.model_id, "mood"))
    assert "one_sided" in caught.value.mend
    for blank in ({"why": " "}, {"who": ""}):
        with pytest.raises(ConfigRefused, match="who gives it and why"):
            checked_waiver(msgspec.structs.replace(waiver(SOUND.model_id, "parity"), **blank))


def test_no_edge_and_too_much_freedom_are_told_and_forbid_nothing() -> None:
    doubtful = msgspec.structs.replace(SOUND, scores=(Score("gain", "mnats", 0.2, -0.4, 0.9),), effective_dof=40.0)
    none, freedom = cautions(doubtful)
    assert "no edge found" in none and "-0.40 to 0.90" in none and "40.0 effective coefficients" in freedom
    assert refusals(doubtful, USE, NOW_NS) == ()
    assert cautions(SOUND) == ()
    assert "not measured" in cautions(msgspec.structs.replace(SOUND, scores=()))[0]
    unknown = msgspec.structs.replace(SOUND, scores=(Score("gain", "mnats", 2.0, math.nan, math.nan),))
    assert "no edge found" in cautions(unknown)[0]
