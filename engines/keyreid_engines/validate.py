"""Engines in the cache, compared with their model again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch

from keyreid_engines.backend import Backend, Provider
from keyreid_engines.build import load_graphs, recheck
from keyreid_engines.cache import EngineCache, ListedEngine
from keyreid_engines.choose import LOADERS, Loader, on_device
from keyreid_engines.errors import EngineError
from keyreid_engines.int8 import Int8Backend
from keyreid_engines.manifest import EngineFacts
from keyreid_stream.errors import ConfigError
from keyreid_stream.models.load import LoadedModel


@dataclass(frozen=True, slots=True)
class Validated:
    """What became of one engine: its least cosine, or why it is not right."""

    name: str
    minimum_cosine: float | None
    fault: str | None


def validate_all(loaded: LoadedModel, cache: EngineCache, loaders: Mapping[str, Loader] = LOADERS) -> list[Validated]:
    """Check every engine of these weights, as it would be used here and now; damaged manifests are told as well."""
    return [
        _validated(loaded, cache, entry, loaders)
        for entry in cache.entries()
        if entry.manifest is None or entry.manifest.facts.weights_sha256 == loaded.card.sha256
    ]


def _validated(
    loaded: LoadedModel, cache: EngineCache, entry: ListedEngine, loaders: Mapping[str, Loader]
) -> Validated:
    if entry.fault is not None:
        return Validated(entry.name, None, entry.fault)
    try:
        stored = cache.read(entry.name)
        facts = stored.manifest.facts
        backend = _as_built(loaders[facts.backend](), facts)
        if facts.precision == "int8":
            backend = Int8Backend(backend, facts.flags)
        differences = EngineFacts.of(loaded, backend, facts.precision).differences(facts)
        if differences:
            return Validated(entry.name, None, f"not for this machine as it is now: {'; '.join(differences)}")
        graphs = load_graphs(backend, stored.contents, facts.precision, torch.get_num_threads())
        return Validated(entry.name, recheck(loaded, graphs, facts.precision).minimum_cosine, None)
    except (EngineError, ConfigError, ImportError) as error:
        return Validated(entry.name, None, str(error))
    except KeyError:
        return Validated(entry.name, None, f"made for a backend that is not known here; known: {', '.join(loaders)}")


def _as_built(backend: Backend, facts: EngineFacts) -> Backend:
    """By the provider that the engine was built for."""
    provider = facts.flags.get("provider", "cpu")
    device = torch.device("cpu" if provider == "cpu" else "cuda")
    return on_device(backend, device, cast("Provider", provider))
