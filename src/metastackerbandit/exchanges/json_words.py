"""Kernels that tell words apart: from a table of words and numbers one is written that compares bytes, those of a word's length and no others.

    key_of = words("key_of", "The field that a key stands for, 0 for one that nobody reads.", {b"bids": BIDS, b"asks": ASKS}, __name__)
    key_of(text, first, end)        the number of the word text[first:end], 0 for one that is not in the table

Where `letters`, a word of one letter that the table does not have is its own byte (65 to 127).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from metastackerbandit.domain.kernel import kernel, written

FIRST_LETTER, BYTES = 65, 128  # a letter's byte is a number of its own


def words(name: str, sentence: str, table: Mapping[bytes, int], module: str, *, letters: bool = False) -> Any:
    """The kernel `name(text, first, end)` of a table; ValueError where a word is empty or its number is that of another word's absence."""
    if any(not word or number == 0 for word, number in table.items()):
        raise ValueError(f"{name}: a word has a byte at least, and a number that is not 0, which stands for none of them")
    source = "\n".join([f"def {name}(text, first, end):", f'    """{sentence}"""', *_compared(table, letters), "    return 0", ""])
    return kernel(written(name, source, {"int64": np.int64}, module))


def _compared(table: Mapping[bytes, int], letters: bool) -> Iterator[str]:
    """The kernel's lines: the length is asked first, then byte after byte."""
    lengths = sorted({len(word) for word in table} | ({1} if letters else set()))
    yield "    size = end - first"
    for length in lengths:
        yield f"    if size == {length}:"
        for word, number in table.items():
            if len(word) == length:
                same = " and ".join(f"text[first + {place}] == {byte}" for place, byte in enumerate(word))
                yield f"        if {same}:"
                yield f"            return {number}"
        if letters and length == 1:
            yield "        letter = int64(text[first])"
            yield f"        return letter if {FIRST_LETTER} <= letter < {BYTES} else 0"
        else:
            yield "        return 0"
