"""Every quantity keeps its range, and none is taken for another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.quantities import conditional_confidence, directional_confidence, largest_probability, signal_of, strength_of
from tests.covering import covers


@st.composite
def chances(draw: st.DrawFn) -> tuple[float, float, float]:
    """Probabilities down, flat, up that sum to 1."""
    first, second = sorted((draw(st.floats(0, 1)), draw(st.floats(0, 1))))
    return first, second - first, 1.0 - second


@covers("K23", "0.25")
@given(chances())
def test_quantities_stay_in_their_ranges(given_: tuple[float, float, float]) -> None:
    down, flat, up = given_
    assert largest_probability(down, flat, up) >= 1 / 3 - 1e-12
    assert -1 <= signal_of(down, up) <= 1
    assert strength_of(signal_of(down, up)) == strength_of(signal_of(up, down))
    assert 0.5 <= conditional_confidence(down, up) <= 1.0
    assert directional_confidence(down, up) <= 1.0
    assert directional_confidence(down, up) >= strength_of(signal_of(down, up))


@covers("K23")
def test_a_signal_given_for_a_confidence_is_a_type_error(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from metastackerbandit.domain.quantities import DirectionalConfidence, signal_of\n"
        "def gate(confidence: DirectionalConfidence) -> bool:\n    return confidence >= 0.55\n"
        "gate(signal_of(0.2, 0.5))\n"
    )
    root = Path(__file__).resolve().parents[2]
    told = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(tmp_path / "cache"), str(wrong)],
        cwd=root / "src",
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert 'incompatible type "Signal"; expected "DirectionalConfidence"' in told.stdout, told.stdout + told.stderr
