"""A card comes back as it was or is refused: unknown numbers stay unknown, and what cannot be is named."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.card import (
    FileHash,
    MetaLabel,
    Score,
    Slot,
    card_bytes,
    card_from,
    check_card,
    contradictions,
    hashes_of,
    is_name,
    model_id,
    parts_of,
    skill,
)
from metastackerbandit.domain.errors import ModelRefused
from tests.covering import covers
from tests.storage.model_making import FILES, card

FEW = settings(max_examples=40)
NUMBERS = st.floats(allow_infinity=False)
SERIES = "stack-5m-BTCUSDT-0a1b2c3d4e"
MEND = "restore the version from a backup, or train it again"
META = MetaLabel("none", 0, 0.0, math.nan, (Score("worth_gain", "", math.nan, math.nan, math.nan),), "why")


# -- as a file -----------------------------------------------------------------------------------------------------------------


@FEW
@given(
    numbers=st.tuples(*[NUMBERS] * 5),
    score=st.tuples(NUMBERS, NUMBERS, NUMBERS),
    symbols=st.sets(st.text("aZ/:ü", min_size=1, max_size=4), min_size=1),
)
@example(numbers=(math.nan,) * 5, score=(math.nan,) * 3, symbols={"BTC/USDT:USDT"})
def test_a_card_comes_back_as_it_was_unknown_numbers_included(
    numbers: tuple[float, ...], score: tuple[float, float, float], symbols: set[str]
) -> None:
    named: dict[str, Any] = dict(zip(("share_up", "parity", "mirror_error", "calibration_slope", "effective_dof"), numbers, strict=True))
    made = card(symbols=tuple(sorted(symbols)), scores=(Score("gain", "mnats", *score),), **named)
    again = card_from(card_bytes(made), "here")
    assert card_bytes(again) == card_bytes(made)
    assert repr(again) == repr(made)  # where NaN is NaN


def test_a_file_is_strict_json_for_people_and_null_is_a_number_that_is_not_known() -> None:
    text = card_bytes(card(parity=math.nan))
    assert text.startswith(b'{\n "model_id": "') and text.endswith(b"\n}\n") and text.count(b"\n") > 40
    plain = msgspec.json.decode(text)
    assert plain["parity"] is None and plain["scores"][1]["low"] is None and plain["meta_label"] is None
    again = card_from(text, "here")
    assert math.isnan(again.parity) and math.isnan(again.scores[1].low) and again.meta_label is None


def test_numbers_of_the_meta_label_that_are_not_known_come_back_unknown() -> None:
    again = card_from(card_bytes(card(meta_label=META)), "here").meta_label
    assert again is not None and math.isnan(again.base_rate) and math.isnan(again.scores[0].value) and again.forced == "why"
    plain = msgspec.json.decode(card_bytes(card()))
    del plain["meta_label"]  # a card from before there was one
    assert card_from(msgspec.json.encode(plain), "here").meta_label is None


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"parity": math.inf}, "parity"),
        ({"size": -math.inf}, "size"),
        ({"weights": (0.4, math.inf)}, "weights"),
        ({"scores": (Score("gain", "mnats", 1.0, -math.inf, 2.0),)}, "low"),
        ({"meta_label": msgspec.structs.replace(META, n_eff=math.inf)}, "n_eff"),
    ],
)
def test_an_infinite_number_is_refused_by_its_name_wherever_it_stands(changed: dict[str, Any], name: str) -> None:
    with pytest.raises(ModelRefused) as refused:
        card_bytes(card(**changed))
    assert (refused.value.what, refused.value.where) == (f"{name} is infinite", f"{SERIES}-0001")
    assert refused.value.mend == "write NaN for what is not known"


def altered(old: str, new: str) -> bytes:
    """A sound card's file with one piece of its text changed."""
    text = card_bytes(card(meta_label=msgspec.structs.replace(META, base_rate=0.44))).decode()
    assert old in text
    return text.replace(old, new, 1).encode()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"seed": 7', '"seed": "7"', "$.seed"),
        ('"horizon": 12', '"horizon": null', "$.horizon"),
        ('"n_rows": 40000', '"n_rows": 40000.5', "$.n_rows"),
        ('"seed": 7,', "", "seed"),
        ('"seed": 7', '"seed": 7, "p": 1', "unknown field `p`"),
        ('"unit": "mnats"', '"unit": "mnats", "p": 1', "unknown field `p`"),
        ('"base_rate": 0.44', '"base_rate": 0.44, "p": 1', "unknown field `p`"),
        ('"unit": "mnats"', '"unit": null', "$.scores[0].unit"),
        ('"version": 1', '"version": 2', "contradicts itself"),
        ("{", "[", "cannot be read"),
    ],
)
def test_a_card_is_read_strictly(old: str, new: str, words: str) -> None:
    with pytest.raises(ModelRefused) as refused:
        card_from(altered(old, new), "card.json")
    assert words in refused.value.what and (refused.value.where, refused.value.mend) == ("card.json", MEND)


