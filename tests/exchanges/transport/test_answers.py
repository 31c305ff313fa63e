"""What a status means: every one has a name, and refusals say how long to wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import RateLimited, RequestRefused, VenueDown, VenueError
from metastackerbandit.exchanges.transport.answers import LONGEST_WAIT_S, require_answer, used_weight
from metastackerbandit.exchanges.transport.ports import Answer


def answered(status: int, headers: dict[str, str] | None = None, body: bytes = b'{"code":-1}') -> Answer:
    return Answer(status, body, headers or {}, 7)


@given(status=st.integers(100, 599), body=st.binary(max_size=300))
def test_only_200_is_an_answer_and_every_other_status_is_named(status: int, body: bytes) -> None:
    if status == 200:
        assert require_answer(answered(status, body=body), "u") == body
        return
    with pytest.raises(VenueError) as raised:
        require_answer(answered(status, body=body), "u")
    kind = RateLimited if status in (418, 429) else VenueDown if status >= 500 else RequestRefused
    assert type(raised.value) is kind and f"status {status}" in raised.value.what and raised.value.where == "u"


@given(told=st.text(max_size=8))
def test_whatever_retry_after_says_the_wait_is_a_bounded_number(told: str) -> None:
    with pytest.raises(RateLimited) as raised:
        require_answer(answered(429, {"retry-after": told}), "u")
    assert 0.0 <= raised.value.wait_s <= LONGEST_WAIT_S


def test_the_venue_s_own_wait_counts_and_without_one_its_window_or_the_shortest_ban() -> None:
    for headers, status, wait_s in (({"retry-after": "17"}, 429, 17.0), ({}, 429, 60.0), ({}, 418, 120.0)):
        with pytest.raises(RateLimited) as raised:
            require_answer(answered(status, headers), "u")
        assert raised.value.wait_s == wait_s


def test_used_weight_is_read_where_it_is_told() -> None:
    assert used_weight(answered(200, {"x-mbx-used-weight-1m": "123"})) == 123
    assert used_weight(answered(200, {"x-mbx-used-weight-1m": "many"})) is None
    assert used_weight(answered(200)) is None
