"""From a model to an engine that runs it: out of the cache, or exported, compiled, checked and kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from keyreid_engines.backend import Backend, CompilesNetworks, FinishesLater, Graph, KeepsKernels, TakesLong
from keyreid_engines.cache import Contents, EngineCache, Say, StoredEngine, stored_files
from keyreid_engines.checks import CheckFigures, check_engine
from keyreid_engines.device_encoders import DeviceClipHead, DeviceFrameEncoder
from keyreid_engines.encoders import EngineClipHead, EngineFrameEncoder
from keyreid_engines.errors import EngineError
from keyreid_engines.export import export_graph, preprocessing_of
from keyreid_engines.graphs import HALVES, GraphKind, Precision, takes_cameras, traced_graph
from keyreid_engines.manifest import EngineFacts, Manifest
from keyreid_engines.tensorrt_runtime import DeviceGraph
from keyreid_stream.encoders.card import BackendCard
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.models.load import LoadedModel


@dataclass(frozen=True, slots=True, eq=False)
class Engine:
    """Both halves of a model, compiled and ready.

    Attributes:
        manifest: what it is.
        graphs: by kind.
    """

    manifest: Manifest
    graphs: dict[GraphKind, Graph]

    def encoders(
        self, model: KeyReID, max_batch: int = 64, *, reason: str | None = None
    ) -> tuple[EngineFrameEncoder, EngineClipHead]:
        """The stages that a pipeline wants.

        Args:
            model: the one that the engine was made of; only asked for shapes.
            max_batch: the most crops or clips in one call.
            reason: why this backend, for reports.
        """
        facts = self.manifest.facts
        card = BackendCard(
            facts.backend,
            facts.backend_version,
            facts.precision,
            facts.device,
            engine=facts.name,
            minimum_cosine=self.manifest.check.minimum_cosine if self.manifest.check else None,
            reason=reason,
        )
        return _encoders(self.graphs, model, max_batch, card)


def obtain_engine(
    loaded: LoadedModel, backend: Backend, precision: Precision, cache: EngineCache, *, threads: int, say: Say
) -> Engine:
    """The engine of a model, built if the cache has none that is right.

    Args:
        loaded: the model, in float32 on the CPU.
        backend: what runs it.
        precision: one of `backend.precisions`.
        cache: where engines are kept.
        threads: processor threads for one call.
        say: is told what is built and why.

    Raises:
        MissingExtraError: what exporting needs is not installed.
        EngineError: it cannot be built, loaded or kept, or differs from the model, now or when it was built.
    """
    facts = EngineFacts.of(loaded, backend, precision)
    built: list[dict[GraphKind, Graph]] = []

    def build() -> tuple[Manifest, Contents]:
        manifest, contents, graphs = _build(loaded, backend, facts, threads)
        built.append(graphs)
        return manifest, contents

    backend = backend.telling(say) if isinstance(backend, TakesLong) else backend
    stored = cache.obtain(facts, build, say)
    _raise_refused(stored.manifest)
    if not built:
        try:
            built.append(load_graphs(backend, stored.contents, precision, threads))
        except EngineError as error:
            say(f"engine {facts.name} is not used: {error}; building it again")
            cache.remove(facts.name)
            stored = cache.obtain(facts, build, say)
            _raise_refused(stored.manifest)
    graphs = built[-1] if built else load_graphs(backend, stored.contents, precision, threads)
    if _unchecked(stored.manifest, backend):
        say(f"checking engine {facts.name} on this device")
        stored = _checked_here(loaded, stored, graphs, backend, cache)
        _raise_refused(stored.manifest)
    return Engine(stored.manifest, graphs)


def prepare_engine(
    loaded: LoadedModel, backend: Backend, precision: Precision, cache: EngineCache, *, say: Say
) -> StoredEngine:
    """Build an engine for a device that this machine does not have; it is checked when it is used first.

    Raises:
        MissingExtraError: what exporting needs is not installed.
        EngineError: it cannot be built or kept.
    """
    facts = EngineFacts.of(loaded, backend, precision)
    telling = backend.telling(say) if isinstance(backend, TakesLong) else backend

    def build() -> tuple[Manifest, Contents]:
        clock = time.perf_counter()
        hashes, contents = _compiled(loaded, telling, facts)
        return _manifest(loaded, facts, hashes, contents, None, None, clock), contents

    stored = cache.obtain(facts, build, say)
    _raise_refused(stored.manifest)
    return stored


def load_graphs(backend: Backend, contents: Contents, precision: Precision, threads: int) -> dict[GraphKind, Graph]:
    """Load every graph of an engine.

    Raises:
        EngineError: the backend does not take one.
    """
    return {kind: backend.load(files, precision, threads) for kind, files in contents.items()}


def recheck(loaded: LoadedModel, graphs: dict[GraphKind, Graph], precision: Precision) -> CheckFigures:
    """Compare a loaded engine with its model again.

    Raises:
        EngineError: it differs.
    """
    return check_engine(_by_batch(graphs, loaded.model), loaded.model, precision)


def _build(
    loaded: LoadedModel, backend: Backend, facts: EngineFacts, threads: int
) -> tuple[Manifest, Contents, dict[GraphKind, Graph]]:
    clock = time.perf_counter()
    hashes, contents = _compiled(loaded, backend, facts)
    graphs = load_graphs(backend, contents, facts.precision, threads)
    figures, refused = None, None
    try:
        figures = check_engine(_by_batch(graphs, loaded.model), loaded.model, facts.precision)
        contents = _with_kernels(contents, graphs)
    except EngineError as error:
        refused, contents = str(error), {}
    manifest = _manifest(loaded, facts, hashes, contents, figures, refused, clock)
    return manifest.model_copy(update={"checked_on": _device_at_hand(backend)}), contents, graphs


def _compiled(loaded: LoadedModel, backend: Backend, facts: EngineFacts) -> tuple[dict[GraphKind, str], Contents]:
    """Hashes of the ONNX graphs, and what was compiled of them."""
    typed = backend.graph_precision(facts.precision)
    if isinstance(backend, CompilesNetworks):
        networks = {kind: traced_graph(loaded.model, kind, typed) for kind in HALVES}
        return {}, {kind: dict(backend.compile_traced(network, kind)) for kind, network in networks.items()}
    exported = [export_graph(loaded.model, kind, typed, weights_sha256=facts.weights_sha256) for kind in HALVES]
    hashes = {graph.kind: graph.sha256 for graph in exported}
    return hashes, {graph.kind: dict(backend.compile(graph.content)) for graph in exported}


def _manifest(
    loaded: LoadedModel,
    facts: EngineFacts,
    hashes: dict[GraphKind, str],
    contents: Contents,
    figures: CheckFigures | None,
    refused: str | None,
    clock: float,
) -> Manifest:
    return Manifest(
        facts=facts,
        preprocessing=preprocessing_of(loaded.model, "uint8"),
        onnx_sha256=hashes,
        files=stored_files(contents),
        check=figures,
        refused=refused,
        build_s=round(time.perf_counter() - clock, 3),
        created=datetime.now(UTC),
    )


def _raise_refused(manifest: Manifest) -> None:
    if manifest.refused is not None:
        raise EngineError(f"{manifest.refused} (to try again: keyreid engine clean {manifest.facts.name})")


def _device_at_hand(backend: Backend) -> str | None:
    """Where an engine is finished on the device that runs it: which device that is here."""
    return backend.finished_on if isinstance(backend, FinishesLater) else None


def _unchecked(manifest: Manifest, backend: Backend) -> bool:
    return manifest.check is None or manifest.checked_on != _device_at_hand(backend)


def _checked_here(
    loaded: LoadedModel, stored: StoredEngine, graphs: dict[GraphKind, Graph], backend: Backend, cache: EngineCache
) -> StoredEngine:
    """Check an engine on this device, and keep what came of it."""
    contents, figures, refused = stored.contents, None, None
    try:
        figures = recheck(loaded, graphs, stored.manifest.facts.precision)
        contents = _with_kernels(contents, graphs)
    except EngineError as error:
        refused, contents = str(error), {}
    manifest = stored.manifest.model_copy(
        update={
            "check": figures,
            "checked_on": _device_at_hand(backend),
            "refused": refused,
            "files": stored_files(contents),
        }
    )
    return cache.amend(manifest, contents)


def _with_kernels(contents: Contents, graphs: dict[GraphKind, Graph]) -> Contents:
    """The same files, and what the check made the engine finish on this device."""
    kept = {kind: graph.kernels() for kind, graph in graphs.items() if isinstance(graph, KeepsKernels)}
    return {kind: {**files, **({"kernels": kept[kind]} if kept.get(kind) else {})} for kind, files in contents.items()}


def _by_batch(
    graphs: dict[GraphKind, Graph], model: KeyReID
) -> Callable[[int], tuple[EngineFrameEncoder, EngineClipHead]]:
    return lambda max_batch: _encoders(graphs, model, max_batch, None)


def _encoders(
    graphs: dict[GraphKind, Graph], model: KeyReID, max_batch: int, card: BackendCard | None
) -> tuple[EngineFrameEncoder, EngineClipHead]:
    layout = model.layout
    on_crops, on_clips = graphs["frame_encoder"], graphs["clip_head"]
    if isinstance(on_crops, DeviceGraph) and isinstance(on_clips, DeviceGraph):
        cameras = takes_cameras(model)
        spec, channels = model.crop_spec, layout.global_dim
        return (
            DeviceFrameEncoder(on_crops, spec, channels, max_batch=max_batch, cameras=cameras, backend=card),
            DeviceClipHead(on_clips, layout, model.config.frames, max_batch=max_batch, backend=card),
        )
    return (
        EngineFrameEncoder(
            on_crops,
            model.crop_spec,
            layout.global_dim,
            max_batch=max_batch,
            cameras=takes_cameras(model),
            backend=card,
        ),
        EngineClipHead(on_clips, layout, model.config.frames, max_batch=max_batch, backend=card),
    )
