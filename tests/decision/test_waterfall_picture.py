"""The picture of the waterfall: the same numbers as the text, bars in proportion, mirrored about their axis."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.decision.waterfall import Fall, Step, Waterfall, notable, waterfall
from metastackerbandit.decision.waterfall_picture import waterfall_svg
from tests.covering import covers
from tests.decision.recorded import GATES, Made, plans_record, records

SVG = "{http://www.w3.org/2000/svg}"


def fallen(record: Made) -> Waterfall:
    """The record's waterfall."""
    return waterfall(record[0], record[2], GATES)


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


FALLS = Waterfall(
    40,
    20,
    (
        Step("signal", Fall(30, 10, 4, 6), Fall(20, 0, 0, 0)),
        Step("quiet", Fall(30, 0, 0, 0), Fall(20, 0, 0, 0)),
        Step("cooldown", Fall(30, 0, 0, 0), Fall(5, 15, 0, 0)),
    ),
)
AXIS, HALF, FULL = 620.0, 85.0, 310.0  # of a picture 1,240 wide with names 170 wide in its middle


def drawn_of(found: Waterfall = FALLS, under: tuple[str, ...] = (), findings: tuple[str, ...] = ()) -> ElementTree.Element:
    return ElementTree.fromstring(waterfall_svg(found, "Gates", under, findings))


def bars_of(drawn: ElementTree.Element) -> dict[float, list[tuple[float, float, str]]]:
    """Of each row from above: the bars' begin and end as shares of the longest, SELL negative, and how they are filled."""
    found: dict[float, list[tuple[float, float, str]]] = {}
    for bar in drawn.iter(f"{SVG}rect"):
        if bar.attrib["height"] != "20":
            continue
        begin, width = float(bar.attrib["x"]), float(bar.attrib["width"])
        ends = (begin, begin + width) if begin > AXIS else (begin + width, begin)
        near, far = (round((abs(end - AXIS) - HALF) / FULL * (1 if begin > AXIS else -1), 3) for end in ends)
        how = "alone" if "url" in bar.attrib["fill"] else "fell" if "fill-opacity" in bar.attrib else "left"
        found.setdefault(float(bar.attrib["y"]), []).append((near, far, how))
    return found


def test_bars_begin_at_the_axis_and_what_fell_stands_beside_what_is_left() -> None:
    rows = list(bars_of(drawn_of()).values())
    assert rows == [
        [(0.0, -0.5, "left"), (0.0, 1.0, "left")],
        [(0.0, -0.5, "left"), (0.0, 0.75, "left"), (0.75, 1.0, "fell"), (0.75, 0.9, "alone")],
        [(0.0, -0.125, "left"), (-0.125, -0.5, "fell"), (0.0, 0.75, "left")],
    ]


def test_rows_stand_evenly_below_the_lines_of_the_title_and_the_picture_ends_below_its_findings() -> None:
    bare, full = drawn_of(), drawn_of(under=("one", "two"), findings=("three",))
    places, lower = list(bars_of(bare)), list(bars_of(full))
    assert places == [104.0, 138.0, 172.0] and lower == [140.0, 174.0, 208.0]
    assert int(bare.attrib["height"]) == 104 + 3 * 34 + 74 and int(full.attrib["height"]) == int(bare.attrib["height"]) + 3 * 18
    for drawn in (bare, full):
        assert drawn.attrib["viewBox"] == f"0 0 {drawn.attrib['width']} {drawn.attrib['height']}"
        assert all(0.0 < float(text.attrib["y"]) < int(drawn.attrib["height"]) for text in drawn.iter(f"{SVG}text"))


def test_every_row_has_its_name_in_the_middle_and_its_numbers_at_the_ends_of_its_bars() -> None:
    drawn = drawn_of()
    texts = {"".join(one.itertext()): one.attrib for one in drawn.iter(f"{SVG}text")}
    for name, y in (("asked for new risk", 119.0), ("signal", 153.0), ("cooldown", 187.0)):
        assert (float(texts[name]["x"]), float(texts[name]["y"]), texts[name]["text-anchor"]) == (AXIS, y, "middle")
    buy, sell = texts["30 −10, 4 no data, 6 alone"], texts["−15 5"]
    assert (float(buy["x"]), float(buy["y"]), buy["text-anchor"]) == (AXIS + HALF + FULL + 8, 153.0, "start")
    assert (float(sell["x"]), float(sell["y"]), sell["text-anchor"]) == (AXIS - HALF - 0.5 * FULL - 8, 187.0, "end")
    assert "quiet" not in texts and "counts of decisions; nothing fell at 1 other gates" in texts


