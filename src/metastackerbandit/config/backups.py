"""Every change of the configuration can be undone: back up first, write whole, verify by hash.

A backup is `<UTC time>-<first 8 of its sha256>.toml`; SHA256SUMS lists them in the form that sha256sum reads.
"""

from __future__ import annotations

import hashlib
import os
import re
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from metastackerbandit.config.files import Rename, read_whole, write_whole
from metastackerbandit.config.home import backup_folder, config_file
from metastackerbandit.config.loading import examine_text
from metastackerbandit.config.problems import closest, refusal
from metastackerbandit.domain.errors import ConfigRefused, NotFound, StorageFailed

MANIFEST = "SHA256SUMS"
_NAME = re.compile(r"\d{8}T\d{6}\.\d{9}Z-[0-9a-f]{8}\.toml")
_LISTED = re.compile(r"([0-9a-f]{64}) [ *](\S+)")


class Backup(Struct, frozen=True):
    """One earlier version: its name (which sorts by time), its file, and its hash as the manifest has it (empty: not listed)."""

    name: str
    path: Path
    sha256: str


def backups(home: Path) -> list[Backup]:
    """All backups of an installation, newest first."""
    folder = backup_folder(home)
    listed = _listed(folder)
    names = sorted((path.name for path in folder.glob("*.toml") if _NAME.fullmatch(path.name)), reverse=True)
    return [Backup(name, folder / name, listed.get(name, "")) for name in names]


def is_intact(backup: Backup) -> bool:
    """Whether its content still has the hash that was written down."""
    return backup.sha256 == _sha256(read_whole(backup.path))


def find_backup(home: Path, name: str) -> Backup:
    """A backup by its name, with or without .toml, or by a beginning that only one has."""
    known = backups(home)
    found = [backup for backup in known if name and backup.name.startswith(name.removesuffix(".toml"))]
    if len(found) == 1:
        return found[0]
    if found:
        raise NotFound(f"{len(found)} backups begin with {name!r}", where=str(backup_folder(home)), mend=f"the newest is {found[0].name}")
    meant = closest(name, [backup.name for backup in known]) or (known[0].name if known else None)
    mend = f"did you mean {meant}?" if meant else "`msb config backup` makes one"
    raise NotFound(f"no backup is named {name!r}", where=str(backup_folder(home)), mend=mend)


def backup_content(home: Path, backup: Backup) -> bytes:
    """The content of a backup whose hash is right; a corrupted one is refused."""
    content = read_whole(backup.path)
    if _sha256(content) == backup.sha256:
        return content
    what = "corrupted: its hash is not the one in the manifest" if backup.sha256 else "not listed in the manifest, so it cannot be verified"
    other = next((known.name for known in backups(home) if known.name != backup.name and is_intact(known)), None)
    mend = f"restore another: `msb config restore {other}`" if other else "there is no other backup; correct config.toml by hand"
    raise ConfigRefused(f"backup {backup.name} is {what}", where=str(backup.path), mend=mend)


def back_up(home: Path, now_ns: int, *, rename: Rename = os.replace) -> Backup | None:
    """Keep the present configuration; None where there is none.

    The manifest is written first: a stop between the two leaves a line without a file, which nothing looks at.
    """
    if not config_file(home).exists():
        return None
    content = read_whole(config_file(home))
    digest = _sha256(content)
    folder = backup_folder(home)
    kept = Backup(f"{_stamp(now_ns)}-{digest[:8]}.toml", folder / f"{_stamp(now_ns)}-{digest[:8]}.toml", digest)
    lines = [f"{sha256}  {name}\n" for name, sha256 in sorted({**_listed(folder), kept.name: digest}.items())]
    write_whole(folder / MANIFEST, "".join(lines).encode(), rename=rename)
    write_whole(kept.path, content, rename=rename)
    return kept


def write_config(home: Path, content: bytes, now_ns: int, *, rename: Rename = os.replace) -> Backup | None:
    """Replace the configuration: back up, write, read back; gives the backup of what was there before."""
    kept = back_up(home, now_ns, rename=rename)
    write_whole(config_file(home), content, rename=rename)
    if read_whole(config_file(home)) != content:
        raise StorageFailed("what was written does not read back", where=str(config_file(home)), mend="check the disk; `msb config rollback` undoes")
    return kept


def restore(home: Path, name: str, now_ns: int, *, rename: Rename = os.replace) -> Backup:
    """Make a backup the configuration again, if it is intact and this version of the program accepts it."""
    chosen = find_backup(home, name)
    content = backup_content(home, chosen)
    examined = examine_text(content, str(chosen.path))
    if examined.problems:
        raise refusal(examined.problems)
    write_config(home, content, now_ns, rename=rename)
    return chosen


def rollback(home: Path, now_ns: int, *, rename: Rename = os.replace) -> Backup:
    """Restore the newest backup that differs from the present configuration; doing it twice undoes it."""
    return restore(home, newest_other(home).name, now_ns, rename=rename)


def newest_other(home: Path) -> Backup:
    """The newest backup that differs from the present configuration."""
    present = config_file(home)
    digest = _sha256(read_whole(present)) if present.exists() else ""
    chosen = next((backup for backup in backups(home) if backup.sha256 != digest), None)
    if chosen is None:
        raise NotFound("no backup differs from the present configuration", where=str(backup_folder(home)), mend="there is nothing to undo")
    return chosen


def _listed(folder: Path) -> dict[str, str]:
    """Hash by name from the manifest; lines that are not of its form list nothing."""
    manifest = folder / MANIFEST
    if not manifest.exists():
        return {}
    lines = read_whole(manifest).decode("utf-8", "replace").splitlines()
    return {found[2]: found[1] for found in map(_LISTED.fullmatch, lines) if found}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _stamp(now_ns: int) -> str:
    seconds, rest = divmod(now_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%S}.{rest:09d}Z"
