"""Unlocks of real money: who allowed it, where, up to how much, until when, under which configuration; each tied to its entry of the audit log.

<home>/unlocks/<venue>_<market>.json, written whole. The audit entry has the same terms in its words, and the file its number and seal (hash); an
unlock whose entry is not there, says something else, or is not the last word on its venue and market is none.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.storage.audit_log import Entry, keep_audit, read_audit
from metastackerbandit.storage.whole_files import write_whole, writing

UNLOCK, LOCK = "unlock", "lock"


class Terms(Struct, frozen=True, forbid_unknown_fields=True):
    """What is allowed: `max_notional` (exact text, in `currency`) is what all positions together may be worth; times are UTC ns by our clock."""

    venue: str
    market: str
    symbols: tuple[str, ...]
    max_notional: str
    currency: str
    since_ns: int
    until_ns: int
    who: str
    why: str
    config_hash: str


class Unlock(Struct, frozen=True, forbid_unknown_fields=True):
    """Terms, and the number and seal of the audit entry that has them."""

    terms: Terms
    entry: int
    seal: str


class Locked(Struct, frozen=True):
    """Why nothing is unlocked."""

    why: str


class Place(Struct, frozen=True):
    """Which market of which venue; the words of a `lock` entry."""

    venue: str
    market: str


def unlock_path(home: Path, venue: str, market: str) -> Path:
    """Where the unlock of a market is."""
    return home / "unlocks" / f"{venue}_{market}.json"


def keep_unlock(home: Path, terms: Terms) -> Unlock:
    """Write it into the audit log, then where a run looks for it; an earlier one of the same market is over. Raises StorageFailed."""
    entry = keep_audit(home, terms.since_ns, terms.who, UNLOCK, msgspec.json.encode(terms).decode())
    unlock = Unlock(terms, entry.number, entry.hash)
    write_whole(unlock_path(home, terms.venue, terms.market), msgspec.json.encode(unlock) + b"\n")
    return unlock


def take_back(home: Path, venue: str, market: str, now_ns: int, who: str) -> Entry:
    """End whatever is unlocked there: the audit entry alone does it. Raises StorageFailed."""
    entry = keep_audit(home, now_ns, who, LOCK, msgspec.json.encode(Place(venue, market)).decode())
    path = unlock_path(home, venue, market)
    with writing(path):
        path.unlink(missing_ok=True)
    return entry


def standing_unlock(home: Path, venue: str, market: str, now_ns: int, config_hash: str | None = None) -> Unlock | Locked:
    """What is unlocked there now, for one configuration where its hash is given; else why nothing is."""
    path = unlock_path(home, venue, market)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Unlock)
        entries = read_audit(home)
    except FileNotFoundError:
        return Locked(f"{venue} {market} is not unlocked")
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        return Locked(f"the unlock cannot be read: {error}")
    except StorageFailed as error:
        return Locked(f"no unlock counts: {error.what}")
    why = _tampered(found, venue, market, entries) or _over(found.terms, now_ns, config_hash)
    return Locked(why) if why else found


def unlocks(home: Path, now_ns: int) -> tuple[Unlock | Locked, ...]:
    """What stands of every file that is there."""
    names = sorted(path.stem.rpartition("_") for path in (home / "unlocks").glob("*.json"))
    return tuple(standing_unlock(home, venue, market, now_ns) for venue, _, market in names)


def _tampered(unlock: Unlock, venue: str, market: str, entries: tuple[Entry, ...]) -> str:
    """Why the file is not what the audit log says; "" where it is."""
    terms = unlock.terms
    entry = entries[unlock.entry - 1] if 0 < unlock.entry <= len(entries) else None
    if (terms.venue, terms.market) != (venue, market):
        return f"the unlock is of {terms.venue} {terms.market}"
    if entry is None or (entry.what, entry.hash) != (UNLOCK, unlock.seal) or entry.words.encode() != msgspec.json.encode(terms):
        return f"the unlock is not what entry {unlock.entry} of the audit log says: it was changed"
    later = next((one for one in entries[unlock.entry :] if _is_about(one, venue, market)), None)
    return "" if later is None else f"the unlock was ended by entry {later.number} of the audit log ({later.what}, {later.who})"


def _is_about(entry: Entry, venue: str, market: str) -> bool:
    """Whether an entry is a word on a market; one that cannot be read counts as one."""
    if entry.what not in (UNLOCK, LOCK):
        return False
    try:
        place = msgspec.json.decode(entry.words, type=Place)
    except msgspec.DecodeError:
        return True
    return (place.venue, place.market) == (venue, market)


def _over(terms: Terms, now_ns: int, config_hash: str | None) -> str:
    """Why a sound unlock does not hold now; "" where it does."""
    if now_ns >= terms.until_ns:
        return f"the unlock of {terms.venue} {terms.market} has expired"
    if now_ns < terms.since_ns:
        return f"the unlock of {terms.venue} {terms.market} begins later than now: the clock was set back"
    if config_hash is not None and config_hash != terms.config_hash:
        return f"the unlock is for configuration {terms.config_hash[:12]}, and this run has {config_hash[:12]}"
    return ""
