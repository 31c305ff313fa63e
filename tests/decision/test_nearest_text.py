"""Near misses in words: the list, its scales, and what no number mends."""

from __future__ import annotations

import math

import msgspec

from metastackerbandit.decision.nearest_text import near_misses, nearest_text
from tests.decision.nearing import GATES, a_record, ranked


def test_the_list_says_its_scales_and_what_no_number_mends() -> None:
    record = a_record([(1.0, 5.0, 0.0, 1), (0.0, 15.0, 0.0, -1), (4.0, 1.0, 1.0, 1), (9.0, 2.0, 0.0, 1)])
    decided, seen, limit, _ = record
    found = near_misses(decided, seen, limit, ranked(record), GATES, ["BTCUSDT"], 5)
    assert nearest_text(found, 4, 3).splitlines() == [
        "run 3: 3 of 4 wishes for new risk were stopped; those that lacked least:",
        "         0.222  1970-01-01 00:00:00.000000001Z  BTCUSDT 5m BUY  decision 1: EDGE_BELOW_LIMIT 1 against 2 bps",
        "          0.87  1970-01-01 00:00:00.000000002Z  BTCUSDT 5m SELL decision 2: EDGE_BELOW_LIMIT 0 against 2 bps; "
        "SPREAD_ABOVE_LIMIT 15 against 10 bps",
        "  no threshold  1970-01-01 00:00:00.000000003Z  BTCUSDT 5m BUY  decision 3: MODEL_SILENT_LATE",
        "  distance: what was lacking over the gate's spread on these wishes, of several gates the largest; "
        "spreads: edge 4.5 (interquartile range), spread 5.75 (interquartile range)",
        "  1 of them were stopped by something that no number mends, such as a silent model or missing data",
    ]
    shape = msgspec.json.decode(msgspec.json.encode(found))
    assert shape["misses"][2]["distance"] is None and shape["scales"]["edge"] == {"size": 4.5, "of": "interquartile range", "values": 4}


def test_the_list_ends_at_the_top_ones_and_names_only_their_gates_scales() -> None:
    record = a_record([(1.0, 5.0, 0.0, 1), (0.0, 15.0, 0.0, -1), (4.0, 1.0, 0.0, 1), (9.0, 2.0, 0.0, 1)])
    decided, seen, limit, _ = record
    decided["instrument"] = [1, 0, 0, 0]
    found = near_misses(decided, seen, limit, ranked(record), GATES, ["ETHUSDT", "BTCUSDT"], 1)
    assert (found.stopped, found.no_threshold, list(found.scales)) == (2, 0, ["edge"])
    (miss,) = found.misses
    assert (miss.decision, miss.symbol, miss.frame, miss.side) == (1, "BTCUSDT", "5m", "BUY")
    (lacked,) = miss.lacked
    assert (lacked.gate, lacked.code, lacked.observed, lacked.limit, lacked.unit) == ("edge", "EDGE_BELOW_LIMIT", 1.0, 2.0, "bps")
    assert lacked.distance == miss.distance == 1.0 / found.scales["edge"].size
    assert nearest_text(found, 4, 3, until=17).splitlines()[0].startswith("run 3, up to decision 17: 2 of 4 wishes")


def test_missing_data_is_named_without_a_number_and_no_scale_is_told() -> None:
    record = a_record([(math.nan, 5.0, 0.0, 1)])
    decided, seen, limit, _ = record
    found = near_misses(decided, seen, limit, ranked(record), GATES, ["BTCUSDT"], 5)
    assert nearest_text(found, 1, 1).splitlines() == [
        "run 1: 1 of 1 wishes for new risk were stopped; those that lacked least:",
        "  no threshold  1970-01-01 00:00:00.000000001Z  BTCUSDT 5m BUY  decision 1: EDGE_UNKNOWN",
        "  1 of them were stopped by something that no number mends, such as a silent model or missing data",
    ]
    assert found.misses[0].lacked[0].observed is None and found.misses[0].lacked[0].limit == 2.0 and found.scales == {}


def test_thousands_are_set_apart_and_a_run_without_a_miss_has_one_line() -> None:
    record = a_record([(9.0, 1.0, 0.0, 1)])
    decided, seen, limit, _ = record
    found = near_misses(decided, seen, limit, ranked(record), GATES, ["BTCUSDT"], 5)
    assert nearest_text(found, 12_345, 2) == "run 2: 0 of 12,345 wishes for new risk were stopped; those that lacked least:"
