"""Serving: fitted heads answer row by row and come back from their file, and nothing of the training libraries is loaded."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from metastackerbandit.models.heads import Heads
from metastackerbandit.training.fitting.heads import fit_heads
from tests.covering import covers
from tests.models.planted import SMALL, gappy


@covers("A19")
def test_fitted_heads_keep_the_contract_of_learners() -> None:
    found = fit_heads(gappy(), SMALL, 1_000.0)
    files, rows = found.pack(), gappy(60, seed=9).rows
    together = found.predict(rows)
    assert np.isfinite(together).all() and together.shape == (60, 2)
    assert np.array_equal(np.concatenate([found.predict(rows[i : i + 1]) for i in range(60)]), together)
    assert np.array_equal(Heads.unpack(files).predict(rows), together) and Heads.unpack(files).pack() == files
    assert fit_heads(gappy(), SMALL, 1_000.0).pack() == files


_SERVE = """
import sys
from metastackerbandit.models import catalog, heads
import numpy as np
from metastackerbandit.models.prior import Prior
from metastackerbandit.models.persistence import Persistence
catalog.unpack("prior", Prior(2, np.full(3, 1 / 3), "").pack()).predict(np.zeros((1, 2)))
late = {"sklearn", "skl2onnx", "torch", "lightgbm", "onnx", "onnxruntime", "pandas"}
print(sorted({name.partition(".")[0] for name in sys.modules} & late))
"""


def test_serving_imports_no_library_before_it_needs_it() -> None:
    found = subprocess.run([sys.executable, "-c", _SERVE], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
