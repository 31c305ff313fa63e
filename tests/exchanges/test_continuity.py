"""When a message follows: each venue's rule on whole chains, and on chains with a message lost, sent twice, or exchanged with its neighbour."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.market_rows import DepthRow
from metastackerbandit.exchanges.continuity import (
    ANEW,
    APART,
    APPLY,
    BY_FIRST,
    BY_PRIOR,
    GAP,
    LIVE,
    OLD,
    RESYNC,
    STALE,
    SYNCING,
    WAIT,
    WHOLE,
    FeedRow,
    comes_too_early,
    distrust,
    grow_stale,
    interrupt,
    joins,
    live_share,
    offer,
    rejoin,
)


class Change(NamedTuple):
    """One message's ids."""

    first: int
    last: int
    prior: int
    whole: int = 0


def feed_of(rule: int) -> Any:
    """A feed that has seen nothing."""
    feed = rows(FeedRow, 1)[0]
    feed.rule = rule
    return feed


def offered(feed: Any, change: Change, at_ns: int = 1) -> int:
    """The verdict on one message."""
    depth = rows(DepthRow, 1)[0]
    depth.first_id, depth.last_id, depth.prior_id, depth.is_whole, depth.received_ns = change.first, change.last, change.prior, change.whole, at_ns
    return int(offer(feed, depth))


def snapshot(last: int) -> Change:
    """A snapshot's ids."""
    return Change(last, last, -1, 2)


def chain(rule: int, lengths: list[int], start: int = 1_000, holes: int = 3) -> list[Change]:
    """Messages of so many ids each, one behind the other: without holes by first id, with holes between them by prior id."""
    made, last = [], start
    for length in lengths:
        first = last + 1 + (holes if rule == BY_PRIOR else 0)
        made.append(Change(first, first + length - 1, last if rule == BY_PRIOR else -1))
        last = made[-1].last
    return made


RULES = st.sampled_from([BY_FIRST, BY_PRIOR])
LENGTHS = st.lists(st.integers(1, 9), min_size=4, max_size=12)


@given(rule=RULES, lengths=LENGTHS, data=st.data())
def test_a_whole_chain_is_applied_from_the_message_that_holds_the_snapshot_on(rule: int, lengths: list[int], data: st.DataObject) -> None:
    changes = chain(rule, lengths)
    place = data.draw(st.integers(0, len(changes) - 1))
    within = data.draw(st.integers(changes[place].first, changes[place].last))
    feed = feed_of(rule)
    assert [offered(feed, change) for change in changes] == [WAIT] * len(changes) and feed.state == SYNCING
    assert offered(feed, snapshot(within)) == ANEW and feed.state == LIVE
    is_in_it = rule == BY_FIRST and within == changes[place].last  # nothing of that message is news
    expected = [OLD] * (place + is_in_it) + [APPLY] * (len(changes) - place - is_in_it)
    assert [offered(feed, change) for change in changes] == expected
    assert (feed.gaps, feed.waited, feed.old, feed.applied) == (0, len(changes), expected.count(OLD), expected.count(APPLY))
    assert feed.last_id == changes[-1].last


@given(rule=RULES, lengths=LENGTHS, data=st.data(), fault=st.sampled_from(["lost", "twice", "exchanged"]))
def test_a_message_lost_doubled_or_exchanged_is_noticed_and_a_snapshot_mends_it(
    rule: int, lengths: list[int], data: st.DataObject, fault: str
) -> None:
    changes = chain(rule, lengths)
    place = data.draw(st.integers(1, len(changes) - 2))
    broken = list(changes)
    if fault == "lost":
        del broken[place]
    elif fault == "twice":
        broken.insert(place, broken[place])
    else:
        broken[place], broken[place + 1] = broken[place + 1], broken[place]
    feed = feed_of(rule)
    offered(feed, snapshot(changes[0].last - (rule == BY_FIRST)))
    verdicts = [offered(feed, change) for change in broken]
    if fault == "twice":
        assert verdicts.count(OLD) == 1 and verdicts.count(APPLY) == len(changes) and feed.state == LIVE
        return
    assert verdicts[:place] == [APPLY] * place
    assert verdicts[place] == GAP and set(verdicts[place + 1 :]) <= {WAIT}
    assert (feed.state, feed.gaps) == (RESYNC, 1)
    assert offered(feed, snapshot(changes[-1].last), 9) == ANEW
    assert (feed.state, feed.since_ns, feed.snapshots) == (LIVE, 9, 2)
    follower = Change(changes[-1].last + 1, changes[-1].last + 4, changes[-1].last)
    assert offered(feed, follower) == APPLY


@given(rule=RULES, lengths=LENGTHS)
def test_a_snapshot_that_is_older_than_what_waits_is_a_gap_again(rule: int, lengths: list[int]) -> None:
    changes = chain(rule, lengths)
    feed = feed_of(rule)
    offered(feed, snapshot(changes[0].last - 1))
    assert offered(feed, changes[1]) == GAP and feed.state == RESYNC


@given(lengths=LENGTHS, data=st.data())
def test_by_prior_id_a_snapshot_may_have_an_id_that_is_another_instrument_s(lengths: list[int], data: st.DataObject) -> None:
    changes = chain(BY_PRIOR, lengths)
    place = data.draw(st.integers(0, len(changes) - 1))
    feed = feed_of(BY_PRIOR)
    offered(feed, snapshot(data.draw(st.integers(changes[place].prior, changes[place].first - 1))))
    assert [offered(feed, change) for change in changes[place:]] == [APPLY] * (len(changes) - place)