def test_the_axes_carry_half_and_all_of_the_longest_bar() -> None:
    drawn = drawn_of()
    lines = [
        (float(one.attrib["x1"]), float(one.attrib["y1"]), float(one.attrib["y2"]))
        for one in drawn.iter(f"{SVG}line")
        if "y2" in one.attrib and one.attrib["y2"] != "6"
    ]
    expected = [AXIS + side * (HALF + share * FULL) for side in (-1, 1) for share in (0.0, 0.5, 1.0)]
    assert [x for x, _, _ in lines] == expected and {(begin, end) for _, begin, end in lines} == {(88.0, 206.0)}
    told = [("".join(one.itertext()), float(one.attrib["x"])) for one in drawn.iter(f"{SVG}text") if float(one.attrib["y"]) == 82.0]
    assert told == [("SELL", AXIS - HALF), ("20", expected[1]), ("40", expected[2]), ("BUY", AXIS + HALF), ("20", expected[4]), ("40", expected[5])]


def test_a_side_has_one_colour_and_a_key_explains_the_three_tints() -> None:
    drawn = drawn_of()
    bars = [bar for bar in drawn.iter(f"{SVG}rect") if bar.attrib["height"] == "20"]
    colours = {(float(bar.attrib["x"]) > AXIS, bar.attrib["fill"]) for bar in bars if "url" not in bar.attrib["fill"]}
    assert len(colours) == 2 and len({fill for _, fill in colours}) == 2
    patterns = {pattern.attrib["id"] for pattern in drawn.iter(f"{SVG}pattern")}
    used = {bar.attrib["fill"][5:-1] for bar in drawn.iter(f"{SVG}rect") if bar.attrib["fill"].startswith("url(#")}
    assert used <= patterns == {"alone-BUY", "alone-SELL", "alone-key"}
    key = [rect for rect in drawn.iter(f"{SVG}rect") if rect.attrib["height"] == "12"]
    assert len({rect.attrib["x"] for rect in key}) == 3 and {rect.attrib["y"] for rect in key} == {"222"}


@pytest.mark.parametrize(("length", "cut"), [(165, False), (166, True)])
def test_a_finding_that_fits_is_whole_and_a_longer_one_ends_in_dots(length: int, cut: bool) -> None:
    (told,) = [line for line in words(drawn_of(findings=("y" * length,))) if line.startswith("←")]
    assert told == ("← " + "y" * 164 + "…" if cut else "← " + "y" * length)


def test_six_findings_are_all_told() -> None:
    told = [line for line in words(drawn_of(findings=("z",) * 6)) if line.startswith(("←", "and"))]
    assert told == ["← z"] * 6


def test_where_nothing_was_asked_there_is_no_bar_and_no_half_of_one() -> None:
    drawn = drawn_of(Waterfall(0, 0, ()))
    assert bars_of(drawn) == {} and [line for line in words(drawn) if line.strip("0123456789") == ""] == ["1", "1", "0", "0"]


# -- what a reader's eye follows -----------------------------------------------------------------------------------------------


def texts_of(drawn: ElementTree.Element) -> list[tuple[str, dict[str, str]]]:
    """Every text with its place and its looks."""
    return [("".join(one.itertext()), dict(one.attrib)) for one in drawn.iter(f"{SVG}text")]


def test_every_text_has_an_anchor_a_weight_a_size_and_a_colour_that_exist() -> None:
    drawn = drawn_of(under=("one",), findings=("two",))
    for _, looks in texts_of(drawn):
        assert looks["text-anchor"] in ("start", "middle", "end")
        assert looks.get("font-weight", "400") in ("400", "600", "700") and 12 <= int(looks.get("font-size", "14")) <= 20
    colours = [
        one.attrib[name] for one in drawn.iter() for name in ("fill", "stroke") if name in one.attrib and not one.attrib[name].startswith("url")
    ]
    assert colours and all(len(colour) == 7 and colour[0] == "#" and set(colour[1:]) <= set("0123456789abcdef") for colour in colours)


def test_the_title_is_the_largest_the_lines_below_it_are_faint_and_findings_are_not() -> None:
    drawn = drawn_of(under=("first", "second"), findings=("third", "fourth"))
    told = dict(texts_of(drawn))
    assert [name for name, looks in told.items() if int(looks.get("font-size", "14")) >= 20] == ["Gates"]
    assert told["Gates"]["font-weight"] == told["signal"]["font-weight"] == "600" and told["first"]["font-weight"] == "400"
    assert {told[name]["x"] for name in ("Gates", "first", "second", "← third", "← fourth")} == {"24.0"}
    assert float(told["Gates"]["y"]) < float(told["first"]["y"]) - 14 and float(told["second"]["y"]) - float(told["first"]["y"]) == 18.0
    assert float(told["second"]["y"]) < float(told["BUY"]["y"]) - 14
    assert told["first"]["fill"] == told["second"]["fill"] != told["← third"]["fill"] == told["signal"]["fill"]
    assert float(told["← fourth"]["y"]) - float(told["← third"]["y"]) == 18.0


