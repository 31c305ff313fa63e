"""A network as an ONNX graph, written node by node: the same weights give the same bytes, and no exporter's version matters."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.models.exported import INPUT

Singles = NDArray[np.float32]
Layers: TypeAlias = tuple[tuple[Singles, Singles], ...]

_OPSET, _IR = 20, 9  # the first opset with Gelu, and the file version it came with
_OUTPUT = "probabilities"


def graph_of(networks: list[Layers], name: str) -> bytes:
    """Networks of linear layers (weights (in, out) and biases (out,)) with GELU between, their softmaxes averaged."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, numbers, answers = [], [], []
    for n, layers in enumerate(networks):
        x = INPUT
        for k, (weights, biases) in enumerate(layers):
            here = f"{n}.{k}"
            numbers += [numpy_helper.from_array(weights, f"{here}.weights"), numpy_helper.from_array(biases, f"{here}.biases")]
            nodes.append(helper.make_node("Gemm", [x, f"{here}.weights", f"{here}.biases"], [f"{here}.sum"], f"{here}.gemm"))
            x = f"{here}.out"
            kind, axis = ("Softmax", {"axis": 1}) if k == len(layers) - 1 else ("Gelu", {})
            nodes.append(helper.make_node(kind, [f"{here}.sum"], [x], x, **axis))
        answers.append(x)
    nodes.append(helper.make_node("Mean", answers, [_OUTPUT], _OUTPUT))
    width, classes = networks[0][0][0].shape[0], networks[0][-1][1].shape[0]
    given = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, width])
    made = helper.make_tensor_value_info(_OUTPUT, TensorProto.FLOAT, [None, classes])
    graph = helper.make_graph(nodes, name, [given], [made], numbers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR, producer_name="metastackerbandit")
    return bytes(model.SerializeToString(deterministic=True))
