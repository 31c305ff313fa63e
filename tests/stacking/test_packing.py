"""Fitted mathematics comes back from its bytes, and bytes that were cut, changed or made for something else are refused."""

from __future__ import annotations

import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import ModelRefused
from metastackerbandit.stacking.packing import sealed, unsealed
from tests.covering import covers


class Fit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Some numbers."""

    slope: float
    knots: tuple[float, ...]


FITS = st.builds(Fit, st.floats(allow_nan=False), st.lists(st.floats(allow_nan=False), max_size=5).map(tuple))


@given(fit=FITS)
def test_a_fit_comes_back_and_the_same_fit_gives_the_same_bytes(fit: Fit) -> None:
    assert unsealed(sealed(fit), Fit) == fit
    assert sealed(fit) == sealed(Fit(fit.slope, fit.knots))


def test_bytes_are_the_digest_and_then_the_numbers() -> None:
    body = b"\x82\xa5slope\xcb\x3f\xf0" + bytes(6) + b"\xa5knots\x90"  # a map of two: slope 1.0, no knots
    assert sealed(Fit(1.0, ())) == hashlib.sha256(body).digest() + body


@covers("A23")
@given(fit=FITS, place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_changed_byte_and_a_cut_are_refused(fit: Fit, place: int, flip: int) -> None:
    data = bytearray(sealed(fit))
    data[place % len(data)] ^= flip
    for broken in (bytes(data), sealed(fit)[: place % len(data)], sealed(fit) + b"\0"):
        with pytest.raises(ModelRefused, match=f"{len(broken)} bytes of a Fit are damaged") as caught:
            unsealed(broken, Fit)
        assert caught.value.mend


@covers("A23")
def test_whole_bytes_of_something_else_are_refused() -> None:
    for other in (msgspec.defstruct("Fit", [("slope", str), ("knots", tuple)])("1", ()), msgspec.defstruct("Other", [("slope", float)])(1.0)):
        with pytest.raises(ModelRefused, match="bytes do not hold a Fit: ") as caught:
            unsealed(sealed(other), Fit)
        assert caught.value.mend
