"""What fuzzing holds codecs to, on documented frames and on broken ones; and a short run of the fuzzer itself, where it is installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.market_rows import DEPTH, NOTHING
from tests.exchanges.reading import broken
from tools.fuzz.__main__ import NAMES
from tools.fuzz.corpus import CORPUS, SEPARATOR
from tools.fuzz.targets import SPOT, TARGETS, Scanned

ROOT = Path(__file__).resolve().parents[2]
FUZZER = ROOT / ".venv-fuzz" / "bin" / "python"
CHECKS = {name: TARGETS[name]() for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_every_documented_frame_keeps_the_promises(name: str) -> None:
    assert len(CORPUS[name]) >= 3
    for text in (*CORPUS[name], b"", SEPARATOR, SEPARATOR.join(CORPUS[name][:5])):
        CHECKS[name](text)


@given(data=st.data(), name=st.sampled_from(NAMES), place=st.integers(0, 4_000), byte=st.integers(0, 255))
@settings(max_examples=150)
def test_a_frame_broken_in_two_places_keeps_them(data: st.DataObject, name: str, place: int, byte: int) -> None:
    kinds = st.sampled_from(["set", "cut", "lost", "more"])
    text = broken(data.draw(st.sampled_from(CORPUS[name])), place, byte, data.draw(kinds))
    CHECKS[name](broken(text, place // 3, byte ^ 32, data.draw(kinds)))


def test_a_scanner_that_breaks_a_promise_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    scanned, sound = Scanned("BINANCE", *SPOT), CORPUS["binance"][0]

    def takes(kind: int, fault: int, rows: int, changes: bool) -> None:
        def take(*_: object) -> int:
            scanned.market.decoded.found[0] = (kind, rows, fault, 0)
            scanned.market.feeds["gaps"] += changes
            return kind

        monkeypatch.setattr(scanned, "_take", take)

    for kind, fault, rows, changes, what in (
        (99, 0, 0, False, "a kind out of range"),
        (NOTHING, 99, 0, False, "a fault out of range"),
        (NOTHING, 3, 1, False, "something was told"),
        (NOTHING, 3, 0, True, "has changed one"),
        (2, 0, 5, False, "rows out of range"),
    ):
        takes(kind, fault, rows, changes)
        with pytest.raises(AssertionError, match=what):
            scanned(sound)
    takes(DEPTH, 0, 1, False)
    scanned.market.decoded.depth["bids"] = 1
    scanned.market.decoded.bids[0] = (0, 1)
    with pytest.raises(AssertionError, match="a level without a price"):
        scanned(sound)
    scanned.market.decoded.bids[0] = (1, 1)
    unsorted = np.array([[5, 1], [4, 1]])
    kept = [array.copy() for array in scanned._kept]
    for array, name in zip(scanned._kept, ("feeds", *scanned.market.book._fields), strict=True):
        if name == "row":
            array["bids"] = 2
        elif name == "bids":
            array[:, :2] = unsorted
    with pytest.raises(AssertionError, match="a book out of order"):
        scanned(sound)
    scanned._kept = kept


@pytest.mark.skipif(not FUZZER.exists(), reason="the fuzzer has an environment of its own, which `make fuzz` makes")
@pytest.mark.parametrize("name", ["binance", "mexc_user"])
def test_the_fuzzer_finds_nothing_in_a_short_run(name: str, tmp_path: Path) -> None:
    words = [str(FUZZER), "-m", "tools.fuzz", name, "--seconds", "4", "--folder", str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"})
    assert done.returncode == 0, done.stderr[-2_000:]
    assert "stat::number_of_executed_units" in done.stderr and any(tmp_path.iterdir())
