"""The way of orders over the wire: what arrived and was filled is counted, each part of it after the one before, and a live run really trades."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.bench.spec import OURS
from metastackerbandit.bench.wire_exchange import Arrival
from metastackerbandit.bench.works.wire import BENCHMARK, PEER, WAYS, Ways, prepared

SENT = st.lists(st.tuples(st.booleans(), st.sampled_from(["filled", "", "expired"]), st.integers(1, 10**7)), max_size=20)
SECONDS, SYMBOLS = 12.0, 4  # three turns of the market, less what it takes until books and account are known


@given(SENT)
def test_an_order_counts_where_it_arrived_and_was_filled(sent: list[tuple[bool, str, int]]) -> None:
    arrivals = {f"o{n}": Arrival(100 + step, 40, status) for n, (came, status, step) in enumerate(sent) if came}
    ways = Ways()
    waits = ways.taken(OURS, [(f"o{n}", 100, 110, 120) for n in range(len(sent))], arrivals)
    counted = [step for came, status, step in sent if came and status == "filled"]
    assert np.allclose(waits, np.array(counted) / 1e6) and len(ways.ms[OURS]) == len(counted)
    assert all(way[3] > way[2] for way in ways.ms[OURS]) and ways.lost[OURS] == len(sent) - len(counted)


def test_the_goal_is_judged_by_the_worse_of_two() -> None:
    ways = Ways()
    orders = [(f"o{n}", 0, 100_000, 500_000 if n else 20_000_000) for n in range(100)]
    ways.taken(OURS, orders, {name: Arrival(30_000_000, -1_000_000, "filled") for name, *_ in orders})
    ways.taken(PEER, orders, {name: Arrival(30_000_000, -1_000_000, "filled") for name, *_ in orders[:7]})
    facts = ways.facts()
    assert (facts["ours_orders"], facts["ccxt_orders"]) == (100, 7)
    assert facts["ours_to_request_p50_ms"] == 0.5 and facts["ours_to_request_max_ms"] == 20.0
    assert facts["share_of_the_goal"] == max(0.5, facts["ours_to_request_p99_ms"] / 5.0)
    assert facts["ours_from_trade_to_arrival_p50_ms"] == 31.0 and "ccxt_to_request_p50_ms" not in facts
    assert BENCHMARK.target is not None and BENCHMARK.target.figure in facts


@pytest.fixture(scope="module")
def run() -> dict[str, Any]:
    """One run of a small market, and everything that it told."""
    with ExitStack() as stack:
        ready = prepared(stack, SYMBOLS, SECONDS)
        answer = ready.run()
        assert ready.waits_ms is not None and ready.facts is not None
        waits = ready.waits_ms(OURS, answer)
        return {"answer": answer, "waits": waits, "facts": ready.facts(), "peers": dict(ready.peers), "unit": ready.unit}


def test_every_order_that_left_arrived_and_was_filled(run: dict[str, Any]) -> None:
    sent = run["answer"]["sent"]
    assert len(sent) >= SYMBOLS // 2 and len({row[0] for row in sent}) == len(sent)
    assert len(run["waits"]) == len(sent) == run["facts"]["ours_orders"] and run["facts"]["ours_lost"] == 0


def test_each_part_of_the_way_follows_the_one_before(run: dict[str, Any]) -> None:
    assert all(received < decided < handed for _, received, decided, handed in run["answer"]["sent"])
    facts = run["facts"]
    for part in ("p50", "p90", "p99", "max"):
        told = [facts[f"ours_{way}_{part}_ms"] for way in WAYS]
        assert told == sorted(told) and told[0] > 0
    assert facts["share_of_the_goal"] > 0 and "ccxt_orders" not in facts


def test_the_run_was_a_sound_one(run: dict[str, Any]) -> None:
    happened = run["answer"]["happened"]
    assert happened["live"] == SYMBOLS and happened["account_live"] == 1
    assert not {"gap", "differs", "broken", "order_refused", "order_unknown", "order_resent", "closed", "risk_held"} & set(happened)


def test_the_peer_is_asked_to_do_the_same_on_the_same_exchange(run: dict[str, Any]) -> None:
    asked = run["peers"][PEER]
    assert (asked.home, asked.script, asked.job["seconds"], run["unit"]) == ("ccxt", "wire.py", SECONDS, "orders") and asked.job["port"] > 0
