"""A formula that changed must raise its family's revision, and with it the fingerprint that models are held to."""

from __future__ import annotations

import msgspec
import pytest

from metastackerbandit.features.catalog import FAMILIES
from tests.covering import covers
from tests.features.golden import GOLDEN, computed


@covers("A22")
@pytest.mark.parametrize("family", [family.name for family in FAMILIES])
def test_a_family_computes_what_its_revision_did(family: str) -> None:
    """To 1e-9: libraries of other machines may round a logarithm otherwise."""
    kept = msgspec.json.decode(GOLDEN.read_bytes())
    found = computed()[family]
    told = "raise the family's revision, then run python -m tests.features.golden and python -m tests.features.document"
    assert kept[family]["revision"] == found["revision"], told
    assert list(kept[family]["columns"]) == list(found["columns"]), told
    for name, values in found["columns"].items():
        for value, before in zip(values, kept[family]["columns"][name], strict=True):
            assert (value is None) == (before is None), f"{name}: {told}"
            assert value is None or value == pytest.approx(before, rel=1e-9, abs=1e-9), f"{name}: {told}"


def test_no_family_is_kept_that_is_gone() -> None:
    assert set(msgspec.json.decode(GOLDEN.read_bytes())) == {family.name for family in FAMILIES}
