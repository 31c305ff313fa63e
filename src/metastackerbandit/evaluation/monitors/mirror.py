"""What the mirror twin says as monitors: it looks at decisions rather than at rows, so its alarms come from beside the run (runtime/twin.py)."""

from __future__ import annotations

from msgspec import Struct

from metastackerbandit.domain.rows import HALT, WARN
from metastackerbandit.evaluation.fair_source import ERROR


class Beside(Struct, frozen=True):
    """A monitor that no row tells anything: its question, what alarms, how gravely, and how often a sound run would be warned about."""

    name: str
    question: str
    unit: str
    limit: float
    severity: int
    counts: str
    false_alarm_rate: float
    rate_by: str


BESIDE: tuple[Beside, ...] = (
    Beside(
        "mirror_twin",
        "Does the engine treat a market and its mirror image alike?",
        "differences",
        1.0,
        HALT,
        "decision",
        0.0,
        "a comparison to the last digit: a fair engine never differs",
    ),
    Beside(
        "mirror_source",
        "Does the mood's source name the other side on the mirrored market?",
        "e-value",
        1.0 / ERROR,
        WARN,
        "answer of the mood",
        ERROR,
        "Ville's inequality, for a source that fails to mirror at most 5 % of its answers",
    ),
)
TWIN, SOURCE = 0, 1  # places in BESIDE
BESIDE_NAMES: tuple[str, ...] = tuple(one.name for one in BESIDE)
NOBODY_LOOKED = "nobody looked at this run in a mirror: `msb run --twin` does, and `msb twin` looks at a recorded market"
