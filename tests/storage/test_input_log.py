"""The input log: what was written is read, torn ends are cut, and nothing else is taken for an input."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.errors import NotFound, StorageFailed
from metastackerbandit.domain.inputs import BarClosed, BarOpened, Control, FundingSettled, Input, MoodSeen, OrderReport, OutcomeKnown, SecondSeen
from metastackerbandit.domain.kernel import rows, struct_of
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.storage.input_log import InputLog, input_log_path, read_inputs, whole_part

SECOND = struct_of(SecondRow, rows(SecondRow, 1)[0])
NUMBERS = st.integers(-(2**62), 2**62)
FLOATS = st.floats(allow_nan=False)
INPUTS: st.SearchStrategy[Input] = st.one_of(
    st.builds(Control, NUMBERS, st.sampled_from(["pause", "resume", "kill"])),
    st.builds(BarOpened, NUMBERS, NUMBERS, NUMBERS),
    st.builds(BarClosed, NUMBERS, st.builds(Bar, *[NUMBERS] * 7, FLOATS)),
    st.builds(FundingSettled, *[NUMBERS] * 4),
    st.builds(MoodSeen, NUMBERS, NUMBERS, FLOATS, FLOATS),
    st.builds(SecondSeen, NUMBERS, st.just(SECOND)),
    st.builds(OutcomeKnown, *[NUMBERS] * 4, FLOATS),
    st.builds(Prediction, *[NUMBERS] * 6, *[FLOATS] * 7, NUMBERS, NUMBERS, FLOATS, FLOATS),
    st.builds(OrderReport, *[NUMBERS] * 11),
)


def test_what_was_written_is_read_to_the_bit_in_its_order(tmp_path_factory: pytest.TempPathFactory) -> None:
    @given(events=st.lists(INPUTS, max_size=20))
    def law(events: list[Input]) -> None:
        path = input_log_path(tmp_path_factory.mktemp("log"), 3)
        log = InputLog(path)
        for event in events:
            log.append(event)
        log.close()
        log.close()
        assert repr(list(read_inputs(path))) == repr(events) and log.written == len(events)
        assert whole_part(path) == (len(events), path.stat().st_size, 0)

    law()


def test_an_input_is_written_without_the_names_of_its_fields(tmp_path: Path) -> None:
    log = InputLog(tmp_path / "log")
    log.append(SecondSeen(1, SECOND))
    log.append(BarClosed(1, struct_of(Bar, rows(Bar, 1)[0])))
    log.close()
    written = (tmp_path / "log").read_bytes()
    assert b"second" in written and not any(name.encode() in written for name in ("known_ns", "closed_ns", "instrument"))


def test_a_log_is_read_between_two_of_its_ends_and_without_seconds(tmp_path_factory: pytest.TempPathFactory) -> None:
    @given(events=st.lists(INPUTS, min_size=1, max_size=12), first=st.integers(0, 12), last=st.integers(0, 12))
    def law(events: list[Input], first: int, last: int) -> None:
        log, ends = InputLog(input_log_path(tmp_path_factory.mktemp("log"), 3)), list[int]()
        path = log._path
        ends.append(log.end)
        for event in events:
            log.append(event)
            ends.append(log.end)
        log.close()
        assert ends[-1] == path.stat().st_size == InputLog(path).end
        first, last = min(first, len(events)), min(last, len(events))
        assert repr(list(read_inputs(path, ends[first]))) == repr(events[first:])
        assert repr(list(read_inputs(path, 0, ends[last]))) == repr(events[:last] if last else [])
        but = [event for event in events if not isinstance(event, SecondSeen)]
        assert repr(list(read_inputs(path, but_seconds=True))) == repr(but)

    law()


def test_nothing_is_lost_of_a_number_that_is_none(tmp_path: Path) -> None:
    log = InputLog(tmp_path / "log")
    log.append(MoodSeen(1, 2, math.nan, -math.inf))
    log.close()
    (event,) = read_inputs(tmp_path / "log")
    assert isinstance(event, MoodSeen) and math.isnan(event.mood) and event.mirror == -math.inf


@given(cut=st.integers(0, 400))
def test_a_torn_end_is_cut_and_the_log_goes_on_behind_the_last_whole_record(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("torn") / "log"
    log = InputLog(path)
    for n in range(10):
        log.append(BarOpened(0, n, n))
    log.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: max(len(whole) - cut, 8)])
    before = list(read_inputs(path))
    again = InputLog(path)
    assert again.written == len(before) and whole_part(path) == (len(before), path.stat().st_size, 0)
    again.append(BarOpened(7, 7, 7))
    again.close()
    assert list(read_inputs(path)) == [*before, BarOpened(7, 7, 7)] and before == [BarOpened(0, n, n) for n in range(len(before))]


def test_a_changed_byte_ends_the_whole_part(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = InputLog(path)
    for n in range(5):
        log.append(BarOpened(0, n, n))
    log.close()
    text = bytearray(path.read_bytes())
    text[len(text) // 2] ^= 1
    path.write_bytes(text)
    assert 0 < len(list(read_inputs(path))) < 5


@pytest.mark.parametrize("text", [b"", b"MS", b"nothing of ours", b"MSBI\x63\x00\x00\x00"])
def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "log"
    path.write_bytes(text)
    with pytest.raises(StorageFailed, match="it begins with"):
        list(read_inputs(path))
    if text:
        with pytest.raises(StorageFailed):
            InputLog(path)
        assert path.read_bytes() == text


def test_a_log_that_is_not_there_is_said_not_to_be(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no inputs were kept"):
        list(read_inputs(tmp_path / "none"))
    with pytest.raises(StorageFailed, match="input log"):
        (tmp_path / "file").write_text("")
        InputLog(tmp_path / "file" / "log")
