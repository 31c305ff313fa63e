"""The self-test notices each detector that is broken, by the row of what it misses and no other, and a detector that cries wolf."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from metastackerbandit.exchanges import continuity
from metastackerbandit.market import feed_score, issues, quality, quality_rows
from metastackerbandit.runtime import book_feed, book_quality, self_test
from tests.covering import covers


def missed() -> dict[str, str]:
    """The defects that the self-test does not see, and what it says of each."""
    return {one.issue or "sound": one.how for one in self_test.self_test() if not one.detected}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Kernels between the self-test and the detectors as plain Python, so that what they call can be exchanged."""
    for module, names in (
        (self_test, ("take", "judge", "look", "look_apart", "begin_watch")),
        (book_quality, ("_followed", "freshened", "look_at_book", "filled")),
        (quality, ("look_at_blocks",)),
        (feed_score, ("score_at",)),
    ):
        for name in names:
            compiled = getattr(module, name)
            monkeypatch.setattr(module, name, getattr(compiled, "py_func", compiled))
    return monkeypatch


@covers("4.17", "4.18", "4.19", "4.20")
def test_every_defect_is_told_in_time_and_a_sound_feed_is_left_in_peace() -> None:
    found = self_test.self_test()
    assert len(found) == 12 and all(one.detected for one in found)
    assert {one.issue for one in found} - {""} == {name for name, *_ in quality_rows.KINDS}
    severities = {name: severity for name, severity, *_ in quality_rows.KINDS}
    assert all(one.severity == severities[one.issue] for one in found if one.issue)
    for one in found[1:]:
        assert one.after_seconds is not None and 0.0 <= one.after_seconds <= one.within_seconds


def test_as_plain_python_it_says_the_same(opened: pytest.MonkeyPatch) -> None:
    assert missed() == {}


def never(*_: Any) -> bool:
    """A detector that sees nothing."""
    return False


NEVER_TOLD = "it was never told"
BROKEN: list[tuple[ModuleType, str, Callable[..., Any], dict[str, str]]] = [
    (quality, "is_crossed", never, {"crossed": NEVER_TOLD}),
    (quality, "is_wide", never, {"wide": NEVER_TOLD}),
    (quality, "is_shallow", never, {"shallow": NEVER_TOLD}),
    (quality, "grow_stale", never, {"stale": NEVER_TOLD}),
    (quality, "is_apart", never, {"apart": NEVER_TOLD}),
    (quality, "is_missing", never, {"missing": NEVER_TOLD}),
    (book_quality, "lost", never, {"gap": NEVER_TOLD}),
    (book_quality, "regained", never, {"gap": "it stands although the venue was mended"}),
    (book_quality, "stamped", never, {"time_back": NEVER_TOLD}),
    (book_quality, "clocked", lambda _quality, _limits, received_ns: received_ns, {"clock_back": NEVER_TOLD}),
    (book_quality, "broke", never, {"broken": NEVER_TOLD}),
    (
        book_feed,
        "offer",
        lambda _feed, depth: continuity.ANEW if depth.is_whole else continuity.APPLY,
        {"gap": NEVER_TOLD, "missing": "it ended before the venue was mended"},
    ),
]


@pytest.mark.parametrize(("module", "name", "broken", "expected"), BROKEN, ids=[name for _, name, *_ in BROKEN])
def test_a_broken_detector_is_noticed(
    module: ModuleType, name: str, broken: Callable[..., Any], expected: dict[str, str], opened: pytest.MonkeyPatch
) -> None:
    opened.setattr(module, name, broken)
    assert missed() == expected


def test_a_detector_that_cries_wolf_is_noticed_on_the_sound_feed(opened: pytest.MonkeyPatch) -> None:
    opened.setattr(quality, "is_apart", lambda *_: True)
    found = missed()
    assert found["sound"].startswith("told apart in 42 s") and set(found) == {"sound", "apart"}


def test_one_that_tells_late_does_not_end_or_says_something_else_is_noticed(opened: pytest.MonkeyPatch) -> None:
    in_time = quality.grow_stale
    with opened.context() as late:
        late.setattr(quality, "grow_stale", lambda q, s, limits, now_ns: in_time(q, s, limits, now_ns - 7 * 10**9))
        assert missed() == {"stale": "it was told after 37.997 s"}
    with opened.context() as unweighed:
        unweighed.setattr(feed_score, "consistency_of", lambda _row: 1.0)
        assert missed() == {"crossed": "the score was not 0 while it stood"}
    with opened.context() as milder:
        milder.setattr(issues, "KINDS", tuple((name, "low", *rest) for name, _, *rest in quality_rows.KINDS))
        assert missed()["gap"] == "it was told as low, of the instrument" and len(missed()) == len(quality_rows.KINDS)
    with opened.context() as confused:
        confused.setattr(book_quality, "broke", lambda q, limits, _fault, at, now_ns: quality.broke(q, limits, 2, at, now_ns))
        assert missed() == {"broken": "it was told as malformed"}
