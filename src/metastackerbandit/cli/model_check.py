"""Profiles against the models of the installation: thresholds on predictions mean nothing on a frame that has no model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metastackerbandit.config.loading import Examined
    from metastackerbandit.config.problems import Problem
    from metastackerbandit.config.schema import Config


def profiles_without_models(home: Path, examined: Examined) -> list[Problem]:
    """Each profile that is chosen for a frame of which the installation has no model; none where it has no models folder to look at."""
    from metastackerbandit.config.problems import Problem
    from metastackerbandit.storage.registry import Registry

    folder = home / "models"
    wanted = frames_with_profiles(examined.config)
    if not folder.is_dir() or not wanted:
        return []
    registry = Registry(folder)
    served = {registry.newest(series).frame for series in registry.series()}
    return [
        Problem(
            key,
            f"profile {name} is chosen for {frame}, and no model of {frame} is here (there are models of {', '.join(sorted(served)) or 'no frame'})",
            examined.sources[key],
            f"`msb train --frames {frame}` makes some, or choose the profile of a frame that has models",
        )
        for frame, (name, key) in wanted.items()
        if frame not in served
    ]


def frames_with_profiles(config: Config) -> dict[str, tuple[str, str]]:
    """Frames for which a profile other than the default is chosen: its name, and the key that names it.

    The run's own counts for the frame that it was made for, else for the frame that is traded; a rule arm hears no predictions.
    """
    from metastackerbandit.config.books import profile_name, traded_frames
    from metastackerbandit.config.scopes import PROFILE, split
    from metastackerbandit.decision.profiles import DEFAULT, PROFILES

    if config.run.arm in config.arms.__struct_fields__:
        return {}
    named = [split(name)[0].frame for name in config.overrides if split(name)[1] == PROFILE]
    found = {}
    for frame in dict.fromkeys((*named, *traded_frames(config))):
        name, key = profile_name(config, frame)
        if name != DEFAULT:
            found[PROFILES[name].frame or frame if key == "run.profile" else frame] = (name, key)
    return found
