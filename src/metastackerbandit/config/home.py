"""Where an installation lives: one folder that holds data, models, journal and configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def home_folder(flag: Path | None, environment: Mapping[str, str]) -> Path:
    """`--home`, else MSB_HOME, else ./var."""
    if flag is not None:
        return flag
    named = environment.get("MSB_HOME", "")
    return Path(named).expanduser() if named else Path("var")


def config_file(home: Path) -> Path:
    """The installation's configuration, which may be absent."""
    return home / "config.toml"


def backup_folder(home: Path) -> Path:
    """Where earlier versions of the configuration are kept."""
    return home / "config_backups"
