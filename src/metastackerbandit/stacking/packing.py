"""Fitted mathematics as bytes that know when they are damaged: a digest, then the Struct."""

from __future__ import annotations

import hashlib
from typing import TypeVar

import msgspec

from metastackerbandit.domain.errors import ModelRefused

T = TypeVar("T", bound=msgspec.Struct)

_DIGEST = 32  # bytes of SHA-256


def sealed(value: msgspec.Struct) -> bytes:
    """A Struct as bytes; the same Struct gives the same bytes."""
    body = msgspec.msgpack.encode(value)
    return hashlib.sha256(body).digest() + body


def unsealed(data: bytes, kind: type[T]) -> T:
    """The Struct back; bytes that were cut, changed, or made for something else are refused."""
    body = data[_DIGEST:]
    if hashlib.sha256(body).digest() != data[:_DIGEST]:
        raise ModelRefused(f"{len(data)} bytes of a {kind.__name__} are damaged", mend="restore the version's files or train again")
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise ModelRefused(f"bytes do not hold a {kind.__name__}: {error}", mend="use the version of the program that wrote them") from error
