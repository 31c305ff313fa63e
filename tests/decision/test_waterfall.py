"""The waterfall loses what fell and no more, mirrors with its rows, and its picture says the same numbers."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.decision.waterfall import Waterfall, notable, waterfall, waterfall_text
from metastackerbandit.decision.waterfall_picture import waterfall_svg
from metastackerbandit.domain.gate import BLOCK, PASS, UNKNOWN
from tests.covering import covers
from tests.decision.test_attrition import GATES, Made, made, plans_record, records

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
        "  asked                      190                               ######|#################################### 1,171",
        "  consensus  (-190, alone 190) 0                                     |####                                 137 (-1,034, alone 1,034)",
        "  at the other 2 gates nothing fell",
    ]


def test_what_fell_for_lack_of_data_is_said() -> None:
    verdict = np.full((3, 3), PASS, np.int8)
    verdict[0, 0], verdict[1, 0] = UNKNOWN, BLOCK
    text = waterfall_text(fallen(made(np.ones(3, np.int64), verdict, np.zeros(3, np.int64))))
    assert "1 (-2, no data 1, alone 2)" in text


def picture(record: Made) -> ElementTree.Element:
    return ElementTree.fromstring(waterfall_svg(fallen(record), "Gates & <limits>", ["2025 · BTCUSDT"], ["SELL dies"]))


def words(drawn: ElementTree.Element) -> list[str]:
    return ["".join(element.itertext()) for element in drawn.iter(f"{SVG}text")]


@covers("A01")
def test_the_picture_tells_title_gates_sides_numbers_and_findings() -> None:
    told = words(picture(plans_record()))
    assert {"Gates & <limits>", "2025 · BTCUSDT", "BUY", "SELL", "consensus", "asked for new risk", "← SELL dies"} <= set(told)
    assert {"137 −1,034, 1,034 alone", "−190, 190 alone 0", "1,171", "190"} <= set(told)
    assert any("nothing fell at 2 other gates" in line for line in told)


@given(record=records(), seed=st.integers(0, 9))
def test_bars_are_as_long_as_their_counts_and_stay_inside(record: Made, seed: int) -> None:
    found = fallen(record)
    drawn = picture(record)
    width = float(drawn.attrib["width"])
    bars = [element for element in drawn.iter(f"{SVG}rect") if element.attrib.get("height") == "20"]
    assert all(float(bar.attrib["x"]) >= 0 and float(bar.attrib["x"]) + float(bar.attrib["width"]) <= width for bar in bars)
    solid = sum(float(bar.attrib["width"]) for bar in bars if "url" not in bar.attrib["fill"])
    most = max(found.buy, found.sell, 1)
    counts = found.buy + found.sell + sum(step.buy.left + step.buy.fell + step.sell.left + step.sell.fell for step in notable(found))
    assert abs(solid - counts * 310 / most) < 0.1 * max(len(bars), 1)


def test_many_findings_are_cut_and_counted() -> None:
    drawn = ElementTree.fromstring(waterfall_svg(fallen(plans_record()), "t", [], ["x" * 300] * 9))
    told = [line for line in words(drawn) if line.startswith(("←", "and"))]
    assert len(told) == 7 and told[-1] == "and 3 more: msb funnel" and told[0].endswith("…")
