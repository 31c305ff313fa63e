"""The funnel: how many predictions of each side became opinions, decisions, intents, orders and fills, and which gate stopped the rest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from msgspec import Struct, field

from metastackerbandit.domain.gate import BLOCK, UNKNOWN
from metastackerbandit.domain.rows import ENTER, INCREASE, MARKET, REJECTED

PREDICTION = "prediction"
STAGES = ("opinion", "decision", "intent", "order", "fill")  # after `prediction`, where opinions are formed from predictions

_SIDES = (("BUY", 1), ("SELL", -1))
NOTABLE_SHARE = 0.95  # a gate that takes this share of a side is worth a sentence, though the side lives


class Sole(Struct, frozen=True):
    """Decisions that one gate alone stopped."""

    buy: int = field(name="BUY")
    sell: int = field(name="SELL")


class Blocks(Struct, frozen=True):
    """What one gate stopped, by side: BLOCK and UNKNOWN verdicts on decisions that asked for new risk; `unknown` of both sides had no data."""

    buy: int = field(name="BUY")
    sell: int = field(name="SELL")
    sole: Sole
    unknown: int


class Funnel(Struct, frozen=True):
    """Counts per stage and side; the shape of `msb funnel --json`."""

    stages: tuple[str, ...]
    buy: dict[str, int] = field(name="BUY")
    sell: dict[str, int] = field(name="SELL")
    blocked_by: dict[str, Blocks]
    findings: tuple[str, ...]


def funnel(
    rows: np.ndarray,
    orders: np.ndarray,
    verdict: np.ndarray,
    gates: Sequence[str],
    *,
    is_spot: bool = False,
    lenient: Sequence[str] = (),
    predicted: np.ndarray | None = None,
) -> Funnel:
    """Count decisions (N,) with verdicts (N, G) and the last states of orders (M,).

    `is_spot`: every instrument is spot. `lenient` gates do not block when they are UNKNOWN. An entry is a market order that
    may enlarge the position, so stops, targets and exits are not counted: the stages compare like with like. `predicted` (P,) are the
    sides (-1, 0, +1) of the awake predictions of the decisions' own frames; None where opinions are formed without predictions.
    """
    asks = rows["asks_risk"] != 0
    admitted = is_admitted(rows)
    entries = entries_of(orders)
    sent = entries["state"] != REJECTED
    counts = {
        name: ({PREDICTION: _count(predicted == sign)} if predicted is not None else {})
        | {
            "opinion": _count(rows["side"] == sign),
            "decision": _count(asks & (rows["side"] == sign)),
            "intent": _count(admitted & (rows["side"] == sign)),
            "order": _count(sent & (np.sign(entries["lots"]) == sign)),
            "fill": _count(sent & (entries["filled"] != 0) & (np.sign(entries["lots"]) == sign)),
        }
        for name, sign in _SIDES
    }
    blocked_by = _blocked_by(rows[asks], verdict[asks], gates, lenient)
    findings = tuple(_findings(counts, blocked_by, is_spot))
    stages = STAGES if predicted is None else (PREDICTION, *STAGES)
    return Funnel(stages, counts["BUY"], counts["SELL"], blocked_by, findings)


def is_admitted(rows: np.ndarray) -> np.ndarray:
    """Which decisions (N,) sent an order for new risk."""
    return (rows["asks_risk"] != 0) & np.isin(rows["kind"], (ENTER, INCREASE)) & (rows["sent"] != 0)


def entries_of(orders: np.ndarray) -> np.ndarray:
    """The orders that may enlarge a position."""
    return orders[(orders["kind"] == MARKET) & (orders["reduce_only"] == 0)]


def funnel_text(found: Funnel) -> str:
    """The funnel as lines a trader reads."""
    lines = [f"{'':<5}" + "".join(f"{stage:>12}" for stage in found.stages)]
    for name, counts in (("BUY", found.buy), ("SELL", found.sell)):
        lines.append(f"{name:<5}" + "".join(f"{counts[stage]:>12,}" for stage in found.stages))
    for gate, blocks in sorted(found.blocked_by.items(), key=lambda item: -item[1].buy - item[1].sell):
        unknown = f", {blocks.unknown} for lack of data" if blocks.unknown else ""
        lines.append(f"  {gate} blocked BUY {blocks.buy} (alone {blocks.sole.buy}), SELL {blocks.sell} (alone {blocks.sole.sell}){unknown}")
    return "\n".join([*lines, *(f"  <- {finding}" for finding in found.findings)])


def _count(where: np.ndarray) -> int:
    return int(np.count_nonzero(where))


def _blocked_by(rows: np.ndarray, verdict: np.ndarray, gates: Sequence[str], lenient: Sequence[str]) -> dict[str, Blocks]:
    """Gates that stopped something; `rows` all ask for new risk."""
    found: dict[str, Blocks] = {}
    for place, gate in enumerate(gates):
        unknown = verdict[:, place] == UNKNOWN
        blocks = verdict[:, place] == BLOCK if gate in lenient else unknown | (verdict[:, place] == BLOCK)
        if not (blocks | unknown).any():
            continue
        alone = rows["sole"] == place
        buy, sell = rows["side"] == 1, rows["side"] == -1
        found[gate] = Blocks(_count(blocks & buy), _count(blocks & sell), Sole(_count(alone & buy), _count(alone & sell)), _count(unknown))
    return found


def _findings(counts: dict[str, dict[str, int]], blocked_by: dict[str, Blocks], is_spot: bool) -> list[str]:
    found: list[str] = []
    for name, _ in _SIDES:
        if counts[name]["opinion"] == 0:
            predicted = counts[name].get(PREDICTION, 0)
            none = (
                f"{name} dies at prediction->opinion: none of {predicted} predictions became an opinion" if predicted else f"no {name} opinion at all"
            )
            found.append("spot: SELL opinions cannot exist" if is_spot and name == "SELL" else none)
        else:
            found += _losses(name, counts[name], blocked_by)
    found += [f"{gate} had no data for {blocks.unknown} decisions that asked for new risk" for gate, blocks in blocked_by.items() if blocks.unknown]
    return found


def _losses(name: str, counts: dict[str, int], blocked_by: dict[str, Blocks]) -> list[str]:
    """Where a side dies, and which gate takes all or nearly all of it."""
    asked = counts["decision"]
    dead = next(((before, after) for before, after in pairwise(STAGES) if counts[before] > 0 and counts[after] == 0), None)
    found = [f"{name} dies at {dead[0]}->{dead[1]}: {_cause(name, dead[0], counts[dead[0]], blocked_by)}"] if dead else []
    for gate, blocks in blocked_by.items():
        taken, alone = _taken(name, blocks), blocks.sole.buy if name == "BUY" else blocks.sole.sell
        if alone >= NOTABLE_SHARE * asked > 0:
            found.append(f"{gate} alone stopped {alone} of {asked} {name}")
        elif taken >= NOTABLE_SHARE * asked > 0 and dead is None:
            found.append(f"{name}: {gate} blocks {taken} of {asked}")
    return found


def _cause(name: str, before: str, lost: int, blocked_by: dict[str, Blocks]) -> str:
    match before:
        case "opinion":
            return f"none of {lost} opinions asked for new risk"
        case "intent":
            return f"none of {lost} intents became an order that stood"
        case "order":
            return f"none of {lost} orders was filled"
    gate = max(blocked_by, key=lambda gate: _taken(name, blocked_by[gate]), default="")
    if not gate or _taken(name, blocked_by[gate]) == 0:
        return f"none of {lost} decisions needed an order"
    return f"{gate} blocks {_taken(name, blocked_by[gate])} of {lost}"


def _taken(name: str, blocks: Blocks) -> int:
    return blocks.buy if name == "BUY" else blocks.sell


def since(rows: np.ndarray, verdict: np.ndarray, orders: np.ndarray, first_ns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decisions, verdicts and orders of a stretch that begins at `first_ns`; an order belongs to its decision."""
    kept = rows["closed_ns"] >= first_ns
    return rows[kept], verdict[kept], orders[np.isin(orders["decision"], rows["decision"][kept])]
