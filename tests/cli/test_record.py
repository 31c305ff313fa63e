"""`msb data record` against a venue on loopback: what came is in the log, and the log is whole also after Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from metastackerbandit.cli.record import seconds_of
from metastackerbandit.domain.errors import UsageError
from metastackerbandit.storage.captures import read_capture
from tests.cli.asking import msb
from tests.covering import covers
from tests.runtime.recorded_venue import RecordedVenue, recorded
from tests.shared import shared_data

FILE = "ws_captures/binance/usdm_btcusdt_20240718.gz"


@contextmanager
def served(count: int) -> Iterator[RecordedVenue]:
    """The venue in a thread of its own, as another process would be."""
    snapshot, frames = recorded(read_capture([shared_data() / FILE]), count)
    loop = asyncio.new_event_loop()
    ready, over = threading.Event(), asyncio.Event()
    made: list[RecordedVenue] = []

    async def serve() -> None:
        venue = RecordedVenue({"BTCUSDT": snapshot}, [("BTCUSDT", frame) for frame in frames])
        async with venue.served():
            made.append(venue)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(5)
        yield made[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(5)
        loop.close()


def addressed(venue: RecordedVenue, out: Path) -> tuple[str, ...]:
    return ("data", "record", "--symbols", "BTCUSDT", "--out", str(out), "--url", f"ws://{venue.url}", "--rest-url", f"http://{venue.url}")


@covers("2.005")
def test_what_a_venue_sends_is_recorded_and_the_record_is_sound(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[live]\nbackups = 0\n")  # what is played goes to one connection
    with served(1_000) as venue:
        code, told, _ = msb(*addressed(venue, tmp_path / "logs"), "--for", "2s", home=tmp_path)
    assert (code, told["frames"], told["gaps"], told["live"], told["interrupted"]) == (0, 1_000, 0, ["BTCUSDT"], False)
    assert told["connections"]["public"]["is_up"] and told["events"]["connected"] == 1 and not told["issues"]
    (file,) = told["files"]
    capture = read_capture([Path(file)])
    assert [capture.frame(n) for n in range(len(capture.starts)) if capture.asked[n] < 0] == venue.sent
    code, checked, _ = msb("data", "check", file, home=tmp_path)
    assert {issue["type"] for issue in checked["issues"]} == {"stamps_apart"} and code == 4  # what is played was stamped long ago
    assert (checked["gaps"], checked["crossed_while_live"], checked["books"][0]["state"]) == (0, 0, "live")
    assert checked["bookticker"]["compared"] == checked["bookticker"]["equal"] > 5


def test_ctrl_c_leaves_a_whole_log(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[live]\nbackups = 0\n")

    async def recorded_until_stopped(words: tuple[str, ...], venue: RecordedVenue) -> tuple[int, bytes]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "metastackerbandit", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ}
        )
        async with asyncio.timeout(60):
            while len(venue.sent) < 500:
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.3)
            process.send_signal(signal.SIGINT)
            out, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out

    with served(500) as venue:
        words = (*addressed(venue, tmp_path), "--for", "1h", "--json", "--home", str(tmp_path))
        code, out = asyncio.run(recorded_until_stopped(words, venue))
    told = json.loads(out)
    assert (code, told["interrupted"], told["frames"]) == (0, True, 500)
    capture = read_capture([Path(told["files"][0])])
    assert not capture.issues and sum(asked < 0 for asked in capture.asked) == 500


def test_nobody_there_is_an_error_with_its_reason(tmp_path: Path) -> None:
    words = ("data", "record", "--symbols", "BTCUSDT", "--out", str(tmp_path / "a"), "--url", "ws://127.0.0.1:9", "--rest-url", "http://127.0.0.1:9")
    code, told, said = msb(*words, "--for", "0.5s", home=tmp_path)
    assert code == 1 and told["error"]["type"] == "ConnectFailed" and told["frames"] == 0 and "nothing was received" in said


@pytest.mark.parametrize(
    "words",
    [
        ("--symbols", ""),
        ("--symbols", "A,A"),
        ("--symbols", "A", "--streams", "deep"),
        ("--symbols", "A", "--venue", "nowhere"),
        ("--symbols", "A", "--venue", "mexc", "--market", "perp"),
        ("--symbols", "A", "--for", "soon"),
    ],
)
def test_what_cannot_be_recorded_is_refused_before_anything_is_made(words: tuple[str, ...], tmp_path: Path) -> None:
    code, told, _ = msb("data", "record", "--out", str(tmp_path / "a"), *words, home=tmp_path)
    assert code == 2 and told["error"]["mend"] and not (tmp_path / "a").exists()


def test_lengths_of_time() -> None:
    assert [seconds_of(text, "--for") for text in ("90s", "1.5m", "2h", "1d")] == [90.0, 90.0, 7_200.0, 86_400.0]
    for text in ("", "5", "m", "-1s", "0s", "1w"):
        with pytest.raises(UsageError):
            seconds_of(text, "--for")
