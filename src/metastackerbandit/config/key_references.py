"""References to keys: where a key and its secret are read when they are needed, so that neither ever stands in a configuration.

env:MSB_BINANCE_KEY,MSB_BINANCE_SECRET    two environment variables
file:/home/me/binance.key                 a file of two lines, the key and its secret, that nobody else may read
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from metastackerbandit.domain.errors import ConfigRefused

_NAME = r"[A-Z_][A-Z0-9_]{0,39}"  # upper case and short: no key and no secret of any venue looks like that
_VARIABLES = re.compile(rf"env:({_NAME}),({_NAME})")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_TWO_LINES = "write a file of two lines: the key, and its secret"
_MOST_BYTES = 4_096  # of such a file; keys of any venue are far shorter


class KeyTexts(NamedTuple):
    """A key and its secret, as text; never shown."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return "KeyTexts(not shown)"


def is_reference(text: str) -> bool:
    """Whether a text says where a key is."""
    return _VARIABLES.fullmatch(text) is not None or (text.startswith("file:") and len(text) > len("file:") and text.isprintable())


def read_key(reference: str, name: str, environment: Mapping[str, str]) -> KeyTexts:
    """What a reference names; `name` is the setting that it stands in.

    Raises:
        ConfigRefused: there is none, a variable is not set, the file cannot be read, others can read it, or it is not two lines.
    """
    if not reference:
        mend = f'set {name} = "env:NAME_OF_KEY,NAME_OF_SECRET" or "file:/path" in the configuration'
        raise ConfigRefused("no key of an account is named", where=name, mend=mend)
    variables = _VARIABLES.fullmatch(reference)
    found = _of_variables((variables[1], variables[2]), name, environment) if variables else _of_file(Path(reference.removeprefix("file:")), name)
    if not all(text and text.isascii() and text.isprintable() and " " not in text for text in found):
        raise ConfigRefused("the key or its secret is empty, or has letters that no key has", where=name, mend="write them anew, without quotes")
    return found


def _of_variables(names: tuple[str, str], where: str, environment: Mapping[str, str]) -> KeyTexts:
    lacking = [name for name in names if not environment.get(name)]
    if lacking:
        raise ConfigRefused(f"{' and '.join(lacking)} is not set", where=where, mend="export it in the shell that starts the run")
    return KeyTexts(environment[names[0]].strip(), environment[names[1]].strip())


def _of_file(named: Path, where: str) -> KeyTexts:
    path = named.expanduser()
    try:
        mode = path.stat().st_mode
        if mode & _OTHERS:
            raise ConfigRefused(f"{path} can be used by others (mode {stat.S_IMODE(mode):04o})", where=where, mend=f"chmod 600 {path}")
        with path.open("rb") as file:
            lines = file.read(_MOST_BYTES).decode("ascii", "replace").split()
    except OSError as error:
        raise ConfigRefused(f"{path} cannot be read: {error.strerror}", where=where, mend=_TWO_LINES) from None
    if len(lines) != 2:
        raise ConfigRefused(f"{path} has {len(lines)} words", where=where, mend=_TWO_LINES)
    return KeyTexts(*lines)
