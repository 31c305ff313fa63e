"""An exported graph answers row by row, for the classes that it names, and a graph for other rows is refused."""

from __future__ import annotations

import struct
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from metastackerbandit.models.exported import EXTRA_TREES, GRAPH, MLP, Exported, ExportedFacts, unpack_forest, unpack_network
from metastackerbandit.models.packing import FACTS, as_bytes, digest, sealed
from metastackerbandit.models.settling import settled
from tests.covering import covers
from tests.models.by_hand import ALL_SEEN, ROWS, SCALER, facts_of, graph, graph_of, refused

UNPACK = {EXTRA_TREES: unpack_forest, MLP: unpack_network}
SEEN_TWO = np.array([0.0, 0.25, 0.0])
each_family = pytest.mark.parametrize("family", list(UNPACK))


def rising(rows: np.ndarray) -> np.ndarray:
    """Rows whose scaled first feature is not negative, as a score must not be."""
    return np.column_stack((1.0 + np.abs(rows[:, 0]), rows[:, 1]))


@settings(max_examples=40)
@given(rows=ROWS)
def test_a_row_is_scaled_run_in_single_precision_and_settled(rows: np.ndarray) -> None:
    rows = rising(rows)
    x = SCALER.applied(rows).astype(np.float32)[:, 0]
    one, two, three = np.ones_like(x), 1.0 + x, 1.0 + 2.0 * x
    assert np.array_equal(graph(MLP).predict(rows), settled(np.column_stack((one, two, three)).astype(np.float64), ALL_SEEN))
    turned = settled(np.column_stack((three, one, two)).astype(np.float64), ALL_SEEN)
    assert np.array_equal(graph(MLP, (1, 2, 0)).predict(rows), turned)
    of_two = settled(np.column_stack((two, np.zeros_like(x), one)).astype(np.float64), SEEN_TWO)
    assert np.array_equal(graph(EXTRA_TREES, (2, 0), SEEN_TWO).predict(rows), of_two)


def test_a_row_by_hand() -> None:
    """Scaled 1: scores 1, 2, 3."""
    assert graph(MLP).predict(np.array([[1.5, 99.0]]))[0] == pytest.approx(np.array([1.0, 2.0, 3.0]) / 6.0, abs=1e-15)


def test_one_thread_of_the_processor_alone_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    made = Mock(wraps=onnxruntime.InferenceSession)
    monkeypatch.setattr(onnxruntime, "InferenceSession", made)
    chosen = graph(MLP)._session.get_session_options()
    assert made.call_args.kwargs == {"providers": ["CPUExecutionProvider"]}  # whatever else is installed
    assert (chosen.intra_op_num_threads, chosen.inter_op_num_threads, chosen.log_severity_level) == (1, 1, 3)
    assert chosen.execution_mode.name == "ORT_SEQUENTIAL"


@covers("A19")
@each_family
def test_it_comes_back_from_its_facts_and_its_graph(family: str) -> None:
    learner = graph(family, (2, 0), SEEN_TWO)
    files, body = learner.pack(), graph_of(2)
    facts = ExportedFacts(family, SCALER.facts(), (2, 0), struct.pack("<3d", 0, 0.25, 0), digest(body), 4.0, "by hand")
    assert files == {FACTS: sealed(facts), GRAPH: body}
    again, rows = UNPACK[family](files), np.array([[1.5, 0.0], [3.0, np.nan]])
    assert facts_of(again) == facts_of(learner) == (family, 2, 4.0, "by hand")
    assert again.predict(rows).tobytes() == learner.predict(rows).tobytes() and again.pack() == files


@covers("A20")
def test_a_graph_for_other_rows_or_that_is_none_is_refused() -> None:
    for body, said in (
        (b"", "'model.onnx' is damaged: .*ONNX"),
        (b"no graph", "'model.onnx' is damaged: .*[Pp]rotobuf"),
        (graph_of(3)[:-7], "'model.onnx' is damaged: .*[Pp]rotobuf"),
        (graph_of(3, 3), r"'model.onnx' is damaged: it reads \[\('rows', 3\)\], not \[\('rows', 2\)\]"),
        (graph_of(3, 2, "lines"), r"'model.onnx' is damaged: it reads \[\('lines', 2\)\], not \[\('rows', 2\)\]"),
    ):
        with refused(said, MLP):
            Exported(MLP, SCALER, (0, 1, 2), ALL_SEEN, body, 4.0, "")


@covers("A19", "A20")
@each_family
def test_rows_of_another_width_and_damaged_files_are_refused_in_its_name(family: str) -> None:
    learner = graph(family)
    with refused(r"rows of shape \(1, 3\)", family):
        learner.predict(np.zeros((1, 3)))
    files = learner.pack()
    with refused("not a whole ExportedFacts", family):
        UNPACK[family]({**files, FACTS: files[FACTS][:-1]})
    with refused("'model.onnx' is damaged: .* another SHA-256", family):
        UNPACK[family]({**files, GRAPH: files[GRAPH] + b" "})
    with refused("'model.onnx' is missing", family):
        UNPACK[family]({FACTS: files[FACTS]})


@covers("A20")
@each_family
def test_facts_that_contradict_themselves_are_refused(family: str) -> None:
    body = graph_of(3)
    facts = ExportedFacts(family, SCALER.facts(), (0, 1, 2), as_bytes(ALL_SEEN), digest(body), 4.0, "")
    other = next(one for one in UNPACK if one != family)
    for wrong, said in (
        (replace(facts, family=other), rf"'facts' is damaged: it is of the family {other} with the classes \(0, 1, 2\)"),
        (replace(facts, columns=()), rf"'facts' is damaged: it is of the family {family} with the classes \(\)"),
        (replace(facts, columns=(0, 3)), r"with the classes \(0, 3\)"),
        (replace(facts, columns=(-1, 0, 1)), r"with the classes \(-1, 0, 1\)"),
        (replace(facts, unseen=bytes(16)), r"16 bytes are no float64 array of shape \(3,\)"),
        (replace(facts, scaler=replace(facts.scaler, centre=bytes(8))), r"8 bytes are no float64 array of shape \(2,\)"),
    ):
        with refused(said, family):
            UNPACK[family]({FACTS: sealed(wrong), GRAPH: body})
