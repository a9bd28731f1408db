"""From the tensors of a weights file to a network, without trusting that they fit.

A file's configuration may ask for a network of any size, so names and shapes are compared before any memory is taken:
what is built afterwards is as large as what the file holds.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from keyreid_stream.errors import ConfigError, WeightsError
from keyreid_stream.models.build import build_model, build_skeleton
from keyreid_stream.models.keyreid import KeyReID, classes_in
from keyreid_stream.models.weights import WeightsFile


def check_fit(pair: WeightsFile) -> None:
    """Refuse a pair whose tensors are not those of its configuration; classifiers may be there or not.

    Raises:
        WeightsError: naming the file and the first tensor that does not fit, or why there is no such network.
    """
    _fitting_skeleton(pair)


def filled_model(pair: WeightsFile) -> KeyReID:
    """The network of a pair, with classifiers if it has some, in evaluation mode on the CPU.

    Torch's random state is not touched.

    Raises:
        WeightsError: the tensors are not those of the configuration.
    """
    model = _fitting_skeleton(pair)
    if _computes_buffers(model):
        model = build_model(pair.config, classes=model.classes, seed=0)
    fill(model, pair.tensors)
    return model


def fill(model: nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Give a model, or a skeleton of one, copies of these tensors, in the model's own precision and shapes."""
    ours = model.state_dict()
    copies = {
        name: tensor.to(ours[name].dtype, copy=True, memory_format=torch.contiguous_format).reshape(ours[name].shape)
        for name, tensor in tensors.items()
    }
    model.load_state_dict(copies, assign=True)


def _fitting_skeleton(pair: WeightsFile) -> KeyReID:
    try:
        skeleton = build_skeleton(pair.config, classes=classes_in(pair.tensors))
    except ConfigError as error:
        raise WeightsError(f"{str(pair.path)!r} is of a network that cannot be built: {error}") from error
    expected = {name: tuple(tensor.shape) for name, tensor in skeleton.state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in pair.tensors.items()}
    wrong = sorted(name for name in expected.keys() | given.keys() if expected.get(name) != given.get(name))
    if wrong:
        first = wrong[0]
        raise WeightsError(
            f"{str(pair.path)!r} does not fit its own configuration: {first!r} has shape {given.get(first)}, "
            f"expected {expected.get(first)} (None: not there); {len(wrong)} tensors in all; make the file again"
        )
    return skeleton


def _computes_buffers(model: nn.Module) -> bool:
    """Whether a network holds numbers that no weights file does: the rotary embeddings of some backbones."""
    stored = model.state_dict()
    return any(name not in stored for name, _ in model.named_buffers())
