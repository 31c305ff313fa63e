"""The ring of ticks: the newest trades in one stretch of memory, and what fell off is counted."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.market.tick_ring import empty_ticks, forget, keep, newest_ticks
from tests.market.tapes import tape


@given(seed=st.integers(0, 10**6), most=st.integers(1, 40), steps=st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=120))
@settings(max_examples=40)
def test_a_ring_is_a_list_with_room_for_so_many(seed: int, most: int, steps: list[tuple[bool, int]]) -> None:
    ring, plain, dropped = empty_ticks(2, most), [], 0
    trades = tape(seed, max(len(steps), 1))
    for trade, (is_kept, behind) in zip(trades, steps, strict=False):
        if is_kept:
            keep(ring, 1, trade)
            plain.append(trade.copy())
            if len(plain) > most:
                plain.pop(0)
                dropped += 1
        else:
            oldest_ns = int(trade["traded_ns"]) - behind * 100_000_000
            forget(ring, 1, oldest_ns)
            while plain and plain[0]["traded_ns"] < oldest_ns:
                plain.pop(0)
        view = newest_ticks(ring, 1)
        assert view.tobytes() == b"".join(one.tobytes() for one in plain) and (not plain or np.shares_memory(view, ring.trades))
        assert ring.cursor[1]["dropped"] == dropped
    assert ring.cursor[0]["written"] == 0 and len(newest_ticks(ring, 0)) == 0