def test_the_sides_names_point_away_from_the_axis_in_their_own_colour() -> None:
    drawn = drawn_of()
    told = dict(texts_of(drawn))
    assert (told["SELL"]["text-anchor"], told["BUY"]["text-anchor"]) == ("end", "start")
    bars = {
        float(bar.attrib["x"]) > AXIS: bar.attrib["fill"]
        for bar in drawn.iter(f"{SVG}rect")
        if bar.attrib["height"] == "20" and "url" not in bar.attrib["fill"]
    }
    assert (bars[False], bars[True]) == (told["SELL"]["fill"], told["BUY"]["fill"])
    assert told["SELL"]["font-weight"] == told["BUY"]["font-weight"] == "700"
    ticks = [looks for name, looks in texts_of(drawn) if name in ("20", "40") and looks["y"] == told["BUY"]["y"]]
    for looks in ticks:  # smaller than the names, faint, in the middle of their lines
        assert (looks["font-size"], looks["text-anchor"], looks["font-weight"]) == ("12", "middle", "400")
        assert looks["fill"] == told["counts of decisions; nothing fell at 1 other gates"]["fill"]
    assert len(ticks) == 4


def test_the_key_stands_on_one_line_below_the_bars_each_box_with_its_words_and_nothing_overlaps() -> None:
    drawn = drawn_of(findings=("below",))
    told = dict(texts_of(drawn))
    boxes = sorted({(float(rect.attrib["x"]), float(rect.attrib["y"])) for rect in drawn.iter(f"{SVG}rect") if rect.attrib["height"] == "12"})
    words_ = ("left after the gate", "fell at the gate, the first that stopped it", "of these, no other gate stopped it")
    ends = []
    for (x, y), name in zip(boxes, words_, strict=True):
        looks = told[name]
        assert float(looks["x"]) == x + 34 and float(looks["y"]) == y + 11 and looks["text-anchor"] == "start" and looks["font-size"] == "13"
        ends.append(float(looks["x"]) + 7.2 * len(name))  # at 13 pixels a letter is 7.2 wide at most
    assert all(end + 20 < x < end + 30 for end, (x, _) in zip(ends, boxes[1:], strict=False)) and boxes[0][0] == 24.0
    foot = told["counts of decisions; nothing fell at 1 other gates"]
    assert (float(foot["x"]), foot["text-anchor"], float(foot["y"]), foot["font-size"]) == (1240 - 24, "end", boxes[0][1] + 11, "13")
    assert boxes[0][1] > 206.0 and boxes[0][1] + 12 < float(told["← below"]["y"]) - 14
    hatched = [rect for rect in drawn.iter(f"{SVG}rect") if rect.attrib["height"] == "12" and float(rect.attrib["x"]) == boxes[2][0]]
    assert [("url" in rect.attrib["fill"], rect.attrib.get("fill-opacity")) for rect in hatched] == [(True, None), (False, "0.3")]


def test_the_first_row_is_all_that_was_asked_and_tells_the_bare_numbers() -> None:
    told = [name for name, looks in texts_of(drawn_of()) if float(looks["y"]) == 119.0]
    assert told == ["asked for new risk", "20", "40"]


def test_hatching_has_each_side_s_colour_and_nothing_stands_between_the_shapes() -> None:
    text = waterfall_svg(FALLS, "t", ())
    root = ElementTree.fromstring(text)
    strokes = {pattern.attrib["id"]: pattern[0].attrib["stroke"] for pattern in root.iter(f"{SVG}pattern")}
    told = dict(texts_of(root))
    assert (strokes["alone-BUY"], strokes["alone-SELL"]) == (told["BUY"]["fill"], told["SELL"]["fill"])
    assert all((one.tail or "").strip() == "" for one in root.iter() if not one.tag.endswith("tspan")) and text.endswith("</svg>\n")


def test_half_a_decision_is_no_tick_and_a_sliver_is_a_bar() -> None:
    odd = Waterfall(1_001, 0, (Step("signal", Fall(1_000, 1, 0, 1), Fall(0, 0, 0, 0)),))
    drawn = drawn_of(odd)
    assert not {"500", "501"} & set(words(drawn)) and "1,001" in words(drawn)
    widths = [float(bar.attrib["width"]) for bar in drawn.iter(f"{SVG}rect") if bar.attrib["height"] == "20"]
    assert widths == [310.0, pytest.approx(309.69), pytest.approx(0.31), pytest.approx(0.31)]
