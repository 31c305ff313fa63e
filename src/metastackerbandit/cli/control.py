"""`msb pause`, `resume`, `kill` and `reconcile`: an operator's word to the run of an installation, answered by it and written into the audit log."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, answering, tell
from metastackerbandit.domain.errors import MsbError

if TYPE_CHECKING:
    from metastackerbandit.engine.engine import Engine
    from metastackerbandit.runtime.control_door import Answer
    from metastackerbandit.runtime.live_run import LiveRun, Word

TIMEOUT = 5  # exit code
_PATIENCE_S = 30.0
_SAID = {
    "pause": "no new risk; exits and stops go on",
    "resume": "new risk is taken again, where nothing else stands against it",
    "flatten": "entries are cancelled, positions are left at the market, and no new risk is taken until resume",
    "kill": "entries are cancelled, positions are left at the market, and this run trades no more",
}


class NobodyRuns(MsbError):
    """No run of the installation takes a word."""

    exit_code = 3


def pause(why: Annotated[str, typer.Option("--why", help="Kept in the audit log.")] = "", home: HomeFlag = None, json: JsonFlag = False) -> None:
    """Take no new risk until resume; what protects and reduces goes on."""
    _word("pause", why, home, json)


def resume(why: Annotated[str, typer.Option("--why", help="Kept in the audit log.")] = "", home: HomeFlag = None, json: JsonFlag = False) -> None:
    """End a pause."""
    _word("resume", why, home, json)


def kill(why: Annotated[str, typer.Option("--why", help="Kept in the audit log.")] = "", home: HomeFlag = None, json: JsonFlag = False) -> None:
    """Cancel entries, leave every position at the market, and trade no more in this run."""
    _word("kill", why, home, json)


def flatten(
    why: Annotated[str, typer.Option("--why", help="Kept in the audit log.")] = "",
    url: Annotated[str | None, typer.Option("--url", help="Another address of the venue, where the run is dead.", show_default=False)] = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Leave every position at the market and pause; of a run whose process is dead, take it up only to leave what it holds."""
    with answering(json):
        try:
            payload = _asked(home, {"word": "flatten", "why": why, "who": _who()})
        except NobodyRuns:
            from metastackerbandit.cli.leaving import left, left_text

            payload = left(home, url, why, _who(), is_shown=not json)
            tell(payload, left_text(payload), json)
            return
        tell(payload, _said("flatten", payload), json)


def reconcile(
    accept: Annotated[str | None, typer.Option("--accept", metavar="KEY", help="Take a difference as it is.", show_default=False)] = None,
    home: HomeFlag = None,
    json: JsonFlag = False,
) -> None:
    """Hold the run's orders, positions and amounts against the venue's, and list what differs; differences hold new risk back."""
    with answering(json):
        payload = _asked(home, {"word": "reconcile", "accept": accept, "who": _who()})
        tell(payload, _differences_text(payload), json)


def _word(word: Word, why: str, home: Path | None, json: bool) -> None:
    with answering(json):
        payload = _asked(home, {"word": word, "why": why, "who": _who()})
        tell(payload, _said(word, payload), json)


def _said(word: Word, payload: Mapping[str, Any]) -> str:
    return f"{word}: {_SAID[word]} (run {payload['run']}, entry {payload['audit']} of the audit log)"


def _asked(home: Path | None, message: Mapping[str, Any]) -> dict[str, Any]:
    """The run's answer; the exit code says where none runs, or none answers in time."""
    from metastackerbandit.config.home import home_folder
    from metastackerbandit.domain.errors import UsageError
    from metastackerbandit.runtime.control_door import asked_at

    folder = home_folder(home, os.environ)
    try:
        told = asked_at(folder, message, _PATIENCE_S) if folder.is_dir() else None
    except TimeoutError:
        late = MsbError(f"the run did not answer within {_PATIENCE_S:g} s", where=str(folder), mend="`msb status` tells whether it lives")
        late.exit_code = TIMEOUT
        raise late from None
    if told is None:
        raise NobodyRuns("nothing runs here that takes a word", where=str(folder), mend="runs on live data do: `msb run --venue loopback`")
    if not told.pop("done"):
        raise UsageError(str(told["why"]), where=f"msb {message['word']}", mend="`msb status` tells how the run stands")
    return told


def _who() -> str:
    from metastackerbandit.cli.who import who

    return who()


def answers_of(home: Path, run: LiveRun, engine: Engine, number: int) -> dict[str, Answer]:
    """What a live run answers to each word; `number` is its own."""
    from metastackerbandit.domain.errors import NotFound
    from metastackerbandit.storage.audit_log import keep_audit

    def obeyed(word: Word) -> Answer:
        async def answer(asked: Mapping[str, Any]) -> dict[str, Any]:
            entry = keep_audit(home, time.time_ns(), str(asked.get("who", "")), word, str(asked.get("why", "")))
            return {"run": number, "word": word, "at_ns": await run.obey(word), "audit": entry.number}

        return answer

    async def reconciled(asked: Mapping[str, Any]) -> dict[str, Any]:
        await run.broker.compare()
        if asked.get("accept"):
            key = str(asked["accept"])
            if not any(one.get("key") == key for one in run.broker.differences(engine)):
                raise NotFound(f"no difference {key!r}", where="--accept", mend="`msb reconcile` lists the keys")
            keep_audit(home, time.time_ns(), str(asked.get("who", "")), "accept", key)
            run.broker.accept(key)
        return {"run": number, "holds_risk": run.broker.holds_risk, "differences": run.broker.differences(engine)}

    words: tuple[Word, ...] = ("pause", "resume", "flatten", "kill")
    return {**{word: obeyed(word) for word in words}, "reconcile": reconciled}


def _differences_text(payload: dict[str, Any]) -> str:
    found = payload["differences"]
    if not found:
        return f"run {payload['run']}: our view is the venue's"
    lines = [
        f"{one['kind']} {one['name']} {one['symbol']}: ours {one['ours']}, the venue's {one['venue']}  (key: {one.get('key', '-')})" for one in found
    ]
    held = "; no new risk is taken while they stand" if payload["holds_risk"] else ""
    return "\n".join([f"run {payload['run']}: {len(found)} differences{held}", *lines])
