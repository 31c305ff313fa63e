"""The input benchmark: what is timed is a sound input that a model could be given, and only of recorded frames."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from metastackerbandit.bench.works.book import FILE, FOLDER
from metastackerbandit.bench.works.input import DECLARED, Standing, prepare
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.features.input_schema import SCHEMA
from metastackerbandit.storage.captures import read_capture
from tests.covering import covers
from tests.shared import shared_data


@covers("2.093")
def test_every_timed_input_is_of_a_second_of_its_own_sound_and_usable() -> None:
    standing = Standing(read_capture([shared_data() / FOLDER / FILE]))
    first = standing.second
    took = [standing.next_input() for _ in range(3)]
    assert standing.second == first + 3 and all(wall > 0 and cpu > 0 for wall, cpu in took)
    newest = standing.stream.at(standing.second * 10**9)
    assert newest.problems(SCHEMA.names) == () and newest.usable(DECLARED)
    assert newest.valid["cob"][0, -1].any() and newest.valid["micro"][-1, 0]


def test_made_frames_are_not_measured() -> None:
    with ExitStack() as stack, pytest.raises(DataRefused, match="no recorded frames of BTCUSDT"):
        prepare(stack, None)
