"""`msb models show` and `msb models report` tell of a trained series what its version kept, and of one without a record that there is none."""

from __future__ import annotations

import json
import math
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from metastackerbandit.cli.figures import Axis, Point, chart, ticks
from metastackerbandit.cli.main import app
from metastackerbandit.domain.card import MetaLabel, ModelCard, Score
from metastackerbandit.features.catalog import FEATURES
from metastackerbandit.storage.registry import Registry
from metastackerbandit.training.evidence import FILE, Bin, CostPoint, Evidence, FeatureSkill, Figure, VersionGain, packed
from tests.storage.model_making import FILES, card

UNKNOWN = Figure(None, None, None)
EVIDENCE = Evidence(
    rows=4_000,
    bins=tuple(Bin(0.30 + 0.01 * n, 0.29 + 0.012 * n, 400) for n in range(10)),
    calibration_error=0.004,
    slope=Figure(1.1, 0.6, 1.6),
    versions=(
        VersionGain(0, 1, 2, 1_000, Figure(3.0, 1.0, 5.0)),
        VersionGain(1, 2, 3, 3_000, Figure(-1.0, -3.0, 1.0)),
        VersionGain(2, 3, 4, 9, UNKNOWN),
    ),
    costs=(
        CostPoint(0.0, 0.0, 90, Figure(4.0, 1.0, 7.0), 0.036),
        CostPoint(1.0, 13.0, 7, Figure(-2.0, None, None), -0.0014),
        CostPoint(2.0, 26.0, 0, UNKNOWN, 0.0),
    ),
    features=(
        FeatureSkill("log_return_1", "odd", 4_000, Figure(0.05, 0.02, 0.08), 0.001, 0.003),
        FeatureSkill("rv_12", "even", 4_000, Figure(-0.01, -0.04, 0.02), 0.4, 0.4),
        FeatureSkill("funding_rate", "odd", 0, UNKNOWN, None, None),
    ),
)
META = MetaLabel(
    "logistic", 2_900, 700.0, 0.44, (Score("worth_gain", "mnats of trades", 1.2, 0.2, 2.2), Score("worth_auc", "probability", 0.53, 0.5, 0.56)), ""
)


def home_of(tmp_path: Path, one: ModelCard | None = None, evidence: Evidence | None = EVIDENCE) -> Path:
    made = one or card(meta_label=META)
    Registry(tmp_path / "models").add(made, FILES if evidence is None else FILES | {FILE: packed(evidence)})
    return tmp_path


def run(home: Path, *words: str) -> Any:
    return CliRunner().invoke(app, ["models", *words, "--home", str(home)], env={"COLUMNS": "220"})


def text(home: Path, *words: str) -> str:
    result = run(home, *words)
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def test_show_tells_reliability_the_meta_label_and_on_request_every_feature(tmp_path: Path) -> None:
    home, series = home_of(tmp_path), card().series
    plain, full = text(home, "show", series), text(home, "show", series, "--features")
    assert "meta-label: logistic" in plain and "2,900 proposed trades, 700 independent; share that paid 0.44" in plain
    assert "worth_gain" in plain and "[0.2, 2.2] mnats of trades" in plain
    assert " 0.300  0.290  -0.010      400" in plain and "error beyond chance 0.0040, slope 1.1" in plain
    assert "log_return_1" not in plain and "rank IC" in full
    lines = full.splitlines()
    places = [next(n for n, line in enumerate(lines) if name in line) for name in ("log_return_1", "rv_12", "funding_rate")]
    assert places == sorted(places)  # the largest first, the unknown last
    assert "1 of 2 features correlate" in full and "log_return_1." in full


