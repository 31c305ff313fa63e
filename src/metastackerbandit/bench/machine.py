"""What a figure was measured on: processor, load, versions, commit; without these a number says nothing."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

OURS = ("numpy", "numba", "polars", "lightgbm")  # libraries of ours that a figure may depend on


def versions() -> dict[str, str]:
    """Python and the libraries that our side runs on."""
    return {"python": platform.python_version(), **{name: version(name) for name in OURS}}


def processor() -> str:
    """The processor's own name and how many of it there are, such as `AMD EPYC 7763 x 2`."""
    cores = f" x {os.cpu_count()}"
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return (platform.processor() or platform.machine()) + cores
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()) + cores


def load() -> float:
    """Mean number of processes that wanted a processor in the last minute; NaN where the system does not tell."""
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return float("nan")


def code() -> str:
    """The commit of the checkout, with `+` where files differ from it; the package's version outside a checkout."""
    here = Path(__file__).parent
    try:
        told = subprocess.run(["git", "describe", "--always", "--dirty=+", "--exclude=*"], cwd=here, capture_output=True, text=True, check=True)
        return told.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        pass
    try:
        return version("metastackerbandit")
    except PackageNotFoundError:
        return f"from source, Python {sys.version_info.major}"
