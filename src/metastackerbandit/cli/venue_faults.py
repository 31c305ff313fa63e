"""Faults of a loopback exchange that runs, over its own door."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import msgspec

from metastackerbandit.domain.errors import RequestFailed, RequestRefused
from metastackerbandit.practice.faults import Fault
from metastackerbandit.practice.faults_door import PATH

_PATIENCE_S = 5.0


def switched(url: str, wished: Sequence[Fault], *, is_off: bool) -> dict[str, Any]:
    """Switch, and what is on afterwards."""
    door = url.rstrip("/") + PATH
    if is_off:
        for name in [f"?name={one.name}" for one in wished] or [""]:
            _asked(door + name, "DELETE")
    for one in () if is_off else wished:
        _asked(door, "POST", msgspec.json.encode(one))
    told: dict[str, Any] = _asked(door, "GET")
    return told


def fault_text(payload: dict[str, Any]) -> str:
    """The same for a reader."""
    on = {one["name"]: one for one in payload["on"]}
    lines = [f"{'ON ' if name in on else '   '} {name:<15} {means}" for name, means in payload["known"].items()]
    return "\n".join([*lines, f"{len(on)} of {len(lines)} are on"])


def _asked(url: str, method: str, body: bytes | None = None) -> Any:
    """The answer of the exchange's door for faults."""
    request = Request(url, data=body, method=method, headers={"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=_PATIENCE_S) as answer:
            return json.loads(answer.read())
    except HTTPError as error:
        raise RequestRefused(
            f"status {error.code}: {error.read()[:200].decode(errors='replace')}", where=url, mend="`msb venue fault` lists them"
        ) from None
    except (URLError, OSError, ValueError) as error:
        raise RequestFailed(f"no exchange answers: {error}", where=url, mend="start one with `msb venue`, or give its --url") from None
