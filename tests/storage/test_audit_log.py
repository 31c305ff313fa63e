"""The audit log: what is kept is read, and nothing of it can be changed without being seen."""

from __future__ import annotations

from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.storage.audit_log import audit_path, keep_audit, read_audit


def test_what_was_kept_is_read_in_its_order_and_each_entry_knows_the_one_before(tmp_path: Path) -> None:
    assert read_audit(tmp_path) == ()
    kept = [keep_audit(tmp_path, n, f"who {n}", "pause", 'with "words"\nof two lines') for n in range(4)]
    assert read_audit(tmp_path) == tuple(kept)
    assert [entry.number for entry in kept] == [1, 2, 3, 4] and [entry.before for entry in kept[1:]] == [entry.hash for entry in kept[:-1]]


@given(line=st.integers(0, 4), place=st.integers(0, 400), bit=st.integers(0, 7))
def test_a_changed_bit_is_seen_at_its_line_or_behind_it(tmp_path_factory: pytest.TempPathFactory, line: int, place: int, bit: int) -> None:
    home = tmp_path_factory.mktemp("audit")
    for n in range(5):
        keep_audit(home, n, "who", "pause", "why")
    lines = audit_path(home).read_bytes().splitlines()
    changed = bytearray(lines[line])
    changed[place % len(changed)] ^= 1 << bit
    lines[line] = bytes(changed)
    audit_path(home).write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(StorageFailed, match="chain"):
        read_audit(home)
    before = audit_path(home).read_bytes()
    with pytest.raises(StorageFailed):
        keep_audit(home, 9, "who", "resume", "")
    assert audit_path(home).read_bytes() == before, "nothing is written behind a broken chain"


def test_an_entry_that_is_left_out_is_missed(tmp_path: Path) -> None:
    for n in range(3):
        keep_audit(tmp_path, n, "who", "pause", "")
    lines = audit_path(tmp_path).read_bytes().splitlines(keepends=True)
    audit_path(tmp_path).write_bytes(lines[0] + lines[2])
    with pytest.raises(StorageFailed) as raised:
        read_audit(tmp_path)
    assert "line 2" in raised.value.where


def _many(home: Path) -> None:
    for n in range(20):
        keep_audit(home, n, "who", "pause", "")


def test_processes_that_write_at_once_leave_one_chain(tmp_path: Path) -> None:
    workers = [get_context("spawn").Process(target=_many, args=(tmp_path,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert len(read_audit(tmp_path)) == 40
