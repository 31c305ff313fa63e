"""What is printed of a made market's predictability is its theory, and what its history shows of it."""

from __future__ import annotations

import math

import pytest

from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, MINUTE_NS
from metastackerbandit.simulation.drift import foreseen
from metastackerbandit.simulation.history import History, made_history
from metastackerbandit.simulation.predictability import HORIZONS, foreseeable, predictability_lines
from metastackerbandit.simulation.settings import GeneratorSettings
from tests.covering import covers
from tests.markets import START_NS
from tests.simulation.made import begun

PLAIN = GeneratorSettings()


def year(settings: GeneratorSettings, days: int = 365, frame_ns: int = 5 * MINUTE_NS) -> History:
    return made_history(begun(settings), settings, START_NS + days * DAY_NS, frame_ns)


@covers("0.30")
@pytest.mark.parametrize("settings", [PLAIN, GeneratorSettings(predictability=0.12, drift_half_life_hours=1.0, seed=4)])
def test_a_year_shows_the_predictability_that_was_put_in(settings):
    rows = foreseeable(settings, year(settings))
    assert [row.horizon for row in rows] == list(HORIZONS)
    for row, seconds in zip(rows, (300, 900, 3_600, 14_400), strict=True):
        assert row.by_drift == row.by_past == foreseen(settings, seconds)
        noise = 4.0 * math.sqrt(seconds / (365 * 86_400) / 1.5)  # of a correlation, three symbols that move half together
        assert math.sqrt(abs(row.by_drift_seen)) == pytest.approx(math.sqrt(row.by_drift), abs=noise)
        assert row.by_past_seen == pytest.approx(row.by_past, abs=noise)
    assert 0.0 < rows[2].by_flow_seen < rows[2].by_drift  # takers tell a part of the drift, never all


def test_flow_that_does_not_lean_tells_nothing():
    silent = foreseeable(GeneratorSettings(flow_lean=0.0, follow_lean=0.0), year(GeneratorSettings(flow_lean=0.0, follow_lean=0.0)))
    telling = foreseeable(PLAIN, year(PLAIN))
    assert abs(silent[2].by_flow_seen) < 0.001 < telling[2].by_flow_seen


def test_a_market_without_predictability_shows_none():
    blind = GeneratorSettings(predictability=0.0)
    for row in foreseeable(blind, year(blind)):
        assert row.by_drift == row.edge_bps == 0.0
        assert math.isnan(row.by_drift_seen)  # there is no drift to compare with
        assert abs(row.by_past_seen) < 0.07


def test_what_a_history_cannot_show_is_not_known():
    short, long_frame = foreseeable(PLAIN, year(PLAIN, days=1)), foreseeable(PLAIN, year(PLAIN, days=30, frame_ns=HOUR_NS))
    assert not math.isnan(short[0].by_past_seen)
    assert [math.isnan(row.by_past_seen) for row in long_frame] == [True, True, False, False]
    assert all(math.isnan(row.by_past_seen) for row in foreseeable(PLAIN, None))


@covers("B04")
def test_the_words_say_that_it_is_simulated_and_how_much_was_put_in():
    lines = predictability_lines(PLAIN, year(PLAIN, days=20))
    text = "\n".join(lines)
    assert "simulated" in lines[0] and "seed 1" in lines[0]
    assert "calm 42% of the time at 26% a year" in text and "R2 0.040 of an hour's return, half-life 2 h" in text
    assert [line.split()[0] for line in lines[-4:]] == list(HORIZONS)
    assert "0.0400" in lines[-2] and "13.2 bps" in lines[-2]
    assert max(map(len, lines)) < 200
    assert lines[-1].split()[-1] != "-" and predictability_lines(PLAIN, None)[-1].split()[-1] == "-"