def test_by_prior_id_the_first_change_may_end_at_the_snapshot_and_no_other_may() -> None:
    feed = feed_of(BY_PRIOR)
    offered(feed, snapshot(50))
    assert offered(feed, Change(45, 50, 44)) == APPLY
    assert offered(feed, Change(45, 50, 44)) == OLD
    assert offered(feed, Change(53, 55, 50)) == APPLY


def test_pictures_of_the_best_levels_stay_apart_from_changes_and_are_all_there_is_by_whole() -> None:
    feed = feed_of(BY_FIRST)
    offered(feed, snapshot(50))
    assert offered(feed, Change(99, 99, -1, 1)) == APART and feed.last_id == 50
    best = feed_of(WHOLE)
    assert [offered(best, Change(-1, -1, -1, 1)) for _ in range(2)] == [APPLY, APPLY]
    assert best.state == LIVE
    numbered = feed_of(WHOLE)
    assert [offered(numbered, Change(last, last, -1, 1)) for last in (5, 9, 7, 9)] == [APPLY, APPLY, OLD, APPLY]


def test_silence_makes_a_live_feed_stale_and_what_follows_makes_it_live_again() -> None:
    feed = feed_of(BY_FIRST)
    assert not grow_stale(feed, 10**12, 5)  # one that is syncing is not live
    offered(feed, snapshot(50), 100)
    assert not grow_stale(feed, 105, 5) and grow_stale(feed, 106, 5) and not grow_stale(feed, 107, 5)
    assert (feed.state, feed.since_ns) == (STALE, 106)
    assert offered(feed, Change(51, 52, -1), 110) == APPLY
    assert (feed.state, feed.since_ns, feed.seen_ns) == (LIVE, 110, 110)
    grow_stale(feed, 999, 5)
    assert offered(feed, Change(60, 61, -1), 1_000) == GAP and feed.state == RESYNC


@given(rule=st.sampled_from([BY_FIRST, BY_PRIOR]), lengths=st.lists(st.integers(1, 9), min_size=2, max_size=12), at=st.integers(0, 200))
def test_a_snapshot_comes_too_early_exactly_where_the_first_change_would_be_a_gap(rule: int, lengths: list[int], at: int) -> None:
    first, feed = chain(rule, lengths)[1], feed_of(rule)
    taken = snapshot(950 + at)
    is_early = comes_too_early(feed, taken.last, first.first, first.prior)
    offered(feed, taken)
    assert is_early == (offered(feed, first) == GAP)


def test_an_interrupted_feed_goes_on_where_nothing_was_lost_and_is_a_gap_where_something_was() -> None:
    feed = feed_of(BY_FIRST)
    assert not interrupt(feed, 5) and feed.state == SYNCING
    offered(feed, snapshot(50), 100)
    assert interrupt(feed, 120) and not interrupt(feed, 130)
    assert (feed.state, feed.since_ns) == (STALE, 120)
    assert offered(feed, Change(51, 52, -1), 140) == APPLY and feed.state == LIVE
    interrupt(feed, 150)
    assert offered(feed, Change(54, 55, -1), 160) == GAP and feed.state == RESYNC


def test_a_distrusted_book_waits_for_a_snapshot_and_one_that_is_sent_whole_needs_none() -> None:
    for rule in (BY_FIRST, BY_PRIOR):
        feed = feed_of(rule)
        distrust(feed, 10)
        assert feed.state == SYNCING
        offered(feed, snapshot(50), 100)
        distrust(feed, 110)
        assert feed.state == RESYNC and offered(feed, Change(51, 52, 50), 120) == WAIT
        offered(feed, snapshot(52), 130)
        assert feed.state == LIVE
    whole = feed_of(WHOLE)
    offered(whole, Change(1, 1, -1, 1), 100)
    distrust(whole, 110)
    assert whole.state == LIVE


@given(rule=RULES, lengths=LENGTHS, data=st.data())
def test_another_connection_goes_on_wherever_its_messages_are_cut(rule: int, lengths: list[int], data: st.DataObject) -> None:
    changes = chain(rule, lengths, holes=0)
    cut = data.draw(st.integers(1, len(changes) - 1))
    feed = feed_of(rule)
    offered(feed, snapshot(changes[0].last - 1))
    assert [offered(feed, change) for change in changes[:cut]] == [APPLY] * cut
    known = feed.last_id
    begins = data.draw(st.integers(changes[0].first, known + 3))
    ends = data.draw(st.integers(known + 1, known + 20).filter(lambda last: last >= begins))
    other = Change(begins, ends, begins - 1 if rule == BY_PRIOR else -1)
    is_joined = bool(joins(feed, other.first, other.prior))
    assert is_joined == (begins <= known + 1)
    rejoin(feed)
    assert offered(feed, other) == (APPLY if is_joined else GAP)
    assert not is_joined or offered(feed, Change(ends + 1, ends + 2, ends)) == APPLY


def test_the_share_of_time_live_is_that_of_its_intervals() -> None:
    feed = rows(FeedRow, 1)[0]
    assert live_share(feed, 0, 0) == 0.0 and live_share(feed, 0, 100) == 0.0
    offered(feed, snapshot(50), 100)
    assert live_share(feed, 0, 200) == 0.5
    interrupt(feed, 200)
    assert live_share(feed, 0, 400) == 0.25
    offered(feed, Change(51, 52, -1), 400)
    assert live_share(feed, 0, 500) == 0.4 and live_share(feed, 0, 400) == 0.25
    whole = feed_of(WHOLE)
    assert joins(whole, 7, -1)
