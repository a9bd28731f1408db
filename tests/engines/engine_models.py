"""Small models as they come out of `load_model`, and what they are asked."""

from __future__ import annotations

import functools

from keyreid_engines.export import OnnxGraph, export_graph
from keyreid_engines.fixed_crops import fixed_crops
from keyreid_engines.graphs import GraphKind, Precision
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.models.load import LoadedModel, ModelCard, parameters_sha256
from keyreid_stream.structures import Clip, Crops, Encodings
from tests.models.small_models import small_model

FRAMES = 3


def engine_model(mode: str = "aligned") -> KeyReID:
    """Two blocks: what an export takes grows with them."""
    return small_model(mode, FRAMES, depth=2)


def loaded_model(mode: str = "aligned") -> LoadedModel:
    model = engine_model(mode)
    sha256 = parameters_sha256(model.state_dict())
    return LoadedModel(model, ModelCard(model.config.name, mode, 1, trained=False, sha256=sha256, weights=None))


@functools.cache
def exported(mode: str, kind: GraphKind, precision: Precision) -> OnnxGraph:
    """Exports take seconds; tests of what an export computes share them."""
    return export_graph(engine_model(mode), kind, precision, weights_sha256="0" * 64)


def crops_of(model: KeyReID, count: int) -> Crops:
    whole = fixed_crops(model.crop_spec, max(count, 1))
    return Crops(whole.images[:count], whole.part_weights[:count])


def clip_of(encodings: Encodings, rows: list[int]) -> Clip:
    return Clip(encodings.tokens[rows], encodings.class_rows[rows], encodings.part_weights[rows])
