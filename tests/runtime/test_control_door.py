"""The door of a run: each word is answered, garbage too, and nobody but the owner may knock."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from metastackerbandit.domain.errors import NotFound
from metastackerbandit.runtime.control_door import ControlDoor, asked_at, door_path


async def _twice(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"twice": asked["of"] * 2}


async def _refuse(asked: Mapping[str, Any]) -> dict[str, Any]:
    raise NotFound("no such thing", where="here", mend="name another")


async def _never(asked: Mapping[str, Any]) -> dict[str, Any]:
    await asyncio.sleep(60)
    return {}


def opened(home: Path, work: Any) -> None:
    """Do something while a door is open."""

    async def run() -> None:
        door = ControlDoor(home, {"twice": _twice, "refuse": _refuse, "never": _never})
        await door.open()
        try:
            await asyncio.to_thread(work)
        finally:
            await door.close()

    asyncio.run(run())


@pytest.mark.parametrize("deep", [0, 12])
def test_words_are_answered_however_long_the_way_to_the_door_is(tmp_path: Path, deep: int) -> None:
    home = tmp_path.joinpath(*["a long name of a folder"] * deep)
    home.mkdir(parents=True, exist_ok=True)

    def work() -> None:
        assert asked_at(home, {"word": "twice", "of": 21}, 5.0) == {"done": True, "twice": 42}
        told = asked_at(home, {"word": "refuse"}, 5.0)
        assert told == {"done": False, "why": "here: no such thing (name another)"}
        told = asked_at(home, {"word": "dance"}, 5.0)
        assert told is not None and not told["done"] and "twice, refuse, never" in told["why"]
        assert stat.S_IMODE(door_path(home).stat().st_mode) == 0o600

    opened(home, work)
    assert asked_at(home, {"word": "twice"}, 1.0) is None, "a door that was closed is gone"


def test_garbage_is_answered_and_the_door_stays_open(tmp_path: Path) -> None:
    async def run() -> None:
        door = ControlDoor(tmp_path, {"twice": _twice})
        await door.open()
        reader, writer = await asyncio.open_unix_connection(str(door_path(tmp_path)))
        for text in (b"\xff\xfe\n", b"[1]\n", b"{}\n", b"\n"):
            writer.write(text)
            assert b'"done":false' in await reader.readline()
        writer.write(b"x" * 200_000)
        assert await reader.read() == b"", "a line without an end is hung up on"
        writer.close()
        assert await asyncio.to_thread(asked_at, tmp_path, {"word": "twice", "of": 1}, 5.0) == {"done": True, "twice": 2}
        await door.close()

    asyncio.run(run())


def test_a_door_that_a_killed_run_left_is_taken_over(tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(door_path(tmp_path)))
    assert asked_at(tmp_path, {"word": "twice"}, 1.0) is None
    opened(tmp_path, lambda: asked_at(tmp_path, {"word": "twice", "of": 1}, 5.0))


def test_who_waits_too_long_is_told_so(tmp_path: Path) -> None:
    def work() -> None:
        with pytest.raises(TimeoutError):
            asked_at(tmp_path, {"word": "never"}, 0.2)

    opened(tmp_path, work)
