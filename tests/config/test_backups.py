"""Backups: every write can be undone, nothing is half-written, a corrupted backup is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.config.backups import back_up, backup_content, backups, find_backup, is_intact, restore, rollback, write_config
from metastackerbandit.config.home import backup_folder, config_file, home_folder
from metastackerbandit.config.schema import Config
from metastackerbandit.config.writing import config_text
from metastackerbandit.domain.errors import ConfigRefused, NotFound, StorageFailed
from tests.config.strategies import configs
from tests.covering import covers

NOON_NS = 1_736_942_400_000_000_000  # 2025-01-15 12:00 UTC
FEES = [f"[costs]\ntaker_fee_bps = {fee}\n".encode() for fee in range(4)]


def present(home: Path) -> bytes:
    return config_file(home).read_bytes()


@covers("0.12", "0.13")
@settings(deadline=None, max_examples=15)
@given(st.lists(configs(), min_size=1, max_size=4))
def test_every_version_that_was_replaced_can_be_restored_exactly(versions: list[Config]) -> None:
    texts = [config_text(version).encode() for version in versions]
    with TemporaryDirectory() as folder:
        home = Path(folder)
        for step, text in enumerate(texts):
            write_config(home, text, NOON_NS + step)
        kept = list(reversed(backups(home)))
        assert [backup_content(home, backup) for backup in kept] == texts[:-1]
        assert all(is_intact(backup) for backup in kept)
        for backup, text in zip(kept, texts, strict=False):
            restore(home, backup.name, NOON_NS + 100)
            assert present(home) == text


@covers("0.12")
def test_a_rollback_undoes_the_last_change_and_a_second_one_undoes_the_rollback(tmp_path: Path) -> None:
    write_config(tmp_path, FEES[0], NOON_NS)
    write_config(tmp_path, FEES[1], NOON_NS + 1)
    rollback(tmp_path, NOON_NS + 2)
    assert present(tmp_path) == FEES[0]
    rollback(tmp_path, NOON_NS + 3)
    assert present(tmp_path) == FEES[1]


def test_a_rollback_passes_over_backups_of_the_present_text(tmp_path: Path) -> None:
    write_config(tmp_path, FEES[0], NOON_NS)
    write_config(tmp_path, FEES[1], NOON_NS + 1)
    back_up(tmp_path, NOON_NS + 2)
    rollback(tmp_path, NOON_NS + 3)
    assert present(tmp_path) == FEES[0]


def test_a_rollback_brings_back_a_file_that_was_deleted(tmp_path: Path) -> None:
    write_config(tmp_path, FEES[0], NOON_NS)
    back_up(tmp_path, NOON_NS + 1)
    config_file(tmp_path).unlink()
    rollback(tmp_path, NOON_NS + 2)
    assert present(tmp_path) == FEES[0]


def test_without_a_backup_there_is_nothing_to_roll_back(tmp_path: Path) -> None:
    assert back_up(tmp_path, NOON_NS) is None
    write_config(tmp_path, FEES[0], NOON_NS)
    with pytest.raises(NotFound):
        rollback(tmp_path, NOON_NS + 1)


@covers("0.13")
@given(st.data())
@settings(deadline=None, max_examples=25)
def test_a_backup_with_any_byte_changed_is_refused_with_the_mend(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        home = Path(folder)
        for step, text in enumerate(FEES[:3]):
            write_config(home, text, NOON_NS + step)
        newest, older = backups(home)
        content = bytearray(newest.path.read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        newest.path.write_bytes(bytes(content))
        with pytest.raises(ConfigRefused, match="corrupted") as caught:
            rollback(home, NOON_NS + 9)
        assert f"msb config restore {older.name}" in caught.value.mend
        with pytest.raises(ConfigRefused, match="corrupted"):
            restore(home, newest.name, NOON_NS + 9)
        assert present(home) == FEES[2]
        restore(home, older.name, NOON_NS + 9)
        assert present(home) == FEES[0]


@covers("0.13")
def test_the_manifest_is_what_sha256sum_reads(tmp_path: Path) -> None:
    write_config(tmp_path, FEES[0], NOON_NS)
    kept = write_config(tmp_path, FEES[1], NOON_NS + 1)
    assert kept is not None and kept.name == f"20250115T120000.000000001Z-{hashlib.sha256(FEES[0]).hexdigest()[:8]}.toml"
    assert (backup_folder(tmp_path) / "SHA256SUMS").read_text() == f"{hashlib.sha256(FEES[0]).hexdigest()}  {kept.name}\n"


def test_a_backup_that_the_manifest_does_not_list_is_refused(tmp_path: Path) -> None:
    write_config(tmp_path, FEES[0], NOON_NS)
    kept = back_up(tmp_path, NOON_NS + 1)
    assert kept is not None
    (backup_folder(tmp_path) / "SHA256SUMS").write_bytes(b"\xff\xfe garbage")
    with pytest.raises(ConfigRefused, match="not listed"):
        restore(tmp_path, kept.name, NOON_NS + 2)


def test_a_backup_that_this_program_would_refuse_is_not_restored(tmp_path: Path) -> None:
    write_config(tmp_path, b"[costs]\ntakr = 1\n", NOON_NS)
    write_config(tmp_path, FEES[0], NOON_NS + 1)
    with pytest.raises(ConfigRefused, match="unknown key"):
        rollback(tmp_path, NOON_NS + 2)
    assert present(tmp_path) == FEES[0]


@covers("0.13")
@pytest.mark.parametrize("renames_before_the_end", [0, 1, 2])
@pytest.mark.parametrize("end", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_end_in_the_middle_leaves_the_old_file_and_only_whole_backups(tmp_path: Path, renames_before_the_end: int, end: BaseException) -> None:
    write_config(tmp_path, FEES[0], NOON_NS)
    left = renames_before_the_end

    def rename(source: Path, target: Path) -> None:
        nonlocal left
        if left == 0:
            raise end
        left -= 1
        source.replace(target)

    with pytest.raises(StorageFailed if isinstance(end, OSError) else KeyboardInterrupt):
        write_config(tmp_path, FEES[1], NOON_NS + 1, rename=rename)
    assert present(tmp_path) == FEES[0]
    assert all(is_intact(backup) for backup in backups(tmp_path))
    assert not list(tmp_path.rglob("*.new"))
    write_config(tmp_path, FEES[2], NOON_NS + 2)
    rollback(tmp_path, NOON_NS + 3)
    assert present(tmp_path) == FEES[0]


def test_a_home_that_cannot_be_written_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageFailed):
        write_config(tmp_path / "file", FEES[0], NOON_NS)


def test_a_linked_configuration_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.toml").write_bytes(FEES[0])
    home = tmp_path / "home"
    home.mkdir()
    config_file(home).symlink_to(tmp_path / "elsewhere.toml")
    write_config(home, FEES[1], NOON_NS)
    assert config_file(home).is_symlink()
    assert (tmp_path / "elsewhere.toml").read_bytes() == FEES[1]


def test_a_backup_is_found_by_the_beginning_of_its_name_and_by_nothing_outside_its_folder(tmp_path: Path) -> None:
    for step, text in enumerate(FEES):
        write_config(tmp_path, text, NOON_NS + step * 1_000_000_000)
    newest = backups(tmp_path)[0]
    assert find_backup(tmp_path, newest.name.removesuffix(".toml")) == newest
    assert find_backup(tmp_path, newest.name[:15]) == newest
    for name in ("", "2025", "../config.toml", "nothing"):
        with pytest.raises(NotFound) as caught:
            find_backup(tmp_path, name)
        assert caught.value.mend


def test_home_is_the_flag_else_the_variable_else_var() -> None:
    assert home_folder(Path("a"), {"MSB_HOME": "b"}) == Path("a")
    assert home_folder(None, {"MSB_HOME": "b"}) == Path("b")
    assert home_folder(None, {"MSB_HOME": ""}) == home_folder(None, {}) == Path("var")
