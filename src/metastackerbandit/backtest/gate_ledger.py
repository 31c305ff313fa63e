"""What the gates of a run did and were worth: their answers, the trades that each alone prevented, and profit taken apart, from the run's rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct, structs

from metastackerbandit.decision.attrition_groups import Answers, Words, gate_groups, group_places
from metastackerbandit.domain.gate import BLOCK, UNKNOWN
from metastackerbandit.domain.rows import ANY_GATE
from metastackerbandit.evaluation.attribution import Waterfall, waterfall
from metastackerbandit.evaluation.gate_value import GateValue, Prevented, gate_values


class GateLedger(Struct, frozen=True):
    """One gate, in one group of decisions where they are grouped: `of` names the group, `answers` counts, `value` what its trades came to."""

    gate: str
    of: dict[str, str]
    answers: Answers
    value: GateValue


def gate_ledger(rows: np.ndarray, verdict: np.ndarray, outcomes: np.ndarray, words: Words, by: tuple[str, ...] = ()) -> tuple[GateLedger, ...]:
    """Every gate that stopped anything, by group, in the order of asking; all of them are judged together.

    `rows` (N,) are decisions in order of number with verdicts (N, G), `outcomes` those of the run.
    """
    asks = rows["asks_risk"] != 0
    wishes, answers = rows[asks], verdict[asks]
    found = [
        group
        for group in gate_groups(wishes, answers, words, ("gate", *by))
        if group.answers is not None and group.answers.blocked + group.answers.unknown > 0
    ]
    alone = outcomes[outcomes["gate"] >= 0]
    begun = rows[np.searchsorted(rows["decision"], alone["decision"])] if len(alone) else rows[:0]
    groups = group_places(begun, by, words)
    trades: dict[str, Prevented] = {}
    for place, group in enumerate(found):
        rest = {name: value for name, value in group.of.items() if name != "gate"}
        mine = (alone["gate"] == words.gates.index(group.of["gate"])) & np.array([one == rest for one in groups], bool)
        trades[str(place)] = Prevented(begun["closed_ns"][mine], alone["at_ns"][mine], alone["net_bps"][mine], alone["outcome"][mine])
    values = gate_values(trades)
    return tuple(
        GateLedger(group.of["gate"], {name: value for name, value in group.of.items() if name != "gate"}, group.answers, values[str(place)])
        for place, group in enumerate(found)
        if group.answers is not None
    )


def profit_of(
    rows: np.ndarray,
    verdict: np.ndarray,
    outcomes: np.ndarray,
    trips: np.ndarray,
    ledger: np.ndarray,
    gates: Sequence[str],
    lenient: Sequence[str] = (),
) -> Waterfall:
    """Realised profit, and what the gates took from "every blocked trade taken as well"; money of the account, exact."""
    realised = -sum(int(ledger[name].sum()) for name in ("realised", "fees", "funding")) if len(ledger) else 0
    every = outcomes[outcomes["gate"] == ANY_GATE]
    places = np.searchsorted(rows["decision"], every["decision"])
    unknown_passes = np.array([gate in lenient for gate in gates], bool)
    stopped = (verdict[places] == BLOCK) | ((verdict[places] == UNKNOWN) & ~unknown_passes)
    blockers = [[gates[int(place)] for place in np.flatnonzero(one)] for one in stopped]
    return waterfall(realised, trips["net"].tolist() if len(trips) else [], every["net"].tolist(), blockers)


def as_json(line: GateLedger) -> dict[str, object]:
    """One line as the terminal's JSON has it: flat, with null for what is not known."""
    return {"gate": line.gate, **line.of, **structs.asdict(line.answers), **structs.asdict(line.value)}
