"""What the journal knows about a run: what it was given at its start, and how far it has come."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.domain.instrument import Instrument

Mode = Literal["backtest", "paper"]
Driver = Literal["block", "streaming"]
State = Literal["running", "finished", "failed", "stopped"]


class GateWords(Struct, frozen=True):
    """A gate's words without its kernel: enough to read a trace years later."""

    name: str
    unit: str
    sense: str
    meaning: str


def words_of(gates: tuple[GateSpec, ...]) -> tuple[GateWords, ...]:
    """The words of a gate catalog, in its order."""
    return tuple(GateWords(gate.name, gate.unit, gate.sense, gate.meaning) for gate in gates)


class RunRecord(Struct, frozen=True, kw_only=True):
    """A run at its start.

    `identity` is the hash of config, code, models and inputs; `config` the effective configuration as TOML; `digest` the
    hash of the market data; `base_ns` and `frame_ns` the lengths of the source's and the decision's bars; `gates` the
    catalog in the order of the trace; `models` the versions that answered, in which a prediction's `version` is a place; `monitors` the
    names of those that listened, in which an alarm's `monitor` is one.
    """

    identity: str
    mode: Mode
    driver: Driver
    config_hash: str
    config: str
    code: str
    instruments: tuple[Instrument, ...]
    base_ns: int
    frame_ns: int
    arm: str
    source: str
    digest: str
    gates: tuple[GateWords, ...]
    notices: tuple[str, ...] = ()
    lineage: str = "recorded"
    models: tuple[str, ...] = ()
    monitors: tuple[str, ...] = ()

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols in the order that rows count instruments."""
        return tuple(instrument.symbol for instrument in self.instruments)


class RunRow(RunRecord, frozen=True, kw_only=True):
    """A run as it stands: `ended_ns` is 0 while it has no end; `decided` counts its decisions, `predicted` its predictions, -1 until it ended."""

    run: int
    started_ns: int
    ended_ns: int
    heartbeat_ns: int
    pid: int
    state: State
    decided: int
    predicted: int = -1
    summary: dict[str, Any]
