"""The predecessors' thresholds: what the docs say of them is what they set, and each value stands as the plans wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from metastackerbandit.config.outline import keys
from metastackerbandit.decision.profiles import DEFAULT, PROFILES, Profile
from metastackerbandit.domain.timeframe import frame_ns

DOCS = Path(__file__).resolve().parents[2] / "docs"
COLUMNS = ("min_confidence", "min_alpha", "neutral_band", "min_model_signal", "min_mood", "consensus")
each = pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)


def rows_of_the_page() -> dict[str, dict[str, str]]:
    """Profile -> column -> what docs/thresholds.md says."""
    found: dict[str, dict[str, str]] = {}
    for line in (DOCS / "thresholds.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(COLUMNS) + 1 and cells[0].startswith("`"):
            found[cells[0].split("`")[1]] = dict(zip(COLUMNS, cells[1:], strict=True))
    return found


def test_the_page_lists_every_profile_and_no_other() -> None:
    assert list(rows_of_the_page()) == list(PROFILES) and DEFAULT in PROFILES


@each
def test_a_profile_sets_what_the_page_says_of_it(profile: Profile) -> None:
    if profile.name == DEFAULT:
        assert profile.values() == {}  # its row tells what the settings do without one
        return
    told, values = rows_of_the_page()[profile.name], profile.values()
    for column in COLUMNS[:-1]:
        assert values[f"decision.{column}"] == float(told[column]), column
    assert values.get("decision.consensus", "soft") == told["consensus"]


@each
def test_every_value_is_as_the_plans_wrote_it_under_their_key_and_ours_takes_it(profile: Profile) -> None:
    plan_keys = {"CONF_MIN", "ALPHA_MIN", "neutral_band", "S_MIN", "M_MIN"}
    assert not profile.thresholds or plan_keys <= {one.plan_key for one in profile.thresholds}
    for one in profile.thresholds:
        assert one.key in keys(), one.key
        if isinstance(one.value, float):
            assert float(one.plan_value) == one.value
    assert len(profile.values()) == len(profile.thresholds)


@each
def test_a_profile_s_frame_is_in_its_name_and_known(profile: Profile) -> None:
    assert profile.meaning
    if profile.frame:
        assert frame_ns(profile.frame) > 0 and profile.name.split("-")[1] == profile.frame
    else:
        assert profile.name in (DEFAULT, "metastacker-overlay")


def test_the_plans_consensus_is_a_word_of_ours_and_the_overlay_aligns_by_rules() -> None:
    words = {one.plan_value: one.value for profile in PROFILES.values() for one in profile.thresholds if one.plan_key == "require_consensus"}
    assert words == {"true": "hard", "false": "off"}
    overlay = PROFILES["metastacker-overlay"].values()
    assert (overlay["alignment.mode"], overlay["alignment.rules.neutral_alpha"]) == ("rules", 0.05)
