"""The page: it asks nothing of any network, runs nothing that a name could smuggle in, and is the same bytes for the same run."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import plotly.graph_objects as go
import pytest
from msgspec import structs

from metastackerbandit.report.page import page_of
from metastackerbandit.report.pictures import drawn_of
from metastackerbandit.report.writing import PAGE, Written, write
from tests.markets import instrument
from tests.report.kept_runs import KeptRun, keep_run

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
ASKS = ("src", "href", "action", "data", "poster", "srcset", "background")


class Seen(HTMLParser):
    """Elements, attributes and scripts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.handlers: list[str] = []
        self.ids: list[str] = []
        self.scripts: list[tuple[str, str]] = []
        self.styles: list[str] = []
        self.words: list[str] = []
        self._open = ""
        self._kind = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element asks for."""
        self.tags.append(tag)
        given = {name: value or "" for name, value in attrs}
        self.asked += [(name, value) for name, value in given.items() if name in ASKS]
        self.handlers += [name for name in given if name.startswith("on")]
        self.ids += [given["id"]] if "id" in given else []
        self._open, self._kind = tag, given.get("type", "")

    def handle_endtag(self, tag: str) -> None:
        """Text after it is of nothing that matters."""
        self._open = ""

    def handle_data(self, data: str) -> None:
        """Keep scripts, styles and words apart."""
        if self._open == "script":
            self.scripts.append((self._kind, data))
        elif self._open == "style":
            self.styles.append(data)
        else:
            self.words.append(data)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> KeptRun:
    """A run of models, with everything that a page can show."""
    curves = {"at_ns": [1_735_603_500 * 10**9, 1_735_700_000 * 10**9], "levels": {"buy_and_hold": [1.0, 0.99], "0x": [1.0, 1.2], "2x": [1.0, 0.7]}}
    chance = {"own": 0.1, "flipped": -0.2, "mean": 0.0, "low": -0.1, "high": 0.1, "p": 0.2, "shifts": 1_000}
    summary = {
        "beside": curves,
        "equal_turnover": chance,
        "baselines": {"flat": 0.0, "momentum": -0.1},
        "costs_curve": {"0x": 0.2, "1x": 0.1, "2x": -0.3},
    }
    return keep_run(tmp_path_factory.mktemp("page"), 5, count=1_500, arm="model", summary=summary)


@pytest.fixture(scope="module")
def written(run: KeptRun, tmp_path_factory: pytest.TempPathFactory) -> tuple[Written, ...]:
    """Its files."""
    return write(tmp_path_factory.mktemp("written"), run.facts())


@pytest.fixture(scope="module")
def seen(run: KeptRun) -> Seen:
    """Its page."""
    return Seen(page_of(run.facts()))


def test_the_page_asks_nothing_of_any_network(seen: Seen) -> None:
    assert seen.asked and all(value.startswith("#") for _, value in seen.asked)
    assert not {"link", "iframe", "img", "object", "embed", "base", "form"} & set(seen.tags)
    assert all("url(" not in style and "@import" not in style for style in seen.styles)
    own = [text for kind, text in seen.scripts if kind == ""]
    assert len(own) == 1 and not re.search(r"https?:|fetch\(|XMLHttp|import\(|WebSocket|sendBeacon", own[0])


def test_the_contents_bar_leads_to_every_part(seen: Seen) -> None:
    linked = [value[1:] for name, value in seen.asked if name == "href"]
    assert linked == ["verdict", "equity", "signals", "trades", "results", "costs", "exposure", "calibration", "watched", "setup"]
    assert set(linked) <= set(seen.ids) and len(set(seen.ids)) == len(seen.ids)


def test_every_chart_has_its_data_and_a_sentence_and_is_one_to_plotly(seen: Seen) -> None:
    charts = [name for name in seen.ids if name.startswith("chart-")]
    figures = [json.loads(text) for kind, text in seen.scripts if kind == "application/json"]
    assert len(charts) == len(figures) == seen.tags.count("figcaption") and len(charts) >= 9
    for figure in figures:
        go.Figure(figure)  # refuses what is not in Plotly's schema
        assert figure["data"]


def test_plotly_itself_is_in_the_page(seen: Seen) -> None:
    (packed,) = [text for kind, text in seen.scripts if kind == "text/plain"]
    script = gzip.decompress(base64.b64decode(packed)).decode()
    assert "plotly.js v" in script[:200]
    assert len(packed) < 2_100_000


def test_names_are_text_and_run_nothing(tmp_path: Path) -> None:
    named = keep_run(
        tmp_path,
        count=300,
        symbols=1,
        arm="buy_and_hold",
        instruments=(structs.replace(instrument(), symbol=EVIL, base=EVIL, venue=EVIL),),
        notices=(EVIL,),
        code=EVIL,
        source=EVIL,
        config_hash=EVIL,
        summary={"verdict": "WEAK", "verdict_text": EVIL, "verdict_reasons": [EVIL], "headline": EVIL, "scores": {}},
    )
    tame = Seen(page_of(keep_run(tmp_path, count=300, symbols=1, arm="buy_and_hold").facts()))
    page = page_of(named.facts(candles=False))
    found = Seen(page)
    assert found.handlers == [] and "img" not in found.tags
    assert found.tags.count("script") == len(found.scripts) == tame.tags.count("script")
    assert all("alert" not in text for kind, text in found.scripts if kind != "application/json")
    assert "<script>alert" not in page and any("alert(1)" in words for words in found.words)


def test_an_unknown_verdict_word_runs_nothing(tmp_path: Path) -> None:
    summary = {"verdict": EVIL, "verdict_text": "", "scores": {}}
    found = Seen(page_of(keep_run(tmp_path, count=100, symbols=1, summary=summary).facts()))
    assert "img" not in found.tags and found.handlers == []


def test_the_same_run_gives_the_same_bytes(run: KeptRun, written: tuple[Written, ...], tmp_path: Path) -> None:
    one, other = written, write(tmp_path / "other", run.facts())
    assert [file.path.name for file in one] == [file.path.name for file in other]
    assert [file.path.name for file in one] == [
        PAGE, "equity.png", "funnel.png", "gates.png", "trades.png", "costs.png", "exposure.png", "calibration.png",
    ]  # fmt: skip
    for left, right in zip(one, other, strict=True):
        assert left.path.read_bytes() == right.path.read_bytes() and left.length == left.path.stat().st_size


def test_a_run_without_trades_has_a_page(tmp_path: Path) -> None:
    from metastackerbandit.engine.settings import EngineSettings
    from metastackerbandit.risk.settings import SizingSettings

    never = EngineSettings(sizing=SizingSettings(mode="notional", notional="0.01"))
    facts = keep_run(tmp_path, count=300, settings=never).facts()
    assert facts.identity.fills == 0
    words = " ".join(Seen(page_of(facts)).words)
    assert "No order was filled" in words and "No round trip was closed" in words and "No model spoke" in words and "Nothing was ever held" in words
    assert set(drawn_of(facts)) == {"equity.png", "funnel.png", "gates.png", "trades.png"}


def test_a_run_that_was_killed_before_its_first_decision_has_a_page(tmp_path: Path) -> None:
    facts = keep_run(tmp_path, count=0, ends=False).facts()
    words = " ".join(Seen(page_of(facts)).words)
    assert "its process was killed" in words and "Nothing was decided" in words
    assert set(drawn_of(facts)) == {"funnel.png", "gates.png"}


def test_a_made_market_is_marked(tmp_path: Path) -> None:
    facts = keep_run(tmp_path, count=100, symbols=1, lineage="simulated").facts(candles=False)
    words = " ".join(Seen(page_of(facts)).words)
    assert "MADE market" in words and "MADE, not a market" in words


def test_pictures_are_png_of_a_readable_size(written: tuple[Written, ...]) -> None:
    for file in written[1:]:
        name, content = file.path.name, file.path.read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n", name
        width, height = (int.from_bytes(content[place : place + 4]) for place in (16, 20))
        assert 1_200 <= width <= 1_600 and 400 <= height <= 2_400
        assert b"tEXt" not in content and b"tIME" not in content  # neither a date nor a version
