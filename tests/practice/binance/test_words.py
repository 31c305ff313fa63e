"""Words that both markets share can be read back, and there is one for every state."""

from __future__ import annotations

from typing import get_args

import pytest

from metastackerbandit.domain.user_events import Status
from metastackerbandit.practice.binance.words import CLIENT_ID, GUARD, GUARDED, GUARDS, SIDES, STATUSES, side_in
from metastackerbandit.practice.replies import Parameters, WireRefusal


def test_guards_and_sides_can_be_read_back() -> None:
    assert {GUARDED[word]: word for word in GUARDS.values()} == GUARDS and GUARD in GUARDED
    assert all(side_in(Parameters({"side": word})) == side for side, word in SIDES.items())


@pytest.mark.parametrize("word", ["buy", "BOTH", "0"])
def test_another_side_is_refused(word: str) -> None:
    with pytest.raises(WireRefusal) as refusal:
        side_in(Parameters({"side": word}))
    assert refusal.value.code == -1117


def test_every_state_has_a_word() -> None:
    assert set(STATUSES) == set(get_args(Status))


def test_a_clients_id_has_one_to_36_letters() -> None:
    assert all(CLIENT_ID.fullmatch(one) for one in ("a", "A.b:c/d_e-9", "x" * 36))
    assert not any(CLIENT_ID.fullmatch(one) for one in ("", "x" * 37, "a b", "a\n", "ä"))
