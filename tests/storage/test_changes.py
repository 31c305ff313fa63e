"""The record of changes: only added to, whole or not at all, beside a journal of any age."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import ConfigRefused, StorageFailed
from metastackerbandit.storage.changes import ChangeRow, keep_changes, kept_changes
from metastackerbandit.storage.journal import Journal
from metastackerbandit.storage.sqlite import database
from tests.covering import covers

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ROWS = st.builds(ChangeRow, st.integers(0, 2**63 - 1), TEXTS, st.sampled_from(["set", "restore", "rollback"]), TEXTS, TEXTS, TEXTS, TEXTS)


def nothing() -> None:
    """A change that has nothing left to do."""


@covers("A12")
@settings(max_examples=20)
@given(batches=st.lists(st.lists(ROWS, max_size=3), max_size=3))
def test_what_was_kept_comes_back_newest_first(tmp_path_factory: pytest.TempPathFactory, batches: list[list[ChangeRow]]) -> None:
    home = tmp_path_factory.mktemp("home")
    for batch in batches:
        keep_changes(home, batch, nothing)
    assert kept_changes(home) == tuple(reversed([row for batch in batches for row in batch]))


def one() -> ChangeRow:
    return ChangeRow(1, "me", "set", "decision.min_alpha", "0.02", "0.05", "a test")


def test_a_change_that_fails_leaves_no_row(tmp_path: Path) -> None:
    def fails() -> None:
        raise ConfigRefused("no")

    with pytest.raises(ConfigRefused):
        keep_changes(tmp_path, [one()], fails)
    assert kept_changes(tmp_path) == ()


def test_a_row_that_cannot_be_kept_leaves_no_change(tmp_path: Path) -> None:
    done: list[int] = []
    keep_changes(tmp_path, [one()], nothing)
    with sqlite3.connect(database(tmp_path)) as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON changes BEGIN SELECT RAISE(ABORT, 'full'); END")
    with pytest.raises(StorageFailed):
        keep_changes(tmp_path, [one()], lambda: done.append(1))
    assert done == [] and kept_changes(tmp_path) == (one(),)


@pytest.mark.parametrize("statement", ["UPDATE changes SET why = 'x'", "DELETE FROM changes", "DELETE FROM changes WHERE change = 1"])
def test_a_row_can_be_neither_changed_nor_removed(tmp_path: Path, statement: str) -> None:
    keep_changes(tmp_path, [one()], nothing)
    with sqlite3.connect(database(tmp_path)) as connection, pytest.raises(sqlite3.IntegrityError, match="only added"):
        connection.execute(statement)
    assert kept_changes(tmp_path) == (one(),)


def test_a_journal_that_knows_no_changes_takes_them(tmp_path: Path) -> None:
    assert kept_changes(tmp_path) == ()
    assert not database(tmp_path).exists()
    Journal.open(tmp_path).close()
    assert kept_changes(tmp_path) == ()
    keep_changes(tmp_path, [one()], nothing)
    journal = Journal.open(tmp_path, create=False)
    assert journal.runs() == ()
    journal.close()
    assert kept_changes(tmp_path) == (one(),)
