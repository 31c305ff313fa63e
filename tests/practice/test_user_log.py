"""News of accounts: every stream tells what happened since it began, once and in order; too far behind, the newest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.practice.user_log import UserLog, UserStream


@given(st.lists(st.one_of(st.integers(1, 3), st.none()), max_size=60))
def test_a_stream_tells_everything_of_its_owner_once(acts: list[int | None]) -> None:
    log = UserLog(1_000)
    log.add(1, "before")
    stream, heard, expected = UserStream(log, 1), [], []
    for number, owner in enumerate(acts):
        if owner is None:
            heard += list(stream.told(0))
        else:
            log.add(owner, number)
            expected += [number] if owner == 1 else []
    heard += list(stream.told(0))
    assert heard == expected and list(stream.told(0)) == []


def test_a_stream_that_is_far_behind_hears_the_newest() -> None:
    log = UserLog(3)
    stream = UserStream(log, 1)
    for number in range(10):
        log.add(1, number)
    assert list(stream.told(0)) == [7, 8, 9]
