"""Caches kept whole from a scripted venue, in virtual time: what is amiss is told and mended, what fails is tried again, nothing is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import RequestFailed, VenueError
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.exchanges.catalog import streams_of
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.market.bar_ring import Bars, closed_bars, refill
from metastackerbandit.market.bar_terms import bar_terms
from metastackerbandit.market.bars import empty_bars
from metastackerbandit.market.settings import BarSettings, UpkeepSettings
from metastackerbandit.market.upkeep import agreeing
from metastackerbandit.runtime.rest_desk import RestDesk
from metastackerbandit.runtime.settings import UpkeepWorkerSettings
from metastackerbandit.runtime.upkeep_worker import UpkeepWorker, Upkept
from metastackerbandit.runtime.weight_budget import WeightBudget
from tests.covering import covers
from tests.markets import instrument, walk
from tests.runtime.pretended import Desk
from tests.runtime.virtual_time import START_NS, VirtualClock, in_virtual_time

COUNT = 300
ONE = instrument("BTCUSDT", "perp", "BINANCE")
UPKEEP = UpkeepSettings(bars=COUNT, most_bars=100)


def venue() -> np.ndarray:
    """The venue's candles of a minute (N,), to an hour beyond now."""
    bars = walk(3, COUNT + 160, base_ns=MINUTE_NS)
    bars["opened_ns"] += START_NS // MINUTE_NS * MINUTE_NS - int(bars["opened_ns"][COUNT + 100])
    bars["closed_ns"] = bars["known_ns"] = bars["opened_ns"] + MINUTE_NS
    bars["quote_volume"], bars["taker_volume"], bars["trades"] = bars["volume"] * 2, bars["volume"] / 2, 7
    return bars


CANDLES = venue()


