"""A made market is a matter of its seed: who is listed beside whom, and in what order, changes no path."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.recording import FundingRow
from metastackerbandit.domain.timeframe import MINUTE_NS, SECOND_NS
from metastackerbandit.simulation.made_market import MadeMarket, advance_market, settle
from metastackerbandit.simulation.settings import GeneratorSettings
from tests.markets import START_NS
from tests.simulation.made import SYMBOLS, begun

STEPS = st.lists(st.integers(1, 5 * MINUTE_NS), max_size=40)


def gone_on(made: MadeMarket, steps: list[int]) -> MadeMarket:
    for step_ns in steps:
        advance_market(made, step_ns)
    return made


def as_bytes(made: MadeMarket) -> bytes:
    return b"".join(rows.tobytes() for rows in made)


@given(STEPS, st.integers(0, 10_000))
@hypothesis_settings(max_examples=30)
def test_one_seed_is_one_market(steps, seed):
    settings = GeneratorSettings(seed=seed)
    assert as_bytes(gone_on(begun(settings), steps)) == as_bytes(gone_on(begun(settings), steps))
    assert as_bytes(begun(settings)) != as_bytes(begun(GeneratorSettings(seed=seed + 1)))


@given(STEPS)
@hypothesis_settings(max_examples=20)
def test_a_symbol_s_path_is_its_own(steps):
    alone = {one.instrument.symbol: gone_on(begun(symbols=(one,)), steps) for one in SYMBOLS}
    for order in permutations(SYMBOLS):
        made = gone_on(begun(symbols=order), steps)
        assert made.market.tobytes() == alone["BTCUSDT"].market.tobytes()
        for s, one in enumerate(order):
            assert made.values[s].tobytes() == alone[one.instrument.symbol].values[0].tobytes()
            assert made.tapes[s].tobytes() == alone[one.instrument.symbol].tapes[0].tobytes()


@given(STEPS)
@hypothesis_settings(max_examples=20)
def test_time_goes_on_by_the_steps(steps):
    assert gone_on(begun(), steps).market["at_ns"][0] == START_NS + sum(steps)


def test_a_market_begins_at_its_prices_in_its_long_run_law():
    made = begun()
    assert np.exp(made.values["log_ticks"]) == pytest.approx([600_000.0, 30_000.0, 15_000.0])
    leans = np.array([begun(GeneratorSettings(seed=seed)).values["lean"] for seed in range(400)])
    regimes = np.array([begun(GeneratorSettings(seed=seed)).market["regime"][0] for seed in range(400)])
    assert leans.mean() == pytest.approx(0.0, abs=0.15) and leans.std() == pytest.approx(1.0, rel=0.1)
    assert np.corrcoef(leans[:, 0], leans[:, 1])[0, 1] == pytest.approx(0.5, abs=0.15)
    assert [(regimes == regime).mean() for regime in range(3)] == pytest.approx([5 / 12, 6 / 12, 1 / 12], abs=0.08)


def test_a_market_of_nothing_still_has_weather():
    made = begun(symbols=())
    advance_market(made, SECOND_NS)
    assert len(made.values) == 0 and made.market["busy_s"][0] > 0.0


def test_without_jumps_none_is_waited_for():
    assert math.isinf(begun(GeneratorSettings(jumps_a_day=0.0)).values["jump_s"][0])


def test_funding_is_settled_for_every_symbol_and_begins_anew():
    made, funding = begun(), np.zeros((3, 2), layout(FundingRow))
    gone_on(made, [MINUTE_NS] * 90)
    settle(made, funding, 1)
    assert (funding["at_ns"][:, 1] == START_NS + 90 * MINUTE_NS).all() and (funding["at_ns"][:, 0] == 0).all()
    assert funding["mark"][:, 1].tolist() == [round(math.exp(log)) for log in made.values["log_ticks"]]
    assert (funding["rate"][:, 1] != 10_000).any() and (np.abs(funding["rate"]) <= 300_000).all()
    settle(made, funding, 0)
    assert (funding["rate"][:, 0] == 10_000).all()