def test_json_of_show_holds_the_evidence(tmp_path: Path) -> None:
    answer = json.loads(run(home_of(tmp_path), "show", card().series, "--json").stdout)
    assert msgspec.convert(answer["evidence"], Evidence) == EVIDENCE
    assert answer["card"]["meta_label"]["base_rate"] == 0.44


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        (None, "none on this version"),
        (
            msgspec.structs.replace(META, model="base rate", forced="the stack's AUC out of fold, 0.500, does not exceed chance"),
            "every trade gets the base rate",
        ),
        (MetaLabel("none", 0, 0.0, math.nan, (), "the stack proposes no side"), "the stack proposes no side\n"),
    ],
)
def test_a_version_says_why_its_trades_are_not_told_apart(tmp_path: Path, meta: MetaLabel | None, said: str) -> None:
    home = home_of(tmp_path, card(meta_label=meta), None)
    assert said in text(home, "show", card().series)
    assert "no walk-forward record is kept" in text(home, "show", card().series, "--features")


class Page(HTMLParser):
    """Whether every tag is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_report_is_one_whole_page_that_needs_nothing_else(tmp_path: Path) -> None:
    home, series = home_of(tmp_path), card().series
    assert series in text(home, "report", series)
    page = (home / "reports" / f"{series}.html").read_text()
    parser = Page()
    parser.feed(page)
    assert parser.open == [] and parser.addresses == []  # every tag is closed, and nothing is fetched
    for said in ("UNDERPOWERED", "What blocks promotion", "Reliability of p(up), error 0.004", "13 (7)", "log_return_1", "meta-label: logistic"):
        assert said in page, said
    assert page.count("<svg ") == 3 and page.count('class="hollow"') == 1
    out = tmp_path / "elsewhere" / "page.html"
    answer = json.loads(run(home, "report", series, "--out", str(out), "--json").stdout)
    assert answer["report"] == str(out) and answer["verdict"] == "UNDERPOWERED" and out.read_text() == page
    assert any(one.startswith("check") for one in answer["blocked"])


def test_a_report_without_a_record_and_of_damaged_files_says_so(tmp_path: Path) -> None:
    home, series = home_of(tmp_path, evidence=None), card().series
    assert run(home, "report", series).exit_code == 0
    assert "carries no record" in (home / "reports" / f"{series}.html").read_text()
    path = Registry(home / "models").path(card().model_id) / "calibrator"
    path.write_bytes(b"other")
    answer = json.loads(run(home, "report", series, "--json").stdout)
    assert any("files" in one for one in answer["blocked"])
    assert run(home, "report", "nothing").exit_code == 6


def test_what_a_card_says_cannot_break_the_page(tmp_path: Path) -> None:
    home = home_of(tmp_path, card(venue="<script>alert(1)</script>", meta_label=META))
    assert run(home, "report", card().series).exit_code == 0
    assert "<script" not in (home / "reports" / f"{card().series}.html").read_text()


# -- figures -------------------------------------------------------------------------------------------------------------

NUMBERS = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=0, max_size=8))
def test_a_chart_is_well_formed_and_everything_lies_inside_it(places: list[tuple[float, float]]) -> None:
    points = [Point(x, y, y - 1.0, y + 2.0) for x, y in places]
    root = ElementTree.fromstring(chart("a < b & c", Axis("x"), Axis("y"), points, reference=(Point(0.0, 0.0), Point(1.0, 0.0)), joined=True))
    width, height = (float(part) for part in root.attrib["viewBox"].split()[2:])
    assert len(root.findall("{*}circle")) == len(points)
    for part in root:
        for name, value in part.attrib.items():
            if name in ("x", "x1", "x2", "cx"):
                assert 0.0 <= float(value) <= width
            if name in ("y", "y1", "y2", "cy"):
                assert 0.0 <= float(value) <= height


@given(NUMBERS, st.floats(1e-3, 1e6))
def test_ticks_are_few_round_numbers_inside(low: float, span: float) -> None:
    found = ticks(low, low + span)
    assert 1 <= len(found) <= 6 and all(low - 1e-9 <= value <= low + span + 1e-9 for value in found)


def test_every_feature_has_a_parity_that_the_table_can_show() -> None:
    assert {spec.parity for spec in FEATURES} == {"odd", "even", "swap"}
