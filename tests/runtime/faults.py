"""One-sided faults, planted one at a time into kernels that run as plain Python (NUMBA_DISABLE_JIT=1), and what the twin says of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.domain.rows import HALT
from metastackerbandit.engine import decide, fills, gates, on_market, voices
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.risk.settings import SizingSettings
from metastackerbandit.stacking import ask
from tests.markets import generated
from tests.predicted import predictions_of
from tests.runtime.twinned import by_twin


@contextmanager
def planted(where: Any, name: str, fault: Callable[[Any], Any]) -> Iterator[None]:
    """Replace a name in a module, or in the scope of a composed kernel, by a faulty version of it."""
    scope = where.__globals__ if callable(where) else vars(where)
    sound = scope[name]
    scope[name] = fault(sound)
    try:
        yield
    finally:
        scope[name] = sound


def only_buys(step: Any) -> Any:
    return lambda memory, reals, high, low, close: abs(step(memory, reals, high, low, close))


def blocks_sells(gate: Any) -> Any:
    def faulty(seen: Any, limits: Any) -> Any:
        observed, limit, verdict = gate(seen, limits)
        return observed, limit, 2 if seen.side < 0 else verdict

    return faulty


def without_sign(gate: Any) -> Any:
    def faulty(seen: Any, limits: Any) -> Any:
        observed, limit, verdict = gate(seen, limits)
        return observed * seen.side, limit, verdict

    return faulty


def sign_lost(wish: Any) -> Any:
    def faulty(position: int, side: int, target: int, *rest: Any) -> Any:
        kind, wanted, asks, reason = wish(position, side, target, *rest)
        return kind, abs(wanted), asks, reason

    return faulty


def rounds_longs_up(legal: Any) -> Any:
    def faulty(lots: int, *rest: Any) -> Any:
        found = legal(lots, *rest)
        return found + 1 if found > 0 else found

    return faulty


def shorts_receive(part: Any) -> Any:
    def faulty(position: Any, unit: int, lots: int, ticks: int, fee: int, posting: Any) -> None:
        part(position, unit, lots, ticks, fee if lots > 0 else -fee, posting)

    return faulty


def sells_pay(part: Any) -> Any:
    def faulty(position: Any, unit: int, lots: int, ticks: int, fee: int, posting: Any) -> None:
        part(position, unit, lots, ticks + (5 if position.lots > 0 else 0), fee, posting)

    return faulty


def half_for_shorts(pay: Any) -> Any:
    def faulty(world: Any, out: Any, s: int, at_ns: int, payment: int) -> None:
        pay(world, out, s, at_ns, payment if world.seats[s].position.lots > 0 else payment // 2)

    return faulty


def leans_up(side_of: Any) -> Any:
    def faulty(prediction: Any, band: float, held: int) -> Any:
        found = side_of(prediction, band, held)
        return 0 if found == -1 and held == 0 and prediction.p_down - prediction.p_up < 0.3 else found

    return faulty


def nearer_to_shorts(stop: Any) -> Any:
    return lambda side, entry, distance: stop(side, entry, distance if side > 0 else distance // 2)


FAULTS: dict[str, tuple[str, Any, str, Callable[[Any], Any]]] = {
    "an arm that only buys": ("momentum", ask.ask_arm, "momentum", only_buys),
    "a gate that blocks sells": ("model", gates.ask_all, "complete", blocks_sells),
    "a gate that sees funding without its sign": ("model", gates.ask_all, "funding", without_sign),
    "a sign lost in sizing": ("model", decide, "wish", sign_lost),
    "rounding in favour of longs": ("random_entries", decide, "legal_lots", rounds_longs_up),
    "a fee that shorts receive": ("random_entries", fills, "open_part", shorts_receive),
    "a cost that only sells pay": ("random_entries", fills, "close_part", sells_pay),
    "funding of which shorts pay half": ("random_entries", on_market, "pay_funding", half_for_shorts),
    "an opinion that leans up": ("model", voices, "wanted_side", leans_up),
    "a stop that is nearer to shorts": ("breakout", fills, "stop_price", nearer_to_shorts),
}


def look(arm: str) -> tuple[str, int]:
    """Where the twin first finds the engine one-sided on a generated market, and after how many decisions; nowhere is an empty text."""
    recording = generated(6, 150, symbols=1, funded=True)
    told = predictions_of(recording, "5m", 6, silent=0.0, missing=0.0) if arm == "model" else ()
    chosen = EngineSettings(
        sizing=SizingSettings(mode="quantity", quantity="0.02"),
        exits=ExitSettings(stop_bps=70.0) if arm == "breakout" else ExitSettings(),
        decision=DecisionSettings(unknown_passes=("volatility_cap", "volatility_floor", "impact", "order_volume", "day_volume")),
    )
    raised: list[np.ndarray] = []
    seen = by_twin(recording, "5m", arm, chosen, told, stop=lambda seen: bool(seen.alarm), tell=raised.append)
    assert [int(row["severity"]) for rows in raised for row in rows] == ([HALT] if seen.alarm else []), "one alarm row, and none on a fair engine"
    assert (seen.alarm_decision > 0) == bool(seen.alarm)
    return (seen.first.stage if seen.first is not None else ""), seen.decisions if seen.alarm else 0


def found() -> dict[str, tuple[str, int]]:
    """Every fault, and the sound engine."""
    told = {"no fault": look("model")}
    for name, (arm, where, what, fault) in FAULTS.items():
        with planted(where, what, fault):
            told[name] = look(arm)
    return told
