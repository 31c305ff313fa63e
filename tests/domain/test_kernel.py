"""The kernel decorator: layouts, and a cache that cannot be stale."""

from __future__ import annotations

import os
import py_compile
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import copied, entry, joined, kernel, layout, rebound, row, rows, signatures_of, stamp_of, struct_of
from metastackerbandit.domain.kernel_binary import _Index

CALLEE = "from metastackerbandit.domain.kernel import kernel\n\n@kernel\ndef twice(x: float) -> float:\n    return {factor} * x\n"
CALLER = """from metastackerbandit.domain.kernel import kernel, written
from tiny.callee import twice

OFFSET = {offset}

@kernel
def shifted(x: float) -> float:
    return twice(x) + OFFSET

@kernel
def alone(x: float) -> float:
    return x - 1.0

composed = kernel(written("composed", "def composed(x):\\n    return shifted(x) * {scale}\\n", {{"shifted": shifted}}, __name__))
"""
ASK = "from tiny.caller import shifted, alone, composed; print(shifted(3.0), alone(3.0), composed(3.0))"


class Inner(Struct, frozen=True):
    word: Literal["low", "high"]
    count: int


class Outer(Struct, frozen=True):
    price: float
    flag: bool
    inner: Inner


@given(price=st.floats(), flag=st.booleans(), word=st.sampled_from(["low", "high"]), count=st.integers(-(2**63), 2**63 - 1))
def test_a_row_is_its_struct(price: float, flag: bool, word: Literal["low", "high"], count: int) -> None:
    given_struct = Outer(price, flag, Inner(word, count))
    back = struct_of(Outer, row(given_struct)[0])
    assert back.flag is flag and back.inner == given_struct.inner
    assert np.float64(back.price).tobytes() == np.float64(price).tobytes()


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_rows_are_copied_and_joined_to_the_bit(counts: list[int]) -> None:
    """Also those that stand inside a longer array, those with records in records, and those of no rows; what is copied has memory of its own."""
    drawn = np.random.default_rng(sum(counts))
    parts = [drawn.integers(0, 256, (count + 2) * layout(Bar).itemsize, np.uint8).view(layout(Bar))[1:-1] for count in counts]
    whole = joined(parts)
    assert whole.dtype is layout(Bar) and whole.tobytes() == b"".join(part.tobytes() for part in parts)
    for part in parts:
        assert copied(part).tobytes() == part.tobytes() and not np.shares_memory(copied(part), part)
    numbers = drawn.normal(size=(counts[0], 3))
    assert copied(numbers).tobytes() == numbers.tobytes() and joined([numbers, numbers]).shape == (2 * counts[0], 3)


def test_parts_of_unlike_layouts_are_not_joined() -> None:
    with pytest.raises(TypeError, match="parts of one layout"):
        joined([rows(Bar, 1), np.zeros(1)])
    with pytest.raises(TypeError, match="none"):
        joined([])


def test_a_layout_is_one_object_and_refuses_numpys_own_names() -> None:
    assert layout(Bar) is layout(Bar)
    assert rows(Bar, 3).dtype is layout(Bar)

    class Clash(Struct):
        mean: float

    class Odd(Struct):
        text: str

    with pytest.raises(TypeError, match="call the field otherwise"):
        layout(Clash)
    with pytest.raises(TypeError, match="has no column"):
        layout(Odd)


class Sums(NamedTuple):
    """What a kernel below reads and writes."""

    numbers: Any  # (N,) float64
    told: Any  # (1,) Bar


@kernel
def summed(numbers: Any, count: int, sums: Any) -> float:
    """Add the first numbers up, once from either array, and count how many that were."""
    total = 0.0
    for n in range(count):
        total += numbers[n] + sums.numbers[n]
    sums.told[0].trades += count
    return total


@given(numbers=st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=9), data=st.data())
@settings(max_examples=30)
def test_an_entry_does_what_its_kernel_does(numbers: list[float], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, len(numbers)))
    given_numbers = np.array(numbers)
    by_entry, by_kernel = (Sums(given_numbers[::-1].copy(), rows(Bar, 1)) for _ in range(2))
    made = entry(summed, given_numbers, count, by_entry)
    assert np.float64(made(given_numbers, count, by_entry)).tobytes() == np.float64(summed(given_numbers, count, by_kernel)).tobytes()
    assert by_entry.told.tobytes() == by_kernel.told.tobytes() and by_entry.told["trades"] == count


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="compiled calls are looked at")
def test_an_entry_is_of_one_signature_and_calls_no_dispatcher() -> None:
    sums = Sums(np.arange(3.0), rows(Bar, 1))
    made = entry(summed, sums.numbers, 3, sums)
    assert signatures_of(summed) == 1 and made is entry(summed, sums.numbers, 2, sums)
    assert made is not summed and made(sums.numbers, 3, sums) == 6.0
    for wrong in ((sums.numbers, 3), (sums.numbers.astype(np.float32), 3, sums), ([1.0, 2.0, 3.0], 3, sums), (sums.numbers, "3 of", sums)):
        with pytest.raises((TypeError, ValueError)):
            made(*wrong)  # what has no number of arguments, no size of items or no array in common is still refused


