"""The waterfall loses what fell and no more, mirrors with its rows, and its picture says the same numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from metastackerbandit.decision.waterfall import Fall, Step, Waterfall, waterfall, waterfall_text
from metastackerbandit.domain.gate import BLOCK, PASS, UNKNOWN
from tests.covering import covers
from tests.decision.recorded import GATES, Made, made, plans_record, records

SVG = "{http://www.w3.org/2000/svg}"


def fallen(record: Made) -> Waterfall:
    return waterfall(record[0], record[2], GATES)


@given(record=records())
def test_what_is_left_is_what_was_asked_less_what_fell(record: Made) -> None:
    found = fallen(record)
    for start, falls in ((found.buy, [step.buy for step in found.steps]), (found.sell, [step.sell for step in found.steps])):
        left = start
        for fall in falls:
            assert fall.left == left - fall.fell and 0 <= fall.unknown <= fall.fell and fall.sole <= fall.fell
            left = fall.left
    decided = record[0]
    assert found.buy + found.sell == len(decided)
    assert [step.buy.sole + step.sell.sole for step in found.steps] == [int((decided["sole"] == place).sum()) for place in range(len(GATES))]
    assert found.steps[-1].buy.left + found.steps[-1].sell.left == int((decided["binding"] < 0).sum())


@given(record=records())
def test_mirrored_rows_have_a_mirrored_waterfall(record: Made) -> None:
    one = fallen(record)
    record[0]["side"] *= -1
    other = fallen(record)
    assert (one.buy, one.sell) == (other.sell, other.buy)
    assert [(step.buy, step.sell) for step in one.steps] == [(step.sell, step.buy) for step in other.steps]


@covers("A01", "3.08")
def test_the_plans_waterfall_in_text() -> None:
    assert waterfall_text(fallen(plans_record())).splitlines() == [
        "  left after                                                      SELL|BUY",
        "  asked                       190                               ######|#################################### 1,171",
        "  consensus   (-190, alone 190) 0                                     |####                                 137 (-1,034, alone 1,034)",
        "  at the other 2 gates nothing fell",
    ]


def test_what_fell_for_lack_of_data_is_said() -> None:
    verdict = np.full((3, 3), PASS, np.int8)
    verdict[0, 0], verdict[1, 0] = UNKNOWN, BLOCK
    text = waterfall_text(fallen(made(np.ones(3, np.int64), verdict, np.zeros(3, np.int64))))
    assert "1 (-2, no data 1, alone 2)" in text


def test_the_longer_side_has_the_longest_bar_and_what_is_hardly_there_one_mark() -> None:
    one_of_many = Waterfall(1, 1_000, (Step("mood", Fall(1, 0, 0, 0), Fall(0, 1_000, 0, 0)),))
    lines = waterfall_text(one_of_many).splitlines()
    assert lines == [
        "  left after                                                      SELL|BUY",
        "  asked                     1,000 ####################################|#                                    1",
        "  mood        (-1,000, alone 0) 0                                     |#                                    1",
        "  at the other 0 gates nothing fell",
    ]
    assert len({line.index("|") for line in lines[:-1]}) == 1, "one axis"


def test_where_nothing_fell_that_is_all_there_is_to_say() -> None:
    quiet = Waterfall(0, 2, (Step("mood", Fall(0, 0, 0, 0), Fall(2, 0, 0, 0)),))
    assert waterfall_text(quiet).splitlines() == [
        "  left after                                     SELL|BUY",
        "  asked        2 ####################################|                                     0",
        "  nothing fell at any of 1 gates",
    ]