@settings(max_examples=60)
@given(
    content=st.one_of(st.binary(max_size=60), st.recursive(st.none() | st.integers() | st.text("a", max_size=2), st.lists).map(msgspec.json.encode))
)
@example(content=b"[" * 100_000)
@example(content=b"null")
@example(content=b'{"scores": 1}')
@example(content=b'{"scores": [1]}')
@example(content=b'{"meta_label": [1]}')
@example(content=b'{"model_id": "\xff"}')
def test_whatever_stands_in_a_cards_place_is_a_typed_refusal(content: bytes) -> None:
    with pytest.raises(ModelRefused, match="the card cannot be read: ") as refused:
        card_from(content, "card.json")
    assert (refused.value.where, refused.value.mend) == ("card.json", MEND)


# -- what cannot be ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"model_id": "other-0001"}, f"model_id 'other-0001' is not '{SERIES}-0001'"),
        ({"version": 10_000, "model_id": f"{SERIES}-10000"}, "version 10000 is not in 0 to 9999"),
        ({"version": -1, "model_id": f"{SERIES}--001", "trained_until_ns": 1}, "version -1 is not in 0 to 9999"),
        ({"series": "../up", "model_id": "../up-0001"}, "series '../up' is no name"),
        ({"symbols": ()}, "no symbol is named"),
        ({"symbols": ("A", "A")}, "a symbol is named twice"),
        ({"frame": "7m"}, "frame '7m' is unknown"),
        ({"horizon": 0}, "horizon 0 is no number of bars"),
        ({"weights": (1.0,)}, "2 learners have 1 weights"),
        ({"weights": (0.4, math.nan)}, "a weight is no number of 0 or more"),
        ({"weights": (0.4, -0.1)}, "a weight is no number of 0 or more"),
        ({"weights": (0.4, math.inf)}, "a weight is no number of 0 or more"),
        ({"trained_from_ns": 1_001}, "training ends before it begins"),
        ({"size": 1.5}, "size 1.5 is not in 0 to 1"),
        ({"size": -0.1}, "size -0.1 is not in 0 to 1"),
        ({"n_eff": math.nan}, "n_eff nan is not in 0 to the 40000 rows"),
        ({"n_eff": 40_001.0}, "n_eff 40001.0 is not in 0 to the 40000 rows"),
        ({"n_eff": -1.0}, "n_eff -1.0 is not in 0 to the 40000 rows"),
        ({"files": hashes_of({"../../etc/passwd": b""})}, "a file has a name that no file may have"),
        ({"files": hashes_of({"a": b""}) * 2}, "a file is named twice"),
        ({"depends_on": (f"{SERIES}-0001",)}, "it depends on itself"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(changed: dict[str, Any], words: str) -> None:
    wrong = card(**changed)
    assert contradictions(wrong) == (words,)
    with pytest.raises(ModelRefused) as refused:
        check_card(wrong, "there")
    assert refused.value.what == f"the card contradicts itself: {words}"
    assert (refused.value.where, refused.value.mend) == ("there", MEND)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(
        ModelRefused, match="the card contradicts itself: no symbol is named; horizon 0 is no number of bars; size 2 is not in 0 to 1"
    ):
        check_card(card(symbols=(), horizon=0, size=2), "there")


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 0},
        {"version": 9_999},
        {"horizon": 1},
        {"size": 0.0},
        {"n_eff": 0.0},
        {"n_eff": 40_000.5},  # a sum of uniqueness may be rounded up
        {"weights": (0.0, 1.0)},
        {"learners": (), "weights": ()},
        {"trained_from_ns": 1_000, "trained_until_ns": 1_000},
        {"files": hashes_of(FILES)},
        {"depends_on": (f"{SERIES}-0002",)},
    ],
)
def test_the_ends_of_what_may_be_are_sound(changed: dict[str, Any]) -> None:
    sound = card(**changed)
    assert contradictions(sound) == ()
    check_card(sound, "here")


