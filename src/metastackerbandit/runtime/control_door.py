"""The door of a run: a socket on this machine on which operators give their word, each of which is answered with what came of it.

A message is one JSON object a line, {"word": W, ...}; the answer is one, {"done": true, ...} or {"done": false, "why": W}. Whoever can open the
installation's folder can open the door, nobody else.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from metastackerbandit.domain.errors import MsbError

Answer = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]

_LONGEST = 64 * 1_024  # bytes of a message


def door_path(home: Path) -> Path:
    """Where the door of the run in this home is."""
    return home / "run.sock"


class ControlDoor:
    """Answers words; `answers` has what does each."""

    def __init__(self, home: Path, answers: Mapping[str, Answer]) -> None:
        self._path, self._answers = door_path(home), dict(answers)
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen. A door that a killed run left is taken away: the lock of the home says that no other run is there."""
        with suppress(FileNotFoundError):
            self._path.unlink()
        self._server = await asyncio.start_unix_server(self._serve, sock=_bound(self._path), limit=_LONGEST)

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            with suppress(FileNotFoundError):
                self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(msgspec.json.encode(await self._answered(line)) + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):  # whoever asked has gone, or sends no end of a line
            pass
        finally:
            writer.close()

    async def _answered(self, line: bytes) -> dict[str, Any]:
        try:
            asked = msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError as error:
            return {"done": False, "why": f"not a word: {error}"}
        answer = self._answers.get(str(asked.get("word")))
        if answer is None:
            return {"done": False, "why": f"no word {asked.get('word')!r}; there are {', '.join(self._answers)}"}
        try:
            return {"done": True, **await answer(asked)}
        except MsbError as error:
            return {"done": False, "why": str(error)}


def asked_at(home: Path, message: Mapping[str, Any], patience_s: float) -> dict[str, Any] | None:
    """What the run of a home answers; None where nobody listens. Raises TimeoutError where it does not answer in time."""
    path = door_path(home)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(patience_s)
        try:
            with _Beside(path):
                line.connect(path.name)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        line.sendall(msgspec.json.encode(message) + b"\n")
        with line.makefile("rb") as answers:
            told: dict[str, Any] | None = msgspec.json.decode(answers.readline() or b"null")
    return told


def _bound(path: Path) -> socket.socket:
    """A socket at a path of any length, for its owner alone."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with _Beside(path):
            made.bind(path.name)
    finally:
        os.umask(before)
    return made


class _Beside:
    """The working folder is the path's own for a moment: a socket's address has room for a hundred bytes."""

    def __init__(self, path: Path) -> None:
        self._folder = path.parent

    def __enter__(self) -> None:
        self._before = os.open(".", os.O_RDONLY)
        os.chdir(self._folder)

    def __exit__(self, *given: object) -> None:
        os.fchdir(self._before)
        os.close(self._before)
