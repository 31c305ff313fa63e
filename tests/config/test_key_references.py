"""References to keys: what they name is read, what is unsafe or wrong is refused, and nothing that could be a secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.config.key_references import is_reference, read_key
from metastackerbandit.config.loading import examine
from metastackerbandit.domain.errors import ConfigRefused

ENVIRONMENT = {"MSB_KEY": "kkkk", "MSB_SECRET": "ssss", "EMPTY": ""}
MARKED = "aB3dE5" * 10


def test_variables_are_read_when_they_are_asked_for() -> None:
    found = read_key("env:MSB_KEY,MSB_SECRET", "keys.binance.perp", ENVIRONMENT)
    assert (found.key, found.secret) == ("kkkk", "ssss") and "ssss" not in repr(found)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("", "no key"),
        ("env:MSB_KEY,NOWHERE", "NOWHERE is not set"),
        ("env:EMPTY,NOWHERE", "EMPTY and NOWHERE"),
        ("file:/no/such/file", "cannot be read"),
    ],
)
def test_what_names_nothing_is_refused(reference: str, words: str) -> None:
    with pytest.raises(ConfigRefused, match=words):
        read_key(reference, "keys.binance.perp", ENVIRONMENT)


@pytest.mark.parametrize(
    ("mode", "content", "words"),
    [
        (0o600, "kkkk\nssss\n", ""),
        (0o400, "kkkk ssss", ""),
        (0o640, "kkkk\nssss\n", "mode 0640"),
        (0o604, "kkkk\nssss\n", "chmod 600"),
        (0o600, "kkkk\n", "1 words"),
        (0o600, "kkkk\nssss\nmore\n", "3 words"),
        (0o600, "kkkk\ns\u00e4\n", "letters that no key has"),
    ],
)
def test_a_file_has_two_lines_and_is_ours_alone(mode: int, content: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(content)
    file.chmod(mode)
    if not words:
        assert read_key(f"file:{file}", "keys.binance.perp", {}) == ("kkkk", "ssss")
        return
    with pytest.raises(ConfigRefused) as error:
        read_key(f"file:{file}", "keys.binance.perp", {})
    assert words in str(error.value) and "ssss" not in str(error.value)


@given(key=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=41, max_size=80))
def test_no_key_passes_for_the_name_of_a_variable(key: str) -> None:
    assert not is_reference(key) and not is_reference(f"env:{key},{key}")


@pytest.mark.parametrize(
    "sets",
    [
        (f"keys.binance.perp={MARKED}",),
        (f"keys.binance.perp=env:{MARKED},{MARKED}",),
        (f'keys.loopback.perp=["{MARKED}"]',),
        (f"keys.binance={MARKED}",),
        (f"keys.must_be_bound={MARKED}",),
    ],
)
def test_a_secret_in_the_place_of_a_reference_is_refused_and_not_shown(sets: tuple[str, ...]) -> None:
    found = examine(sets=sets)
    assert found.problems and MARKED not in str(found.problems)


def test_a_secret_in_a_file_is_refused_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    for text in (f'[keys.binance]\nperp = "{MARKED}"', f"[keys.binance]\nperp = ['{MARKED}']", f'[keys]\nbinance = "{MARKED}"'):
        file.write_text(text)
        found = examine([file])
        assert found.problems and MARKED not in str(found.problems), text
