"""The pages for writers of models: the table is the schema's, and the examples run on a recorded session."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metastackerbandit.domain.input_schema import Block, InputSchema
from metastackerbandit.features.input_page import blocks_table
from metastackerbandit.features.input_schema import SCHEMA
from metastackerbandit.market.cob import heatmap
from metastackerbandit.runtime.capture_rules import instruments_in
from metastackerbandit.runtime.cob_feed import consolidated_of
from metastackerbandit.runtime.venue_captures import VenueBook
from metastackerbandit.storage.captures import read_capture
from tests.covering import covers
from tests.shared import shared_data

DOCS = Path(__file__).resolve().parents[2] / "docs"
RECORDED = Path("ws_captures", "binance", "usdm_btcusdt_20240808.gz")


def example(page: str) -> dict[str, Any]:
    """What the names of a page's example stand for once it has run."""
    code = re.search(r"<!-- example: run by [^>]* -->\n```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {"CAPTURE": shared_data() / RECORDED}
    exec(compile(code.group(1), page, "exec"), names)  # noqa: S102 - our own page
    return names


def test_the_page_has_every_block_as_the_schema_has_it() -> None:
    """`python tools/input_doc.py` writes it again."""
    table = blocks_table(SCHEMA)
    assert table in (DOCS / "model_input.md").read_text()
    assert [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()[4:]] == list(SCHEMA.names)
    assert all(block.meaning and block.absent and block.unit for block in SCHEMA.blocks)


def test_a_line_tells_shape_frames_and_what_a_mirror_does() -> None:
    schema = InputSchema(
        3,
        (
            Block("book", ("channel", "time", "bucket"), (2, 300, 5), "log", "what rests", "no book", ("up", "down"), 300, "up", odd=("up",)),
            Block("words", ("channel",), (2,), "p", "said", "silent", ("up", "down"), partners=(("up", "down"),)),
            Block("mids", ("time",), (50,), "bps", "middle", "no book", frames=50, odd=("all",)),
            Block("plain", ("unit",), (2,), "any", "clock", "never"),
            Block("state", ("unit",), (2,), "any", "hidden", "never", mirrors=False),
        ),
    )
    assert blocks_table(schema).splitlines()[0] == f"Version 3, fingerprint `{schema.fingerprint}`: 5 blocks, 3,056 values."
    assert blocks_table(schema).splitlines()[4:] == [
        "| book | channel 2, time 300, bucket 5 | up, down | log | what rests | 300, 100 | no book | columns reversed; negated: up |",
        "| words | channel 2 | up, down | p | said | 1, 1 | silent | up and down exchanged |",
        "| mids | time 50 |  | bps | middle | 50, 50 | no book | negated |",
        "| plain | unit 2 |  | any | clock | 1, 1 | never | the same |",
        "| state | unit 2 |  | any | hidden | 1, 1 | never | masked |",
    ]


@covers("2.094")
def test_the_example_of_the_input_runs_on_a_recorded_session() -> None:
    names = example("model_input.md")
    given, mirror = names["given"], names["mirror"]
    assert len(names["inputs"]) == 3 and names["tensor"].shape == (8, 300, 41) and np.isfinite(names["tensor"]).all()
    assert names["tensor"][4:].sum() == given.valid["cob"].sum() > 0
    assert np.array_equal(mirror.values["cob"][0], given.values["cob"][0][:, ::-1], equal_nan=True)


@covers("2.042", "2.094")
def test_the_example_of_heatmaps_runs_and_shows_what_the_book_shows() -> None:
    names = example("heatmaps.md")
    capture = read_capture([shared_data() / RECORDED])
    cob = consolidated_of([VenueBook(capture, instruments_in(capture))]).cob
    shown = heatmap(cob, 0, radius=10)  # its last row is the second that the capture ends in
    assert names["times"][1:].tolist() == shown.times[:-1].tolist() and names["columns"].tolist() == shown.prices.tolist()
    assert np.array_equal(names["values"][1:], shown.values[:-1].astype(np.float32), equal_nan=True)
    assert names["mids"][1:] == pytest.approx(shown.mids[:-1] * 0.1, rel=1e-6, nan_ok=True)
    assert names["channels"].shape == (2, 300, 21) and names["prices"].shape == (300, 21)