def reply(url: str, silent: frozenset[int] = frozenset()) -> bytes:
    """What the venue answers to a request of candles, the forming one with them."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    first, last = int(query["startTime"]) * 10**6, int(query["endTime"]) * 10**6
    told = [bar for bar in CANDLES if first <= bar["opened_ns"] <= last and int(bar["opened_ns"]) not in silent][: int(query["limit"])]
    return json.dumps(
        [
            [
                int(bar["opened_ns"]) // 10**6,
                *(ONE.price_text(bar[name]) for name in ("open", "high", "low", "close")),
                repr(float(bar["volume"])),
                int(bar["closed_ns"]) // 10**6 - 1,
                repr(float(bar["quote_volume"])),
                7,
                repr(float(bar["taker_volume"])),
                "0",
                "0",
            ]
            for bar in told
        ]
    ).encode()


def ring(kept: np.ndarray) -> Bars:
    """Rings of a minute that hold these bars."""
    bars = empty_bars([bar_terms(ONE)], [MINUTE_NS], BarSettings())
    refill(bars, 0, 0, kept)
    return bars


def due() -> np.ndarray:
    """What the cache should hold now."""
    return CANDLES[CANDLES["closed_ns"] <= START_NS - 5 * 10**9][-COUNT:]


class Kept:
    """A worker over one ring."""

    def __init__(self, bars: Bars, said: Callable[[str, int], bytes | int | VenueError | None] | None = None) -> None:
        self.bars, self.told = bars, list[Upkept]()
        self.desk = Desk(said or (lambda url, n: reply(url)), after_s=0.1)

    def worker(self, audit_bars: int = 100, every_s: float = 60.0) -> UpkeepWorker:
        clock = VirtualClock()
        return UpkeepWorker(
            self.bars,
            [ONE],
            RestDesk(self.desk, WeightBudget(streams_of("BINANCE", "perp").limits, 1.0), clock),
            clock=clock,
            settings=UpkeepWorkerSettings(every_s=every_s, audit_bars=audit_bars),
            upkeep=UPKEEP,
            endpoints=EndpointSettings(),
            tell=self.told.append,
        )

    async def rounds(self, seconds: float) -> None:
        running = asyncio.ensure_future(self.worker().run())
        await asyncio.sleep(seconds)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@covers("2.001", "2.002", "2.003")
@given(seed=st.integers(0, 10**6), lost=st.sampled_from([0.0, 0.1, 1.0]), head=st.integers(0, 150))
@settings(max_examples=12)
def test_after_a_round_the_cache_is_the_venue_s_and_what_was_amiss_was_told(seed: int, lost: float, head: int) -> None:
    rng = np.random.default_rng(seed)
    whole = due()
    kept = whole.copy()
    is_wrong, is_partial = rng.random(COUNT) < 0.1, rng.random(COUNT) < 0.1
    is_wrong &= ~is_partial
    kept["close"][is_wrong] = np.clip(kept["close"][is_wrong] + 1, kept["low"][is_wrong], None)
    kept["high"] = np.maximum(kept["high"], kept["close"])
    kept["parts"][is_partial] = 0
    stays = rng.random(COUNT) >= lost
    stays[COUNT - head :] = False
    held = np.flatnonzero(stays)
    seen = whole["opened_ns"] >= (whole["opened_ns"][held[-100:]].min() if len(held) else 0)

    async def work() -> None:
        made = Kept(ring(kept[stays]))
        found = (await made.worker().round())[0]
        audits = len(held) > 0 and int(whole["opened_ns"][held[-1]] - whole["opened_ns"][held[-100:]].min()) // MINUTE_NS < 100
        differing = int((is_wrong & stays & seen).sum()) if audits else 0
        assert (found.gaps, found.partial, found.failed) == (COUNT - len(held), int((is_partial & stays).sum()), "")
        assert found.differing == differing and found.filled == found.gaps + found.partial and found.replaced >= differing
        cache = closed_bars(made.bars, 0, 0)
        assert cache["opened_ns"].tolist() == whole["opened_ns"].tolist() and (cache["parts"] == 1).all()
        unseen = is_wrong & stays & ~(agreeing(cache, whole, 1e-9))
        assert agreeing(cache[~unseen], whole[~unseen], 1e-9).all()
        assert (await made.worker(audit_bars=0).round())[0].is_whole
        at = [when for when, _ in made.desk.asked]
        assert all(later - earlier >= 0.3 - 1e-9 for earlier, later in pairwise(at))

    in_virtual_time(work())


@covers("2.003", "2.030")
@pytest.mark.parametrize("fault", [500, 429, b"<html>", b"[[1]]", RequestFailed("cut off")])
def test_what_fails_is_told_leaves_the_cache_alone_and_is_tried_again(fault: int | bytes | VenueError) -> None:
    async def work() -> None:
        kept = due()[:-7]
        made = Kept(ring(kept), lambda url, n: fault if n == 1 else reply(url))
        before = closed_bars(made.bars, 0, 0).tobytes()
        found = (await made.worker().round())[0]
        assert found.failed and (found.gaps, found.filled) == (7, 0) and closed_bars(made.bars, 0, 0).tobytes() == before
        made.told.clear()
        await made.rounds(100.0)
        assert [(told.filled, told.failed) for told in made.told] == [(7, ""), (1, "")]  # then a minute has passed

    in_virtual_time(work())


def test_where_the_venue_has_no_candle_it_is_asked_once() -> None:
    async def work() -> None:
        silent = frozenset(int(at) for at in due()["opened_ns"][40:45])
        made = Kept(ring(due()[(due()["opened_ns"] < min(silent)) | (due()["opened_ns"] > max(silent))]), lambda url, n: reply(url, silent))
        worker = made.worker(audit_bars=0)
        first, second = (await worker.round())[0], (await worker.round())[0]
        assert (first.gaps, first.silent, first.filled, first.requests) == (5, 5, 0, 1)
        assert second.is_whole and second.requests == 0

    in_virtual_time(work())


@covers("2.002")
def test_round_after_round_the_newest_candle_is_there_and_the_cache_holds_what_it_should() -> None:
    async def work() -> None:
        made = Kept(ring(due()))
        await made.rounds(600.0)
        cache = closed_bars(made.bars, 0, 0)
        now_ns = VirtualClock().now_ns()
        assert now_ns - int(cache[-1]["closed_ns"]) < 2 * MINUTE_NS + 5 * 10**9
        assert (np.diff(cache["opened_ns"]) == MINUTE_NS).all() and len(made.told) == 10
        assert sum(told.filled for told in made.told) == 9 and all(not told.failed for told in made.told)  # the first round found it whole

    in_virtual_time(work())