# -- names ---------------------------------------------------------------------------------------------------------------------


@FEW
@given(series=st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True), version=st.integers(0, 9_999))
def test_a_name_says_series_and_version(series: str, version: int) -> None:
    assert parts_of(model_id(series, version)) == (series, version)
    assert is_name(series)


def test_a_version_has_four_digits() -> None:
    assert [model_id("s", version) for version in (0, 7, 9_999)] == ["s-0000", "s-0007", "s-9999"]
    assert parts_of("stack-5m-BTC.USDT-0012") == ("stack-5m-BTC.USDT", 12)


@pytest.mark.parametrize("name", ["", "x", "x-1", "x-00001", "-0001", "0001", "x-٠٠٠١", "x-00a1", "x-+001", "x-1²34", "last"])
def test_other_names_say_nothing(name: str) -> None:
    assert parts_of(name) is None


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("a", True),
        ("0.b_C-9", True),
        ("a" * 120, True),
        ("a" * 121, False),
        ("", False),
        (".a", False),
        ("-a", False),
        ("a/b", False),
        ("a\n", False),
    ],
)
def test_a_name_is_what_every_file_system_can_hold(text: str, may: bool) -> None:
    assert is_name(text) is may


@FEW
@given(st.dictionaries(st.text("abc.", min_size=1, max_size=4), st.binary(max_size=20), max_size=4))
def test_hashes_are_those_of_the_files_by_name(files: dict[str, bytes]) -> None:
    expected = [FileHash(name, hashlib.new("sha256", files[name]).hexdigest(), len(files[name])) for name in sorted(files)]
    assert list(hashes_of(files)) == expected == list(hashes_of(dict(reversed(files.items()))))


def test_its_skill_is_the_first_score_in_mnats() -> None:
    first, second = Score("gain", "mnats", 2.0, 1.0, 3.0), Score("brier_gain", "mnats", 5.0, 4.0, 6.0)
    assert skill(card(scores=(Score("auc", "", 0.5, 0.4, 0.6), first, second))) == first
    assert skill(card(scores=(Score("auc", "", 0.5, 0.4, 0.6),))) is None


def test_a_slot_is_said_by_symbol_and_frame() -> None:
    assert str(Slot("BTCUSDT", "5m")) == "BTCUSDT 5m"


# -- blocks of the standard input -----------------------------------------------------------------------------------------------


@covers("B06")
def test_a_card_declares_blocks_of_the_standard_input_and_older_cards_declare_none() -> None:
    declared = card(input_blocks=("cob", "bars_1s"), input_hash="0123456789abcdef")
    again = card_from(card_bytes(declared), "here")
    assert (again.input_blocks, again.input_hash) == (("cob", "bars_1s"), "0123456789abcdef")
    older = msgspec.json.decode(card_bytes(card()))
    del older["input_blocks"], older["input_hash"]
    read = card_from(msgspec.json.encode(older), "here")
    assert (read.input_blocks, read.input_hash) == ((), "")


def test_blocks_come_with_the_hash_of_their_schema_and_once_each() -> None:
    assert contradictions(card(input_blocks=("cob", "cob"), input_hash="0123456789abcdef")) == ("a block of the input is named twice",)
    apart = ("blocks of the input and the hash of its schema come together",)
    assert contradictions(card(input_blocks=("cob",))) == contradictions(card(input_hash="0123456789abcdef")) == apart
