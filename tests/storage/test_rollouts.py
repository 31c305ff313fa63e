"""The record of rollouts: only ever added to, sealed line by line, safe against two who act at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.storage.rollouts import (
    RolloutEntry,
    checked_file,
    count_entries,
    keep_entry,
    keep_file,
    kept_file,
    read_rollouts,
)
from tests.covering import covers


def entry(rollout: int, action: str, stage: str, **about: object) -> RolloutEntry:
    """An action."""
    return RolloutEntry(rollout, action, stage, 1, "somebody", "because", about)  # type: ignore[arg-type]


def test_nothing_has_happened_in_an_empty_home(tmp_path: Path) -> None:
    assert read_rollouts(tmp_path) == () and count_entries(tmp_path) == 0


@covers("0.54")
def test_actions_come_back_as_they_were_kept_by_rollout(tmp_path: Path) -> None:
    acts = [
        entry(1, "start", "shadow", config="a"),
        entry(1, "observe", "shadow", n=[1, 2]),
        entry(1, "rollback", "rolled back"),
        entry(2, "start", "shadow"),
    ]
    for place, act in enumerate(acts):
        keep_entry(tmp_path, act, after=place)
    one, two = read_rollouts(tmp_path)
    assert one.entries == tuple(acts[:3]) and (one.number, one.stage, two.number, two.stage) == (1, "rolled back", 2, "shadow")
    assert one.since_advance() == (acts[1],)


def test_only_observations_since_the_last_advance_count_for_a_stage(tmp_path: Path) -> None:
    acts = [entry(1, "start", "shadow"), entry(1, "observe", "shadow"), entry(1, "advance", "paper"), entry(1, "observe", "paper", later=True)]
    for place, act in enumerate(acts):
        keep_entry(tmp_path, act, after=place)
    (story,) = read_rollouts(tmp_path)
    assert story.since_advance() == (acts[3],) and len(story.of("observe")) == 2


def test_an_action_decided_on_before_another_is_refused(tmp_path: Path) -> None:
    keep_entry(tmp_path, entry(1, "start", "shadow"), after=0)
    keep_entry(tmp_path, entry(1, "advance", "paper"), after=1)
    with pytest.raises(StorageFailed, match="meanwhile"):
        keep_entry(tmp_path, entry(1, "rollback", "rolled back"), after=1)


@pytest.mark.parametrize("harm", ["edit", "cut", "garbage"])
def test_a_changed_record_is_noticed(harm: str, tmp_path: Path) -> None:
    for place in range(3):
        keep_entry(tmp_path, entry(1, "start" if place == 0 else "observe", "shadow"), after=place)
    path = tmp_path / "rollouts.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    changed = {"edit": [lines[0].replace(b"because", b"why not"), *lines[1:]], "cut": [lines[0], lines[2]], "garbage": [*lines, b"{\n"]}[harm]
    path.write_bytes(b"".join(changed))
    with pytest.raises(StorageFailed):
        read_rollouts(tmp_path)
    with pytest.raises(StorageFailed):
        keep_entry(tmp_path, entry(1, "observe", "shadow"), after=3)


def test_a_kept_configuration_that_was_changed_is_refused(tmp_path: Path) -> None:
    path = kept_file(tmp_path, 1, "champion")
    digest = keep_file(path, b"[decision]\n")
    assert checked_file(path, digest) == b"[decision]\n"
    path.write_bytes(b"[decision]\nmin_alpha = 0.9\n")
    with pytest.raises(StorageFailed):
        checked_file(path, digest)
