"""What a handler is asked and what it says: the parameters of a request, and refusals as the venue words them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct

Worded = tuple[int, int, str]  # HTTP status, code, text of a refusal
Security = Literal["none", "key", "user", "trade"]  # nothing; a known key; signed, to read; signed, to trade
_LONG = 64  # characters of a number
_DECIMAL = re.compile(r"[0-9]{0,20}(\.[0-9]{0,20})?")


class WireRefusal(Exception):
    """A request is refused with this HTTP status, the venue's code and its text. `headers` and `extra` go with it.

    Raised by what reads parameters and by handlers; the desk alone catches it. Each is made where it is raised: one that were kept would keep the
    traceback of every raise.
    """

    def __init__(self, http: int, code: int, msg: str, headers: Mapping[str, str] | None = None, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code} {msg}")
        self.http, self.code, self.msg = http, code, msg
        self.headers, self.extra = dict(headers or {}), dict(extra or {})

    @property
    def body(self) -> dict[str, Any]:
        """As JSON."""
        return {"code": self.code, "msg": self.msg, **self.extra}


def missing(name: str) -> WireRefusal:
    """A parameter was not sent, or cannot be read."""
    return WireRefusal(400, -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


class Parameters:
    """Parameters of a request as text, by name. Every reader raises WireRefusal where a value is missing or not what it must be."""

    def __init__(self, given: Mapping[str, str], *, is_strict: bool = False) -> None:
        self.given, self._is_strict = dict(given), is_strict
        self._read = {"timestamp", "recvWindow", "signature", "apiKey"}

    def settle(self) -> None:
        """All has been read that will be: where the venue is strict it refuses what was sent besides. Asked before anything is done."""
        read = sum(name in self._read for name in self.given)
        if self._is_strict and read < len(self.given):
            msg = f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{len(self.given)}'."
            raise WireRefusal(400, -1104, msg)

    def maybe(self, name: str) -> str | None:
        """Text, None where it was not sent; sent and empty it is refused."""
        self._read.add(name)
        value = self.given.get(name)
        if value == "":
            raise WireRefusal(400, -1105, f"Parameter '{name}' was empty.")
        return value

    def text(self, name: str) -> str:
        """Text that must be there."""
        value = self.maybe(name)
        if value is None:
            raise missing(name)
        return value

    def whole(self, name: str, default: int | None = None, least: int = -(2**63), most: int = 2**63 - 1) -> int:
        """A whole number within bounds; one that has to be there where there is no `default`."""
        value = self.maybe(name)
        if value is None:
            if default is None:
                raise missing(name)
            return default
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(value) <= _LONG):
            raise WireRefusal(400, -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
        number = int(value)
        if not least <= number <= most:
            raise missing(name)
        return number

    def decimal(self, name: str) -> Decimal | None:
        """A plain decimal number that is not below zero, None where it was not sent."""
        value = self.maybe(name)
        if value is None:
            return None
        if not (_DECIMAL.fullmatch(value) and any(one.isdigit() for one in value)):
            raise WireRefusal(400, -1100, f"Illegal characters found in parameter '{name}'; legal range is '^([0-9]{{1,20}})(\\.[0-9]{{1,20}})?$'.")
        return Decimal(value)

    def one_of(self, name: str, words: Collection[str], refusal: Worded | None, default: str | None = None) -> str:
        """One of these words; `refusal` for any other, None: that it cannot be read."""
        value = self.maybe(name)
        if value is None:
            if default is None:
                raise missing(name)
            return default
        if value not in words:
            raise missing(name) if refusal is None else WireRefusal(*refusal)
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """`true` or `false`."""
        value = self.maybe(name)
        if value is None:
            return default
        if value.lower() not in ("true", "false"):
            raise WireRefusal(400, -1100, f"Illegal characters found in parameter '{name}'; legal range is '^(true|false)$'.")
        return value.lower() == "true"


class Asked(Struct):
    """A request that was let in: its parameters, who asks (`owner`, 0 where nobody has to say), from which address, at which venue time."""

    given: Parameters
    now_ns: int
    owner: int = 0
    api_key: str = ""
    address: str = ""


class Reply(Struct):
    """An answer that is not plain 200: another status, or another weight than the route's."""

    body: Any
    http: int = 200
    weight: int | None = None


Handler = Callable[[Asked], Any]


class Route(Struct, frozen=True):
    """What answers a request: `handler` gives the JSON body (or a Reply). `weight` may follow from the parameters.

    `orders` are counted as new orders of the account; a route that is `is_free` costs no weight where it succeeds. `kind` names what faults strike.
    """

    handler: Handler
    weight: int | Callable[[Parameters], int] = 1
    security: Security = "none"
    orders: int = 0
    is_free: bool = False
    kind: Literal["", "place", "cancel", "snapshot"] = ""


def one_or_all(one: int, every: int) -> Callable[[Parameters], int]:
    """The weight where a symbol is named, and where none is."""
    return lambda given: one if given.maybe("symbol") else every


Routes = Mapping[tuple[str, str], Route]
