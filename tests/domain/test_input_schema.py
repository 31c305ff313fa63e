"""The schema of an input: its fingerprint changes with whatever a model could notice, and a model that was made for another is refused."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from metastackerbandit.domain.errors import ModelMismatch
from metastackerbandit.domain.input_schema import InputSchema, refuse_other_schema
from tests.covering import covers
from tests.domain.inputs import BARS, BOOK, SAID, SCHEMA, SHARE

CHANGES: list[dict[str, Any]] = [
    {"name": "candles"},
    {"shape": (299, 2)},
    {"axes": ("time", "unit")},
    {"unit": "bps"},
    {"channels": ("range", "log_return")},
    {"frames": 299},
    {"key": "log_return"},
    {"odd": ()},
    {"partners": (("log_return", "range"),)},
    {"low": -9.0},
    {"high": 9.0},
    {"mirrors": False},
    {"revision": 2},
]


@covers("B06")
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_whatever_a_model_could_notice_changes_the_fingerprint(change: dict[str, Any]) -> None:
    other = InputSchema(1, (structs.replace(BARS, **change), *SCHEMA.blocks[1:]))
    assert other.fingerprint != SCHEMA.fingerprint and len(other.fingerprint) == 16


def test_words_do_not_change_the_fingerprint_but_order_and_version_do() -> None:
    reworded = InputSchema(1, (structs.replace(BARS, meaning="candles", absent="nothing"), *SCHEMA.blocks[1:]))
    assert reworded.fingerprint == SCHEMA.fingerprint == InputSchema(1, SCHEMA.blocks).fingerprint
    assert len({SCHEMA.fingerprint, InputSchema(2, SCHEMA.blocks).fingerprint, InputSchema(1, SCHEMA.blocks[::-1]).fingerprint}) == 3


def test_blocks_are_found_by_name_in_the_order_of_the_input() -> None:
    assert SCHEMA.names == ("bars", "book", "share", "predictions")
    assert SCHEMA.declared(("share", "bars", "share")) == (BARS, SHARE) and SCHEMA.block("book") is BOOK
    assert (BOOK.size, BOOK.axis("bucket"), BOOK.axis("feature"), SAID.axis("model")) == (3_000, 2, None, 0)
    with pytest.raises(ModelMismatch) as caught:
        SCHEMA.declared(("bars", "candles"))
    assert str(caught.value) == "blocks: the standard input has no block 'candles' (declare some of bars, book, share, predictions)"


@covers("B06")
def test_a_model_of_another_schema_is_refused_naming_both() -> None:
    refuse_other_schema(SCHEMA, ("bars",), SCHEMA.fingerprint, "cnn-0001")
    refuse_other_schema(SCHEMA, (), "", "stack-0001")  # it asks for features alone
    for other, was in (("0123456789abcdef", "input 0123456789abcdef"), ("", "input no schema")):
        with pytest.raises(ModelMismatch) as caught:
            refuse_other_schema(SCHEMA, ("bars",), other, "cnn-0001")
        assert caught.value.what == f"it was trained on {was}, this is input {SCHEMA.fingerprint} (version 1)" and caught.value.where == "cnn-0001"
        assert "train it again" in caught.value.mend
    with pytest.raises(ModelMismatch, match="no block 'candles'"):
        refuse_other_schema(SCHEMA, ("candles",), SCHEMA.fingerprint, "cnn-0001")
