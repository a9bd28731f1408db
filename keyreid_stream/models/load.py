"""From a choice of weights to a network that is ready to run, and a card that says what it is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from keyreid_stream.errors import WeightsError
from keyreid_stream.models.build import build_model
from keyreid_stream.models.config import ModelConfig, named_model
from keyreid_stream.models.fit import filled_model
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.models.known_weights import known_weights, published_origin, resolve_weights
from keyreid_stream.models.published import load_published
from keyreid_stream.models.weights import file_sha256, load_weights

DEFAULT_WEIGHTS = "keyreid-tiny"
"""What runs where nobody says otherwise: shipped, trained on photographs of people and on drawn ones."""

DRAWN_PEOPLE = "worlds"
"""The data set of people in synthetic worlds, as weights name it."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a network is and where its parameters come from.

    Attributes:
        name: of its configuration.
        mode: `aligned` or `published`.
        parameters: how many numbers it learned, or would have.
        trained: False for random parameters: its embeddings do not tell people apart.
        sha256: of the weights file, or of the random parameters themselves.
        weights: the file, None for random parameters.
        data_sets: what it was trained on; empty where that is not known.
    """

    name: str
    mode: str
    parameters: int
    trained: bool
    sha256: str
    weights: str | None
    data_sets: tuple[str, ...] = ()

    @property
    def notice(self) -> str | None:
        """What a user must know before looking at results; None when there is nothing to say."""
        if self.trained and self.data_sets == (DRAWN_PEOPLE,):
            return (
                f"the model {self.name!r} was trained on drawn people alone: on real video its identity numbers across "
                "cameras mean nothing; give weights trained on real people with --weights"
            )
        if self.trained:
            return None
        return (
            f"the model {self.name!r} is untrained (random parameters): tracks within a camera are real, but the "
            "identity numbers across cameras do not tell people apart; give trained weights with --weights"
        )

    @property
    def short_notice(self) -> str | None:
        """The notice for the corner of a picture."""
        return None if self.trained else "untrained model: identity numbers do not tell people apart"


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A network in evaluation mode on the CPU, and its card."""

    model: KeyReID
    card: ModelCard


def load_model(name: str | None = None, weights: str | None = None, *, seed: int = 0) -> LoadedModel:
    """Build a network and fill it; with neither `name` nor `weights`, with `DEFAULT_WEIGHTS`.

    Args:
        name: an architecture to build with random parameters; only where no weights are given.
        weights: a keyreid `.safetensors`, a published `.pth` of a known hash, or the name of known or imported weights.
        seed: of the random parameters.

    Raises:
        WeightsError: the weights are missing, damaged, foreign or do not fit their own configuration, or nobody can
            know whether they were trained.
        ConfigError: there is no architecture of this name.
    """
    if weights is None and name is not None:
        model = build_model(named_model(name), seed=seed)
        return LoadedModel(model, _card(model, trained=False, sha256=parameters_sha256(model.state_dict())))
    path = resolve_weights(weights or DEFAULT_WEIGHTS)
    if path.suffix == ".pth":
        model, _ = load_published(path)
        return LoadedModel(model, _card(model, trained=True, sha256=_known_sha256(path), weights=path))
    stored = load_weights(path)
    model, trained = filled_model(stored), stored.provenance.trained
    data_sets = stored.provenance.data_sets
    return LoadedModel(model, _card(model, trained=trained, sha256=stored.sha256, weights=path, data_sets=data_sets))


def parameters_sha256(tensors: Mapping[str, torch.Tensor]) -> str:
    """A hash of names and values, independent of any file."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _known_sha256(path: Path) -> str:
    """The hash of a checkpoint that we know was trained; the file itself does not tell."""
    sha256 = file_sha256(path)
    if published_origin(sha256, known_weights()) is None:
        raise WeightsError(
            f"{path} is none of the known checkpoints, so it may be untrained; import it once and say so or not: "
            f"keyreid weights import {path} --name NAME [--untrained]"
        )
    return sha256


def _card(
    model: KeyReID, *, trained: bool, sha256: str, weights: Path | None = None, data_sets: tuple[str, ...] = ()
) -> ModelCard:
    config: ModelConfig = model.config
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return ModelCard(
        config.name, config.mode, parameters, trained, sha256, str(weights) if weights else None, data_sets
    )
