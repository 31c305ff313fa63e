"""An account's key and secret: a secret signs texts and is never shown, written out or compared."""

from __future__ import annotations

import hashlib
import hmac
from typing import NoReturn

from msgspec import Struct

_SHOWN = 4  # letters of a key that tell one from another and are no use to anybody


class Secret:
    """Signs; its text cannot be had back by printing, encoding or pickling it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret(not shown)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written out")

    def hmac_sha256(self, text: str) -> str:
        """The text's HMAC-SHA256 under this secret, in lower-case hex."""
        return hmac.new(self._text.encode(), text.encode(), hashlib.sha256).hexdigest()


class Credentials(Struct, frozen=True, eq=False):
    """A key, which is sent, and its secret, which never is."""

    key: str
    secret: Secret

    def __repr__(self) -> str:
        return f"Credentials({self.shown})"

    @property
    def shown(self) -> str:
        """Enough of the key to tell it from another one."""
        return f"{self.key[:_SHOWN]}..."