class Tiny:
    """A package of two files and a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache = folder, folder / "cache"
        (folder / "tiny").mkdir()
        (folder / "tiny" / "__init__.py").write_text("")
        self.write()

    def write(self, factor: str = "2.0", offset: str = "1.0", scale: str = "1.0") -> None:
        """Write both files."""
        (self.folder / "tiny" / "callee.py").write_text(CALLEE.format(factor=factor))
        (self.folder / "tiny" / "caller.py").write_text(CALLER.format(offset=offset, scale=scale))

    def ask(self, **flags: str) -> tuple[float, ...]:
        """What a new process answers."""
        env = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
        paths = os.pathsep.join([str(self.folder), *filter(None, [os.environ.get("PYTHONPATH")])])  # the package under test, wherever it lies
        env |= {"PYTHONPATH": paths, "MSB_KERNEL_CACHE": str(self.cache), "PYTHONDONTWRITEBYTECODE": "1"} | flags
        answer = subprocess.run([sys.executable, "-c", ASK], env=env, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr[-1_500:]
        return tuple(float(word) for word in answer.stdout.split())

    def compiled(self, name: str) -> int:
        """How often a kernel stands in the cache, compiled."""
        return len(list(self.cache.glob(f"{name}-*.part.*.nbc")))


def test_an_edit_below_a_kernel_is_seen_and_nothing_else_is_compiled_again(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    assert tiny.ask() == (7.0, 2.0, 7.0)
    assert tiny.ask() == (7.0, 2.0, 7.0)
    assert [tiny.compiled(name) for name in ("twice", "shifted", "alone", "composed")] == [1, 1, 1, 1]
    tiny.write(factor="5.0")
    assert tiny.ask() == (16.0, 2.0, 16.0)
    assert [tiny.compiled(name) for name in ("twice", "shifted", "alone", "composed")] == [2, 2, 1, 2]
    tiny.write(factor="5.0", offset="4.0")
    assert tiny.ask() == (19.0, 2.0, 19.0)
    assert [tiny.compiled(name) for name in ("twice", "shifted", "alone", "composed")] == [2, 3, 1, 3]
    tiny.write(factor="5.0", offset="4.0", scale="10.0")
    assert tiny.ask() == (19.0, 2.0, 190.0)
    assert [tiny.compiled(name) for name in ("twice", "shifted", "alone", "composed")] == [2, 3, 1, 4]
    tiny.write()
    assert tiny.ask() == (7.0, 2.0, 7.0)
    assert [tiny.compiled(name) for name in ("twice", "shifted", "alone", "composed")] == [2, 3, 1, 4]
    assert tiny.ask(NUMBA_DISABLE_JIT="1") == (7.0, 2.0, 7.0)
    assert tiny.ask(NUMBA_BOUNDSCHECK="1") == (7.0, 2.0, 7.0)
    assert tiny.compiled("twice") == 3  # another flag, another binary


def test_an_edit_of_a_callee_further_down_the_module_is_seen(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    caller = tmp_path / "tiny" / "caller.py"
    text = """from metastackerbandit.domain.kernel import kernel

@kernel
def shifted(x: float) -> float:
    return below(x)

@kernel
def below(x: float) -> float:
    return {factor} * x if x < 100.0 else below(x - 100.0)

alone = composed = shifted
"""
    caller.write_text(text.format(factor="2.0"))
    assert tiny.ask() == (6.0, 6.0, 6.0)
    caller.write_text(text.format(factor="5.0"))
    assert tiny.ask() == (15.0, 15.0, 15.0)


def test_bytecode_that_is_older_than_its_file_does_not_poison_the_cache(tmp_path: Path) -> None:
    """A binary is filed under what was compiled, not under what the source file says by then."""
    tiny = Tiny(tmp_path)
    callee = tmp_path / "tiny" / "callee.py"
    old = py_compile.compile(str(callee), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    tiny.write(factor="9.0")
    assert tiny.ask() == (7.0, 2.0, 7.0)
    assert old is not None
    Path(old).unlink()
    assert tiny.ask() == (28.0, 2.0, 28.0)


def test_a_cache_that_names_a_type_which_is_gone_is_filled_anew(tmp_path: Path) -> None:
    """A kernel of many callers is called with a type of another version, which has moved since."""
    tiny = Tiny(tmp_path)
    module, caller = tmp_path / "tiny" / "{}.py", tmp_path / "tiny" / "caller.py"
    shared = """from metastackerbandit.domain.kernel import kernel

