"""One version on disk: a folder with its card, its files, and the SHA-256 of each; written whole, and checked whenever it is read.

<models>/<series>/<version, 4 digits>/card.json
                                      SHA256SUMS      of the card and every file, in the form that sha256sum reads
                                      <file> ...
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from metastackerbandit.domain.card import FileHash, ModelCard, card_bytes, card_from, hashes_of
from metastackerbandit.domain.errors import ModelRefused, NotFound
from metastackerbandit.storage.no_pickle import code_in
from metastackerbandit.storage.whole_files import write_folder

CARD, SUMS = "card.json", "SHA256SUMS"
_LISTED = re.compile(r"([0-9a-f]{64}) [ *](\S+)")
_MEND = "restore the version from a backup, or train it again"


def write_version(fresh: Path, target: Path, card: ModelCard, files: Mapping[str, bytes]) -> None:
    """Make a version of a card and its files, by way of the folder `fresh`; a file that could run code is refused."""
    if {CARD, SUMS} & set(files):
        raise ModelRefused(f"no file of a version may be called {CARD} or {SUMS}", where=card.model_id, mend="rename it")
    if card.files != hashes_of(files):
        raise ModelRefused("the card's files are not those given", where=card.model_id, mend="put the hashes of the files on the card")
    for name, content in files.items():
        _refuse_code(name, content, card.model_id)
    text = card_bytes(card)
    card_from(text, card.model_id)  # what will be read, before it is written
    sums = [(hashlib.sha256(text).hexdigest(), CARD), *((file.sha256, file.name) for file in card.files)]
    listed = "".join(f"{digest}  {name}\n" for digest, name in sums).encode()
    write_folder(fresh, target, {**files, CARD: text, SUMS: listed})


def read_card(folder: Path) -> ModelCard:
    """A version's card; ModelRefused where it was edited, is damaged, or lies in another version's folder."""
    path = folder / CARD
    content, sums = _content(path), _sums(folder)
    if hashlib.sha256(content).hexdigest() != sums.get(CARD):
        raise ModelRefused(f"the card is not the one that was written: its hash is not in {SUMS}", where=str(path), mend=_MEND)
    card = card_from(content, str(path))
    if (card.series, f"{card.version:04d}") != (folder.parent.name, folder.name):
        raise ModelRefused(f"the card is that of {card.model_id}", where=str(path), mend=_MEND)
    if sums != {CARD: sums[CARD], **{file.name: file.sha256 for file in card.files}}:
        raise ModelRefused("it does not list the card's files", where=str(folder / SUMS), mend=_MEND)
    return card


def read_files(folder: Path, card: ModelCard) -> dict[str, bytes]:
    """A version's files by name, each with the hash that the card says."""
    found = {}
    for file in card.files:
        content = _content(folder / file.name)
        if FileHash(file.name, hashlib.sha256(content).hexdigest(), len(content)) != file:
            what = f"the file is not the one that was trained: {len(content)} bytes where {file.length} with SHA-256 {file.sha256[:8]}… are expected"
            raise ModelRefused(what, where=str(folder / file.name), mend=_MEND)
        _refuse_code(file.name, content, str(folder / file.name))
        found[file.name] = content
    return found


def _refuse_code(name: str, content: bytes, where: str) -> None:
    reason = code_in(name, content)
    if reason:
        raise ModelRefused(f"the file {name!r} is refused: {reason}", where=where, mend="save weights as text, ONNX or plain arrays")


def _sums(folder: Path) -> dict[str, str]:
    """Hash by name; lines that are not of its form list nothing."""
    lines = _content(folder / SUMS).decode("utf-8", "replace").splitlines()
    return {found[2]: found[1] for found in map(_LISTED.fullmatch, lines) if found}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        if not path.parent.exists():
            raise NotFound("there is no such version", where=str(path.parent), mend="`msb models list` names those there are") from None
        raise ModelRefused("the file is missing", where=str(path), mend=_MEND) from None
    except OSError as error:
        raise ModelRefused(f"the file cannot be read: {error.strerror}", where=str(path), mend="check its permissions") from error
