"""Unlocks: one that stands is what the audit log says, to the letter; any other is none, with the reason."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from metastackerbandit.storage.audit_log import audit_path, keep_audit, read_audit
from metastackerbandit.storage.unlocks import Locked, Terms, Unlock, keep_unlock, standing_unlock, take_back, unlock_path, unlocks

TERMS = Terms("binance", "perp", ("BTCUSDT",), "500", "USDT", 1_000, 9_000, "ada", "a first week", "abcd1234")


def why(home: Path, now_ns: int = 5_000, config_hash: str | None = "abcd1234") -> str:
    """Why nothing is unlocked; "" where it is."""
    found = standing_unlock(home, "binance", "perp", now_ns, config_hash)
    return found.why if isinstance(found, Locked) else ""


def test_what_was_unlocked_stands_with_its_terms_and_its_audit_entry(tmp_path: Path) -> None:
    keep_audit(tmp_path, 1, "ada", "pause", "")
    kept = keep_unlock(tmp_path, TERMS)
    assert standing_unlock(tmp_path, "binance", "perp", 5_000, "abcd1234") == kept == Unlock(TERMS, 2, read_audit(tmp_path)[1].hash)
    assert unlocks(tmp_path, 5_000) == (kept,) and "ada" in read_audit(tmp_path)[1].words


@pytest.mark.parametrize(
    ("now_ns", "config_hash", "words"),
    [
        (8_999, "abcd1234", ""),
        (8_999, None, ""),
        (9_000, "abcd1234", "has expired"),
        (999, "abcd1234", "clock was set back"),
        (5_000, "ffff", "for configuration abcd1234, and this run has ffff"),
    ],
)
def test_it_holds_in_its_time_and_for_its_configuration(now_ns: int, config_hash: str | None, words: str, tmp_path: Path) -> None:
    keep_unlock(tmp_path, TERMS)
    found = why(tmp_path, now_ns, config_hash)
    assert words in found and bool(words) == bool(found)


def test_nothing_is_unlocked_by_itself_and_one_market_does_not_unlock_another(tmp_path: Path) -> None:
    assert why(tmp_path) == "binance perp is not unlocked" and unlocks(tmp_path, 0) == ()
    keep_unlock(tmp_path, TERMS)
    assert isinstance(standing_unlock(tmp_path, "loopback", "perp", 5_000), Locked)
    unlock_path(tmp_path, "loopback", "perp").write_bytes(unlock_path(tmp_path, "binance", "perp").read_bytes())
    assert standing_unlock(tmp_path, "loopback", "perp", 5_000) == Locked("the unlock is of binance perp")


def test_what_was_taken_back_does_not_come_back_with_its_file(tmp_path: Path) -> None:
    keep_unlock(tmp_path, TERMS)
    kept = unlock_path(tmp_path, "binance", "perp").read_bytes()
    take_back(tmp_path, "loopback", "perp", 2_000, "bob")
    assert not why(tmp_path), "a word on another market ends nothing here"
    take_back(tmp_path, "binance", "perp", 2_000, "bob")
    assert why(tmp_path) == "binance perp is not unlocked"
    unlock_path(tmp_path, "binance", "perp").write_bytes(kept)
    assert "ended by entry 3 of the audit log (lock, bob)" in why(tmp_path)


def test_a_newer_unlock_ends_an_older_one(tmp_path: Path) -> None:
    keep_unlock(tmp_path, replace(TERMS, max_notional="900"))
    kept = unlock_path(tmp_path, "binance", "perp").read_bytes()
    keep_unlock(tmp_path, TERMS)
    unlock_path(tmp_path, "binance", "perp").write_bytes(kept)
    assert "ended by entry 2" in why(tmp_path)


changes = st.sampled_from(
    [
        {"max_notional": "501"},
        {"until_ns": 10_000},
        {"symbols": ("BTCUSDT", "ETHUSDT")},
        {"config_hash": "ffff"},
        {"who": "eve"},
        {"since_ns": 0},
        {"currency": "BTC"},
        {"why": ""},
    ]
)


@given(change=changes)
def test_terms_that_were_changed_are_no_unlock(change: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("unlock")
    kept = keep_unlock(home, TERMS)
    path = unlock_path(home, "binance", "perp")
    path.write_bytes(msgspec.json.encode(replace(kept, terms=replace(TERMS, **change))))
    assert "it was changed" in why(home)


@given(place=st.integers(0, 600), bit=st.integers(0, 6))
def test_a_changed_bit_is_no_unlock(place: int, bit: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("unlock")
    keep_unlock(home, TERMS)
    path = unlock_path(home, "binance", "perp")
    text = bytearray(path.read_bytes())
    text[place % (len(text) - 1)] ^= 1 << bit
    path.write_bytes(text)
    assert why(home)


def test_a_broken_audit_log_unlocks_nothing(tmp_path: Path) -> None:
    keep_unlock(tmp_path, TERMS)
    audit_path(tmp_path).write_bytes(audit_path(tmp_path).read_bytes().replace(b"ada", b"eve"))
    assert "chain" in why(tmp_path)
    audit_path(tmp_path).unlink()
    assert "it was changed" in why(tmp_path)
