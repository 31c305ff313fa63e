"""Every gate there is, in the order in which they are asked, and one kernel that asks them all."""

from __future__ import annotations

from collections.abc import Callable

from metastackerbandit.decision.catalog import GATES as OPINION_GATES
from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.domain.kernel import kernel, written
from metastackerbandit.execution.catalog import AFTER_EXPOSURE, BEFORE_EXPOSURE
from metastackerbandit.risk.catalog import BREAKERS, EXPOSURE

GATES: tuple[GateSpec, ...] = (*OPINION_GATES, *BEFORE_EXPOSURE, *EXPOSURE, *AFTER_EXPOSURE, *BREAKERS)
GATE_NAMES: tuple[str, ...] = tuple(gate.name for gate in GATES)
LEGAL_GATE = GATE_NAMES.index("legal_order")


def asking(gates: tuple[GateSpec, ...]) -> Callable[..., tuple[int, int]]:
    """The plain function that asks these gates, all of them, in their order; compiled below for every gate there is."""
    body = "".join(
        f"""
    seen_as, against, verdict = {gate.name}(seen, limits)
    observed[n, {place}] = seen_as
    limit[n, {place}] = against
    verdicts[n, {place}] = verdict
    if verdict == 2 or (verdict == 3 and lenient[{place}] == 0):
        blocked += 1
        if binding < 0:
            binding = {place}
"""
        for place, gate in enumerate(gates)
    )
    source = (
        f"def ask_all(seen, limits, lenient, observed, limit, verdicts, n):\n    blocked = 0\n    binding = -1\n{body}\n    return binding, blocked\n"
    )
    return written("ask_all", source, {gate.name: gate.ask for gate in gates}, __name__)


ask_all = kernel(asking(GATES))
"""ask_all(seen, limits, lenient (G,), observed (N, G), limit (N, G), verdicts (N, G), n) -> (first blocking gate or -1, how many block).

BLOCK blocks; UNKNOWN blocks unless the gate is lenient. All gates are asked, also after one blocked.
"""

PREDICTION_GATES = ("familiar", "signal", "confidence", "alpha", "neutral_band", "conformal", "net_edge", "worth")  # ask about a prediction alone

_PASSES = "".join(
    f"""
    seen_as, against, verdict = {name}(seen, limits)
    if verdict == 2 or (verdict == 3 and lenient[{GATE_NAMES.index(name)}] == 0):
        return False
"""
    for name in PREDICTION_GATES
)

would_pass = kernel(
    written(
        "would_pass",
        f"def would_pass(seen, limits, lenient):\n{_PASSES}\n    return True\n",
        {name: GATES[GATE_NAMES.index(name)].ask for name in PREDICTION_GATES},
        __name__,
    )
)
"""would_pass(seen, limits, lenient (G,)) -> whether every gate that asks about a prediction alone lets its trade pass."""
