"""API keys: whose they are, their secrets, what they may do."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct


class Key(Struct, frozen=True):
    """A key of an owner's account. The secrets of a loopback exchange guard nothing of worth: they are made up, and may be shown."""

    api_key: str
    secret: str
    owner: int
    may_trade: bool = True
    may_withdraw: bool = False
    is_bound: bool = False  # to addresses, as its page says; it is taken from any

    def __repr__(self) -> str:
        return f"Key({self.api_key!r}, owner={self.owner})"


class KeyRing:
    """The keys that an exchange knows."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys = {key.api_key: key for key in keys}

    def find(self, api_key: str) -> Key | None:
        """A key by its public part."""
        return self._keys.get(api_key)

    @property
    def all(self) -> tuple[Key, ...]:
        """Every key."""
        return tuple(self._keys.values())
