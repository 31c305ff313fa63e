"""Issues are opened once while they stand and ended once, and the last thousand are kept."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.market.feed_score import consistency_of
from metastackerbandit.market.issues import Issue, close_issue, grow_calm, issues_of, open_issue, standing_of, stands
from metastackerbandit.market.quality import stamped
from metastackerbandit.market.quality_rows import CROSSED, GAP, KEPT, KINDS, MISSING, SEVERITIES, SHALLOW, STALE, TIME_BACK, WIDE
from tests.covering import covers
from tests.market.feeds import LIMITS, SECOND, START, told, watched


@given(turns=st.lists(st.tuples(st.integers(0, len(KINDS) - 1), st.booleans()), max_size=60))
@settings(max_examples=40)
@covers("4.22")
def test_an_issue_is_opened_once_while_it_stands_and_closed_once(turns: list[tuple[int, bool]]) -> None:
    quality = watched([(), ()], venue=3)
    standing: dict[int, int] = {}
    expected: list[list[int]] = []
    for at, (kind, is_so) in enumerate(turns, START):
        if is_so:
            open_issue(quality, 1, LIMITS, kind, at, at + 1, at + 2)
            if kind not in standing:
                standing[kind] = len(expected)
                expected.append([kind, at, 0])
        else:
            close_issue(quality, 1, LIMITS, kind, at)
            if kind in standing:
                expected[standing.pop(kind)][2] = at
        assert [stands(quality.row[1], kind) for kind in range(len(KINDS))] == [kind in standing for kind in range(len(KINDS))]
        assert consistency_of(quality.row[1]) == (0.0 if CROSSED in standing else 1.0)
    assert standing_of(quality, 1) == tuple(KINDS[kind][0] for kind in sorted(standing)) and standing_of(quality, 0) == ()
    whole = [Issue(KINDS[kind][0], KINDS[kind][1], 1, 3, begun, ended, begun + 1, begun + 2) for kind, begun, ended in expected]
    assert list(issues_of(quality)) == whole


@covers("4.22")
def test_the_history_keeps_the_last_thousand_and_an_issue_that_fell_off_stands_until_it_ends() -> None:
    quality = watched()
    open_issue(quality, 0, LIMITS, CROSSED, START, 0, 0)
    for n in range(KEPT):  # one more than there is room for
        open_issue(quality, 0, LIMITS, GAP, START + n, n, 0)
        close_issue(quality, 0, LIMITS, GAP, START + n + 1)
    kept = issues_of(quality)
    assert [one.first for one in kept] == list(range(KEPT)) and all(one.ended_ns == one.begun_ns + 1 for one in kept)
    assert standing_of(quality, 0) == ("crossed",)
    close_issue(quality, 0, LIMITS, CROSSED, START + 9_999)
    assert issues_of(quality) == kept and standing_of(quality, 0) == ()


def test_stamps_that_go_back_are_one_issue_until_ten_calm_seconds_have_passed() -> None:
    quality = watched()
    for stamp, at in ((100, 0), (100, 0.5), (90, 1), (0, 2), (99, 5), (101, 16), (50, 30)):
        stamped(quality, 0, LIMITS, stamp, START + int(at * SECOND))
    assert told(quality) == [("time_back", 1.0, 15.0, 90, 100), ("time_back", 30.0, None, 50, 101)]
    grow_calm(quality, 0, LIMITS, TIME_BACK, START + 40 * SECOND - 1)
    assert standing_of(quality, 0) == ("time_back",)
    grow_calm(quality, 0, LIMITS, TIME_BACK, START + 40 * SECOND)
    assert told(quality)[-1] == ("time_back", 30.0, 40.0, 50, 101)


def test_only_a_crossed_book_is_critical() -> None:
    by_severity = {severity: {name for name, which, *_ in KINDS if which == severity} for severity in SEVERITIES}
    assert by_severity["critical"] == {"crossed"} and by_severity["high"] == {"stale", "gap", "broken"} and not by_severity["low"]
    assert [KINDS[kind][0] for kind in (CROSSED, WIDE, SHALLOW, STALE, GAP, MISSING)] == ["crossed", "wide", "shallow", "stale", "gap", "missing"]
