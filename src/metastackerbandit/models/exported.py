"""A model that was fitted elsewhere and exported to ONNX: a forest of extremely random trees, a small network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.models.learner import checked
from metastackerbandit.models.packing import FACTS, as_bytes, as_floats, damaged, digest, sealed, unsealed, whole
from metastackerbandit.models.scaling import Scaler, ScalerFacts, scaler_of
from metastackerbandit.models.settling import settled

Floats = NDArray[np.float64]

EXTRA_TREES, MLP = "extra_trees", "mlp"
GRAPH = "model.onnx"
_ERRORS_ONLY = 3  # ONNX Runtime's level of what it prints
INPUT = "rows"  # name of the graph's one input, (N, F) float32 scaled features; its last output is (N, classes) float32


class ExportedFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """Family, scaler, the class of each of the graph's columns, shares of classes never seen (3,) as float64 bytes, and the SHA-256 of the graph."""

    family: str
    scaler: ScalerFacts
    columns: tuple[int, ...]
    unseen: bytes
    graph_sha256: str
    effective_dof: float
    note: str


class Exported:
    """An ONNX graph over scaled features, run one row at a time.

    ONNX Runtime multiplies one row and many rows by different routines, whose last bits may differ; one row a run makes a row's answer its own
    whatever the processor.
    """

    def __init__(self, family: str, scaler: Scaler, columns: tuple[int, ...], unseen: Floats, graph: bytes, effective_dof: float, note: str) -> None:
        """Read the graph; what ONNX Runtime cannot read, or is for another width, is refused."""
        self.family = family
        self.scaler = scaler
        self.effective_dof = effective_dof
        self.note = note
        self._columns = list(columns)
        self._unseen = unseen
        self._graph = graph
        self._session = _session(graph, len(scaler.centre), family)
        self._output = [self._session.get_outputs()[-1].name]

    @property
    def n_features(self) -> int:
        """Columns that it reads."""
        return len(self.scaler.centre)

    def predict(self, rows: Floats) -> Floats:
        """Probabilities of down, flat and up: (N, F) -> (N, 3)."""
        single = self.scaler.applied(checked(rows, self.n_features, self.family)).astype(np.float32)
        raw = np.zeros((len(rows), 3))
        for i in range(len(rows)):
            raw[i, self._columns] = self._session.run(self._output, {INPUT: single[i : i + 1]})[0][0]
        return settled(raw, self._unseen)

    def pack(self) -> dict[str, bytes]:
        """Its facts and its graph."""
        numbers = (tuple(self._columns), as_bytes(self._unseen), digest(self._graph))
        facts = ExportedFacts(self.family, self.scaler.facts(), *numbers, self.effective_dof, self.note)
        return {FACTS: sealed(facts), GRAPH: self._graph}


def unpack_forest(files: Mapping[str, bytes]) -> Exported:
    """A forest from its files; ModelRefused where they are damaged."""
    return _unpack(files, EXTRA_TREES)


def unpack_network(files: Mapping[str, bytes]) -> Exported:
    """A network from its files; ModelRefused where they are damaged."""
    return _unpack(files, MLP)


def _unpack(files: Mapping[str, bytes], family: str) -> Exported:
    facts = unsealed(files, ExportedFacts, family)
    if facts.family != family or not facts.columns or not set(facts.columns) <= {0, 1, 2}:
        raise damaged(FACTS, family, f"it is of the family {facts.family} with the classes {facts.columns}")
    graph = whole(files, GRAPH, facts.graph_sha256, family)
    unseen = as_floats(facts.unseen, (3,), family)
    return Exported(family, scaler_of(facts.scaler, family), facts.columns, unseen, graph, facts.effective_dof, facts.note)


def _session(graph: bytes, n_features: int, family: str) -> Any:
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as refusals

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _ERRORS_ONLY
    try:
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except (refusals.Fail, refusals.InvalidGraph, refusals.InvalidProtobuf, refusals.InvalidArgument, refusals.NotImplemented) as error:
        raise damaged(GRAPH, family, str(error)) from error
    inputs = [(given.name, given.shape[-1]) for given in session.get_inputs()]
    if inputs != [(INPUT, n_features)]:
        raise damaged(GRAPH, family, f"it reads {inputs}, not {[(INPUT, n_features)]}")
    return session
