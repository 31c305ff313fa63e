"""What the journal knows about a run: what it was given at its start, and how far it has come."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from metastackerbandit.domain.gate import GateSpec
from metastackerbandit.domain.instrument import Instrument

Mode = Literal["backtest", "paper", "live"]  # live: orders go to an account with a key that is treated as real money's
Driver = Literal["block", "streaming"]
Lineage = Literal["recorded", "simulated"]
State = Literal["running", "finished", "failed", "stopped"]


class GateWords(Struct, frozen=True):
    """A gate's words without its kernel, as in GateSpec: enough to read a trace years later. Older runs kept the first four alone."""

    name: str
    unit: str
    sense: str
    meaning: str
    setting: str = ""
    by_side: bool = False
    lead: float = 0.0
    states: tuple[str, ...] = ()


def words_of(gates: tuple[GateSpec, ...]) -> tuple[GateWords, ...]:
    """The words of a gate catalog, in its order."""
    return tuple(GateWords(**{name: getattr(gate, name) for name in GateWords.__struct_fields__}) for gate in gates)


class RunRecord(Struct, frozen=True, kw_only=True):
    """A run at its start.

    `identity` is the hash of config, code, models and inputs; `config` the effective configuration as TOML; `digest` the
    hash of the market data; `base_ns` and `frame_ns` the lengths of the source's and the fastest decision's bars; `instruments` and
    `frames` (ns) one a book; `gates` the
    catalog in the order of the trace; `models` the versions that answered, in which a prediction's `version` is a place; `monitors` the
    names of those that listened, in which an alarm's `monitor` is one, `arms` the names in which a row's `arm` is one.
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
    lineage: Lineage = "recorded"
    models: tuple[str, ...] = ()
    frames: tuple[int, ...] = ()
    monitors: tuple[str, ...] = ()
    arms: tuple[str, ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols in the order that rows count instruments; a symbol on two frames is there twice."""
        return tuple(instrument.symbol for instrument in self.instruments)

    def frame_of(self, book: int) -> int:
        """Length (ns) of a book's bars; runs of older code had one frame."""
        return self.frames[book] if self.frames else self.frame_ns


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
