"""Fit a small network with PyTorch, several seeds averaged, and write it as one ONNX graph."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.models.exported import MLP, Exported, unpack_network
from metastackerbandit.models.settling import settled
from metastackerbandit.training.fitting.fitted import Fitted, parity_of, refuse_unequal
from metastackerbandit.training.fitting.graph import Layers, graph_of
from metastackerbandit.training.fitting.inputs import Inputs, inputs_of
from metastackerbandit.training.fitting.settings import FittingSettings, NetworkSettings
from metastackerbandit.training.sample import Sample

Floats = NDArray[np.float64]

_NOTE = "Degrees of freedom are a tenth of one network's weights, a crude proxy like that of boosters."
_DOF_A_WEIGHT = 1.0 / 10.0
_SEEDS_APART = 1_000  # members of neighbouring seeds never share one
ABSENT = "PyTorch is not installed"


def is_available() -> bool:
    """Whether PyTorch can be imported; it is needed to fit a network, not to serve one."""
    return importlib.util.find_spec("torch") is not None


def fit(sample: Sample, settings: FittingSettings, n_eff: float, seed: int) -> Fitted:
    """Descend for as many steps as passes over n_eff outcomes take, once a seed."""
    if not is_available():
        raise TrainingRefused(ABSENT, where=MLP, mend="install it, or train without this family")
    inputs = inputs_of(sample, settings, n_eff, MLP)
    with _one_thread():
        networks = [_descended(inputs, settings.mlp, seed * _SEEDS_APART + member) for member in range(settings.mlp.seeds)]
        graph = graph_of([_layers(network) for network in networks], MLP)
        dof = _DOF_A_WEIGHT * _weights(int(inputs.kept.sum()), settings.mlp)
        learner = unpack_network(Exported(MLP, inputs.scaler, (0, 1, 2), inputs.unseen, graph, dof, _NOTE).pack())
        parity = parity_of(lambda rows: settled(_averaged(networks, inputs.scaler.applied(rows)), inputs.unseen), learner.predict, sample.rows)
    refuse_unequal(parity, settings.most_parity, MLP)
    return Fitted(learner, parity, dof, inputs.dropped, (_NOTE, *inputs.notes()))


@contextmanager
def _one_thread() -> Iterator[None]:
    """PyTorch on one thread, with its random state put back afterwards."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)


def _descended(inputs: Inputs, settings: NetworkSettings, seed: int) -> Any:
    """One network after AdamW on weighted cross entropy, ready to predict."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    rows, side = torch.from_numpy(inputs.rows.astype(np.float32)), torch.from_numpy(inputs.side)
    weight = torch.from_numpy((inputs.weight / inputs.weight.mean()).astype(np.float32))
    one, two = settings.widths
    out, drop = settings.dropout, nn.Dropout
    network = nn.Sequential(nn.Linear(rows.shape[1], one), nn.GELU(), drop(out), nn.Linear(one, two), nn.GELU(), drop(out), nn.Linear(two, 3))
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    loss = nn.CrossEntropyLoss(reduction="none")
    network.train()
    for batch in _batches(len(rows), inputs.n_eff, settings):
        optimizer.zero_grad()
        (loss(network(rows[batch]), side[batch]) * weight[batch]).mean().backward()
        optimizer.step()
    return network.eval()


def _batches(count: int, n_eff: float, settings: NetworkSettings) -> Iterator[Any]:
    """Places of rows, a batch at a time, in a new order every time that all have been seen."""
    import torch

    left = math.ceil(settings.passes * n_eff / settings.batch)
    while left > 0:
        for batch in torch.randperm(count).split(settings.batch)[:left]:
            left -= 1
            yield batch


def _layers(network: Any) -> Layers:
    """Weights (in, out) and biases of the linear layers, in order."""
    linear = [layer for layer in network if hasattr(layer, "weight")]
    return tuple((layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy()) for layer in linear)


def _averaged(networks: list[Any], rows: Floats) -> Floats:
    """Mean probabilities (N, 3) of the networks, as PyTorch computes them."""
    import torch

    single = torch.from_numpy(rows.astype(np.float32))
    with torch.no_grad():
        answers = [torch.softmax(network(single), dim=1).numpy().astype(np.float64) for network in networks]
    return np.mean(answers, axis=0)


def _weights(n_features: int, settings: NetworkSettings) -> int:
    one, two = settings.widths
    return n_features * one + one * two + two * 3
