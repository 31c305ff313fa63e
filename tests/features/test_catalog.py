"""The catalog keeps its word: names, parities, look-backs, the fingerprint, and the document made from it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.timeframe import FRAMES, MINUTE_NS
from metastackerbandit.features import catalog
from metastackerbandit.features.catalog import FAMILIES, FEATURES, NAMES, bars_needed, fingerprint, settled, warm_up
from metastackerbandit.features.higher import HIGHER
from metastackerbandit.features.spans import SLOW
from tests.covering import covers
from tests.features.book_scenes import seconds_for
from tests.features.document import DOCUMENT, text
from tests.features.scenes import full, market, mirrored_market, ruler


def first_valid(valid: np.ndarray) -> np.ndarray:
    """Bars until each column is valid for the first time; one more than there are where it never is."""
    return np.where(valid.any(axis=0), valid.argmax(axis=0), len(valid)) + 1


def test_names_are_unique_and_partners_name_each_other() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 40
    by_name = {spec.name: spec for spec in FEATURES}
    for spec in FEATURES:
        assert (spec.parity == "swap") == bool(spec.partner)
        if spec.partner:
            assert by_name[spec.partner].partner == spec.name != spec.partner
        assert spec.meaning and spec.source and spec.unit and spec.look_back >= 1


@covers("A22")
@pytest.mark.parametrize("frame", FRAMES)
def test_the_look_back_of_a_feature_is_its_first_valid_bar(frame: str) -> None:
    frame_ns = FRAMES[frame]
    bars = market(3, 500, frame_ns=frame_ns)
    found = first_valid(full(bars, frame_ns, seconds=seconds_for(bars[:310], last=310)).valid)
    for spec, bars in zip(FEATURES, found, strict=True):
        if frame == "24h" and spec.name.startswith("day_"):
            assert bars == 501
        elif not spec.is_event:
            assert bars == bars_needed(spec, frame_ns), spec.name


def test_the_look_back_of_a_pivot_is_the_fewest_bars_in_which_it_can_come() -> None:
    found = np.minimum(first_valid(full(ruler(120)).valid), first_valid(full(mirrored_market(ruler(120), 1e14)).valid))
    walks = np.array([first_valid(full(market(seed, 3_000)).valid) for seed in range(4)])
    for place, spec in enumerate(FEATURES):
        if spec.is_event and spec.needs != "book":
            assert found[place] == spec.look_back, spec.name
            assert walks[:, place].min() >= spec.look_back, spec.name


@pytest.mark.parametrize(("frame", "opened_late"), [("5m", 0), ("5m", 1), ("5m", 11), ("1h", 5), ("24h", 3)])
def test_after_the_warm_up_all_price_features_are_valid_wherever_history_begins(frame: str, opened_late: int) -> None:
    frame_ns = FRAMES[frame]
    table = full(market(4, 500 + opened_late, frame_ns=frame_ns)[opened_late:], frame_ns)
    found, parts = first_valid(table.valid), HIGHER[frame_ns] // frame_ns
    for place, spec in enumerate(FEATURES):
        if spec.higher_bars:  # the piece of a higher bar with which history begins does not count
            assert found[place] == max(spec.look_back, spec.higher_bars * parts + (-opened_late) % parts), spec.name
        if spec.needs == "price" and not spec.is_event and not (frame == "24h" and spec.name.startswith("day_")):
            assert table.valid[warm_up(frame_ns) - 1 :, place].all(), spec.name


def test_the_warm_up_without_a_frame_is_that_of_the_slowest() -> None:
    assert warm_up() == max(warm_up(frame) for frame in FRAMES.values())
    assert settled(FRAMES["1h"]) > warm_up(FRAMES["1h"]) + 10 * SLOW
    with pytest.raises(ConfigRefused):
        warm_up(7 * MINUTE_NS)


@covers("A22")
def test_the_fingerprint_changes_with_any_word_of_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    known = fingerprint()
    assert len(known) == 16 and int(known, 16) >= 0 and fingerprint() == known
    family = FAMILIES[1]
    spec = family.specs[0]
    changed = [
        FAMILIES[::-1],
        (msgspec.structs.replace(family, revision=family.revision + 1), *FAMILIES[2:]),
        *(
            (msgspec.structs.replace(family, specs=(msgspec.structs.replace(spec, **{field: value}), *family.specs[1:])), *FAMILIES[2:])
            for field, value in (("name", "another"), ("unit", "ticks"), ("parity", "odd"), ("look_back", 7), ("needs", "flow"))
        ),
    ]
    seen = {known}
    for families in changed:
        monkeypatch.setattr(catalog, "FAMILIES", families if len(families) == len(FAMILIES) else (FAMILIES[0], *families))
        seen.add(fingerprint())
    assert len(seen) == len(changed) + 1


def test_the_document_is_made_from_the_catalog() -> None:
    assert Path(DOCUMENT).read_text() == text(), "run python -m tests.features.document"
