"""A learner's files as bytes that know when they are damaged: a line with their kind and SHA-256, then a Struct."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.errors import ModelRefused

T = TypeVar("T", bound=msgspec.Struct)
Floats = NDArray[np.float64]

FACTS = "facts"  # the file that every learner has
_MEND = "restore the version's files, or train it again"
_NUMBER = np.dtype("<f8")  # files are the same on every machine


def sealed(value: msgspec.Struct) -> bytes:
    """A Struct as bytes; the same Struct gives the same bytes."""
    body = msgspec.msgpack.encode(value)
    return f"{type(value).__name__} {digest(body)}\n".encode() + body


def unsealed(files: Mapping[str, bytes], kind: type[T], where: str) -> T:
    """The Struct in a learner's file `facts`; bytes that are missing, cut, changed, or of another kind are refused."""
    head, _, body = content(files, FACTS, where).partition(b"\n")
    if head != f"{kind.__name__} {digest(body)}".encode():
        raise damaged(FACTS, where, f"it is not a whole {kind.__name__}")
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise damaged(FACTS, where, str(error)) from error


def content(files: Mapping[str, bytes], name: str, where: str) -> bytes:
    """A file by name; ModelRefused where it is missing."""
    if name not in files:
        raise ModelRefused(f"the file {name!r} is missing", where=where, mend=_MEND)
    return files[name]


def whole(files: Mapping[str, bytes], name: str, expected: str, where: str) -> bytes:
    """A file whose SHA-256 is the expected one."""
    found = content(files, name, where)
    if digest(found) != expected:
        raise damaged(name, where, f"{len(found)} bytes with another SHA-256 than the learner was packed with")
    return found


def damaged(name: str, where: str, what: str) -> ModelRefused:
    """The refusal of a file that cannot be read."""
    return ModelRefused(f"the file {name!r} is damaged: {what}", where=where, mend=_MEND)


def digest(body: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(body).hexdigest()


def as_bytes(numbers: Floats) -> bytes:
    """An array's float64 bytes, row by row."""
    return np.ascontiguousarray(numbers, _NUMBER).tobytes()


def as_floats(body: bytes, shape: tuple[int, ...], where: str) -> Floats:
    """An array of that shape from its bytes; a wrong length, or a number that is not finite, is refused."""
    if len(body) != _NUMBER.itemsize * int(np.prod(shape)):
        raise damaged(FACTS, where, f"{len(body)} bytes are no float64 array of shape {shape}")
    numbers = np.frombuffer(body, _NUMBER).astype(np.float64).reshape(shape)
    if not np.isfinite(numbers).all():
        raise damaged(FACTS, where, "a number is not finite")
    return numbers
