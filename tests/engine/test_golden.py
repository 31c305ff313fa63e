"""Traces as they were: a gate, limit or outcome that changes shows here, and is written down again on purpose or mended."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from metastackerbandit.engine.gates import GATE_NAMES
from tests.covering import covers
from tests.engine.golden import GOLDEN, SCENES, told_of

AGAIN = "if the change is meant, run python -m tests.engine.golden and read the difference"


@covers("A36", "A04")
@pytest.mark.parametrize("scene", sorted(SCENES))
def test_every_gate_answers_as_it_did(scene: str) -> None:
    """To 1e-9: libraries of other machines may round a logarithm otherwise."""
    kept: list[dict[str, Any]] = msgspec.json.decode(GOLDEN.read_bytes())[scene]
    found = told_of(scene)
    assert [one["decision"] for one in found] == [one["decision"] for one in kept], AGAIN
    for now, before in zip(found, kept, strict=True):
        where = f"{scene}, decision {before['decision']}: {AGAIN}"
        trace, was = now.pop("trace"), before.pop("trace")
        assert now.pop("alpha") == pytest.approx(before.pop("alpha"), rel=1e-9, abs=1e-12), where
        assert now == before, where
        assert list(trace) == list(was) == list(GATE_NAMES), where
        for gate in GATE_NAMES:
            assert trace[gate][:2] == was[gate][:2], f"{gate} in {where}"
            for number, old in zip(trace[gate][2:], was[gate][2:], strict=True):
                assert number == old if old is None or number is None else number == pytest.approx(old, rel=1e-9, abs=1e-12), f"{gate} in {where}"


def test_the_traces_show_what_decisions_can_come_to() -> None:
    """Entries, exits, holds, and most gates as the one that bound."""
    kept = msgspec.json.decode(GOLDEN.read_bytes())
    every = [one for scene in kept.values() for one in scene]
    assert set(kept) == set(SCENES)
    assert {"ENTER_ON_SIGNAL", "EXIT_ON_OPPOSITE_SIGNAL", "HOLD_BLOCKED", "HOLD_AT_TARGET", "HOLD_NO_OPINION"} <= {one["code"] for one in every}
    bound = {one["binding"] for one in every} - {None}
    assert len(bound) >= 15, sorted(bound)