@kernel
def first(pair):
    return pair.one
"""
    (tmp_path / "tiny" / "callee.py").write_text(shared)
    for name in ("before", "after"):
        Path(str(module).format(name)).write_text("from typing import Any, NamedTuple\nclass Pair(NamedTuple):\n    one: Any\n    two: Any\n")
        imports = f"from tiny.callee import first\nfrom tiny.{name} import Pair\n"
        caller.write_text(imports + "def shifted(x):\n    return first(Pair(x, 1))\nalone = composed = shifted\n")
        assert tiny.ask() == (3.0, 3.0, 3.0)
        Path(str(module).format(name)).unlink()


def test_binaries_of_several_processes_can_be_called_by_one_kernel(tmp_path: Path) -> None:
    """Twins have one name and one signature; what they call themselves must differ, or a kernel that calls both would call one of them twice."""
    (tmp_path / "twins.py").write_text(
        """import sys
from metastackerbandit.domain.kernel import kernel, rebound

@kernel
def double(x):
    return 2.0 * x

@kernel
def third(x):
    return x / 3.0

@kernel
def step(x):
    return double(x)

@kernel
def outer(x):
    return step(x) + 1.0

twin = rebound(outer, step=rebound(step, double=third))

@kernel
def both(x):
    return outer(x), twin(x)

print(*(globals()[name](6.0) for name in sys.argv[1:]))
"""
    )
    env = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"} | {"MSB_KERNEL_CACHE": str(tmp_path / "cache")}

    def ask(*names: str) -> str:
        words = [sys.executable, str(tmp_path / "twins.py"), *names]
        return subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout.strip()

    assert (ask("outer"), ask("twin")) == ("13.0", "3.0")
    assert ask("outer", "twin", "both") == "13.0 3.0 (13.0, 3.0)"
    assert ask("both") == "(13.0, 3.0)"


def test_fields_that_change_places_are_seen(tmp_path: Path) -> None:
    """A binary knows the fields of a named tuple by their places; its type tells only the name and what stands where."""
    tiny = Tiny(tmp_path)
    (tmp_path / "tiny" / "callee.py").write_text(
        "from metastackerbandit.domain.kernel import kernel\n\n@kernel\ndef less(pair):\n    return pair.one - pair.two\n"
    )
    caller = """from typing import Any, NamedTuple
from tiny.callee import less

class Pair(NamedTuple):
    {}: Any
    {}: Any

def shifted(x):
    return less(Pair(one=x, two=1.0))

alone = composed = shifted
"""
    (tmp_path / "tiny" / "caller.py").write_text(caller.format("one", "two"))
    assert tiny.ask() == (2.0, 2.0, 2.0)
    (tmp_path / "tiny" / "caller.py").write_text(caller.format("two", "one"))
    assert tiny.ask() == (2.0, 2.0, 2.0)


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="there is no cache")
def test_of_two_processes_that_write_one_index_none_gets_the_others_binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (_Index(str(tmp_path), "summed", "stamp") for _ in range(2))
    ours, theirs, third = (("part", "float64"), ("part", "int64"), ("port", "int64"))
    one.save(ours, b"ours")
    behind = one._load_index()
    other.save(theirs, b"theirs")
    monkeypatch.setattr(one, "_load_index", lambda: behind)  # the index as it was before the other wrote
    one.save(third, b"third")
    monkeypatch.undo()
    assert [one.load(key) for key in (ours, theirs, third)] == [b"ours", None, b"third"]


def test_four_cold_processes_may_fill_one_cache(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: tiny.ask(), range(4)))
    assert answers == [(7.0, 2.0, 7.0)] * 4
    assert tiny.ask() == (7.0, 2.0, 7.0)


@kernel
def step(x: float) -> float:
    """What is called first."""
    return x + 1.0


@kernel
def other_step(x: float) -> float:
    """What is called instead."""
    return x * 3.0


@kernel
def both_steps(x: float) -> float:
    """Twice what is called."""
    return step(step(x))


@given(st.floats(-1e6, 1e6))
def test_a_rebound_kernel_calls_the_other_one_and_the_first_is_as_it_was(x: float) -> None:
    assert REBOUND(x) == x * 3.0 * 3.0
    assert both_steps(x) == x + 1.0 + 1.0


REBOUND = rebound(both_steps, step=other_step)


def test_a_rebound_kernel_has_a_stamp_of_its_own_and_names_must_be_used() -> None:
    assert stamp_of(REBOUND) != stamp_of(both_steps)
    assert stamp_of(rebound(both_steps, step=step)) == stamp_of(both_steps)
    with pytest.raises(TypeError, match="both_steps uses no leap"):
        rebound(both_steps, leap=other_step)
