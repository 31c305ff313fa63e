"""Words told apart by their bytes: a table's own and no others, whatever stands around them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import stamp_of
from metastackerbandit.exchanges.json_words import words

TABLE = {b"a": 7, b"pu": 8, b"ap": -2, b"bids": 98, b"asks": 97, b"lastUpdateId": 1, b"a\\b": 3, b"\xc3\xa9t\xc3\xa9": 60_000_000_000}
WORDS = words("word_of", "A word of the table.", TABLE, __name__)
KEYS = words("key_of", "A word of the table, or a letter.", TABLE, __name__, letters=True)
ANY = st.sampled_from([*TABLE, b"bidz", b"xsks", b"p", b"A", b"~", b"@"]) | st.binary(max_size=13)


@given(word=ANY, before=st.binary(max_size=3), behind=st.binary(max_size=3))
@example(b"", b"pu", b"pu")
def test_a_word_is_told_by_all_its_bytes_and_by_none_around_it(word: bytes, before: bytes, behind: bytes) -> None:
    text = np.frombuffer(before + word + behind + b" ", np.uint8)
    first, end = len(before), len(before) + len(word)
    assert WORDS(text, first, end) == TABLE.get(word, 0)
    letter = word[0] if len(word) == 1 and 65 <= word[0] < 128 else 0
    assert KEYS(text, first, end) == TABLE.get(word, letter)


@pytest.mark.parametrize("table", [{b"": 1}, {b"a": 0}])
def test_a_word_without_a_byte_and_the_number_of_no_word_are_refused(table: dict[bytes, int]) -> None:
    with pytest.raises(ValueError, match="word_of: a word has a byte"):
        words("word_of", "Nothing.", table, __name__)


def test_another_table_is_another_kernel() -> None:
    if not hasattr(WORDS, "py_func"):
        pytest.skip("nothing is compiled: NUMBA_DISABLE_JIT")
    same = words("word_of", "A word of the table.", dict(TABLE), __name__)
    other = words("word_of", "A word of the table.", {**TABLE, b"pu": 9}, __name__)
    assert stamp_of(same) == stamp_of(WORDS) != stamp_of(other)
