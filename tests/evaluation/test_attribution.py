"""Sums of profit: what was earned, and what gates kept from being earned, come out exactly, each gate's part by Shapley's definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.evaluation.attribution import shares, waterfall
from tests.covering import covers

GATES = ("alpha", "mood", "flip_gap", "impact")
TRADES = st.lists(st.tuples(st.integers(-(10**12), 10**12), st.sets(st.sampled_from(GATES), min_size=1)), max_size=12)


def worth_of(trades: list[tuple[int, set[str]]]) -> dict[frozenset[str], int]:
    """The game: a coalition of gates that are removed earns the trades that no other gate blocks."""
    coalitions = [frozenset(name for bit, name in enumerate(GATES) if number >> bit & 1) for number in range(16)]
    return {coalition: sum(net for net, blockers in trades if blockers <= coalition) for coalition in coalitions}


def shapley(worth: Mapping[frozenset[str], int], players: Sequence[str]) -> dict[str, Fraction]:
    """Shapley values by definition, over every order of few players: what each adds on average. Coalitions that are not named are worth 0."""
    found = dict.fromkeys(players, Fraction(0))
    orders = list(permutations(players))
    for order in orders:
        before: frozenset[str] = frozenset()
        for player in order:
            after = before | {player}
            found[player] += Fraction(worth.get(after, 0) - worth.get(before, 0), len(orders))
            before = after
    return found


@covers("K22")
@given(trades=TRADES)
def test_equal_parts_are_the_shapley_values_of_what_was_not_traded(trades: list[tuple[int, set[str]]]) -> None:
    by_definition = shapley(worth_of(trades), GATES)
    found = shares([net for net, _ in trades], [sorted(blockers) for _, blockers in trades])
    assert {gate: found.get(gate, Fraction(0)) for gate in GATES} == by_definition
    assert sum(found.values()) == sum(net for net, _ in trades)


@covers("K22")
@given(trades=TRADES, trips=st.lists(st.integers(-(10**12), 10**12), max_size=6), open_profit=st.integers(-(10**9), 10**9))
def test_the_waterfall_falls_from_everything_traded_to_what_was_realised(
    trades: list[tuple[int, set[str]]], trips: list[int], open_profit: int
) -> None:
    falls = waterfall(sum(trips) + open_profit, trips, [net for net, _ in trades], [sorted(blockers) for _, blockers in trades])
    assert falls.traded_all - sum(falls.taken.values()) == falls.realised
    assert falls.trips + falls.open_profit == falls.realised
    assert falls.open_profit == open_profit


def test_a_game_by_definition() -> None:
    """Gloves (Shapley 1953 in textbooks): one left, two right hands; a pair is worth 1."""
    pairs = {frozenset("ab"): 1, frozenset("ac"): 1, frozenset("abc"): 1}
    assert shapley(pairs, "abc") == {"a": Fraction(2, 3), "b": Fraction(1, 6), "c": Fraction(1, 6)}
