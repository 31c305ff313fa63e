"""Which libraries a version was fitted with."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

_NAMES = ("numpy", "numba", "scipy", "scikit-learn", "lightgbm", "onnx", "onnxruntime", "skl2onnx", "torch")


def libraries() -> dict[str, str]:
    """Name -> version of every library that fitting or serving uses and that is here."""
    found = {}
    for name in _NAMES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
