"""Parts and ports: what kernels call is linked, what Python calls is assembled, and both do what the function does."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import allocating, inlined, kernel, rows, signatures_of
from metastackerbandit.domain.kernel_binary import cache_folder

pytestmark = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="there are no binaries")


class Course(NamedTuple):
    """What the kernels below read and write."""

    numbers: Any  # (N,) float64
    bars: Any  # (1,) Bar


@kernel
def largest(numbers: Any, first: int, last: int) -> float:
    """By halves, so that it calls itself; NaN of nothing."""
    if last <= first:
        return np.nan
    if last - first == 1:
        return numbers[first]
    middle = (first + last) // 2
    left, right = largest(numbers, first, middle), largest(numbers, middle, last)
    return left if left > right else right


@inlined
def put(bar: Any, value: float) -> None:
    """Into a record."""
    bar.high = int(value)


@kernel
def told(course: Any, first: int, scale: float) -> float:
    """Called by a kernel only."""
    put(course.bars[0], scale * course.numbers[first])
    return scale * largest(course.numbers, first, len(course.numbers))


@kernel
def port(course: Any, first: int, scale: float) -> float:
    """Called from Python."""
    return told(course, first, scale) + 1.0


@allocating
def doubled(numbers: Any) -> Any:
    """An array made in a kernel."""
    return numbers * 2.0


@allocating
def quadrupled(numbers: Any) -> Any:
    """By way of another."""
    return doubled(doubled(numbers))


@kernel
def is_even(n: int) -> bool:
    """By way of the one below."""
    if n == 0:
        return True
    return is_odd(n - 1)


@kernel
def is_odd(n: int) -> bool:
    """By way of the one above."""
    if n == 0:
        return False
    return is_even(n - 1)


@kernel
def halved(n: int, total: float) -> float:
    """Calls itself with a float, whatever it was called with."""
    if n == 0:
        return 0.0
    return total + halved(n - 1, total / 2)


@given(numbers=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), scale=st.floats(0.1, 10.0))
@settings(max_examples=40)
def test_linked_kernels_do_what_their_functions_do(numbers: list[float], scale: float) -> None:
    course = Course(np.array(numbers), rows(Bar, 1))
    assert port(course, 0, scale) == scale * max(numbers) + 1.0
    assert course.bars["high"][0] == int(scale * numbers[0])
    assert quadrupled(course.numbers).tolist() == [4.0 * one for one in numbers]


def test_a_kernel_that_python_does_not_call_is_not_assembled_until_it_does() -> None:
    course = Course(np.array([3.0, 5.0]), rows(Bar, 1))
    assert port(course, 0, 2.0) == 11.0
    assert signatures_of(port) == 1 and signatures_of(told) <= 1  # none where the port came from the cache
    called: Any = told
    assert not called._ports and told(course, 0, 2.0) == 10.0
    assert len(called._ports) == 1 and signatures_of(told) == 1
    assert port(course, 0, 3.0) == 16.0


def test_a_call_of_other_types_is_another_port_of_the_same_kernel() -> None:
    singles = np.array([1.0, 2.0], np.float32)
    assert largest(np.array([1.0, 2.0]), 0, 2) == 2.0 and largest(singles, 0, 2) == 2.0
    assert np.isnan(largest(np.array([]), 0, 0))
    assert signatures_of(largest) == 2
    with pytest.raises(TypeError):
        wrong: Any = largest
        wrong(np.array([1.0, 2.0]), 0)


def test_numbers_written_out_do_not_compile_a_kernel_for_each() -> None:
    @kernel
    def added(x: float, n: int, is_twice: bool) -> float:
        return x + n if is_twice else x

    @kernel
    def summed(numbers: Any) -> float:
        return added(1.0, 2, True) + added(2.5, 3, False) + added(numbers[0], len(numbers), True) + largest(numbers, 0, 2)

    assert summed(np.array([1.0, 2.0])) == 3.0 + 2.5 + 3.0 + 2.0
    assert signatures_of(added) == 1


def test_a_kernel_may_call_itself_with_a_number_written_out() -> None:
    @kernel
    def summed(n: int, total: int) -> int:
        if n <= 0:
            return total
        return n + summed(n - 1, 7)

    @kernel
    def above(n: int) -> int:
        return summed(n, 7)

    assert [summed(n, 7) for n in (0, 1, 4)] == [above(n) for n in (0, 1, 4)] == [7, 8, 17]


def test_kernels_that_call_each_other_in_a_circle_are_refused_with_the_mend() -> None:
    for first in (is_even, is_odd):
        for _ in ("twice", "the same"):
            with pytest.raises(TypeError, match=r"is_(even|odd): kernels that call each other in a circle.*cannot be linked: write a loop"):
                first(4)


def test_a_kernel_that_calls_itself_with_other_types_is_refused_with_the_mend() -> None:
    assert halved(3, 1.0) == 1.75
    with pytest.raises(TypeError, match=r"halved: kernels that call .* themselves with other types, cannot be linked: write a loop"):
        halved(3, 1)


def test_an_error_in_a_part_is_raised_from_the_port() -> None:
    @kernel
    def below(n: int) -> int:
        if n < 0:
            raise ValueError("a number below zero")
        return n

    @kernel
    def above(n: int) -> int:
        return below(n) + 1

    assert above(1) == 2
    with pytest.raises(ValueError, match="below zero"):
        above(-1)


def test_the_cache_is_where_it_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSB_KERNEL_CACHE", "/somewhere/kernels")
    assert str(cache_folder()) == "/somewhere/kernels"
    monkeypatch.delenv("MSB_KERNEL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert str(cache_folder()) == "/elsewhere/metastackerbandit/kernels"
