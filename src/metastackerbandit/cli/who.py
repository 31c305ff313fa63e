"""Who gives a command: the account of the operating system, as journals and waivers name it."""

from __future__ import annotations

import os


def who() -> str:
    """The account's name, or its number where it has none."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return f"user {os.getuid()}"
