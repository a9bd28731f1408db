"""`keyreid engine`: build, list, inspect, validate, measure, export and clean compiled models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from keyreid_stream.cli.engine_bench import batch_sizes, bench_table, rank1_of
from keyreid_stream.cli.train_data import DataOption
from keyreid_stream.errors import InputError

if TYPE_CHECKING:
    from keyreid_engines.cache import EngineCache
    from keyreid_stream.encoders import EncoderConfig
    from keyreid_stream.models.load import LoadedModel

engine_app = typer.Typer(
    help="Build, list, inspect, validate, measure, export and clean compiled models.", no_args_is_help=True
)

BackendName: TypeAlias = Literal[
    "auto", "torch", "onnxruntime", "openvino", "tensorrt", "tensorrt-rtx", "torch-tensorrt"
]
PrecisionName: TypeAlias = Literal["auto", "float32", "bfloat16", "float16", "int8"]

FolderOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--folder", help="Folder of engines. By default $KEYREID_HOME/engines, else in the user's cache."),
]
ModelOption: TypeAlias = Annotated[
    str | None, typer.Option("--model", help="KeyRe-ID to use untrained: tiny, small, base.")
]
CalibrationOption: TypeAlias = Annotated[
    Path | None, typer.Option("--calibration", help="Folder of pictures of people, one in each, for int8.")
]
WeightsOption: TypeAlias = Annotated[
    str | None, typer.Option("--weights", help="KeyRe-ID weights: a file, or a name of `weights list`.")
]


@engine_app.command("build")
def build_engine(
    model: ModelOption = None,
    weights: WeightsOption = None,
    backend: Annotated[BackendName, typer.Option(help="auto takes the best that this machine has.")] = "auto",
    precision: Annotated[PrecisionName, typer.Option(help="auto takes the fastest that stays exact enough.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    calibration: CalibrationOption = None,
    provider: Annotated[
        Literal["auto", "cpu", "cuda", "tensorrt"], typer.Option(help="onnxruntime: what computes inside it.")
    ] = "auto",
    capabilities: Annotated[
        str | None,
        typer.Option(help="tensorrt-rtx: build for other machines' GPUs, for example 8.6,8.9; `all` from Ampere on."),
    ] = None,
    folder: FolderOption = None,
) -> None:
    """Build what `keyreid track --backend` would, so that it starts at once. The last line is the engine's folder."""
    from keyreid_engines.seam import EngineEncoders

    loaded, cache = _loaded(model, weights), _cache(folder)
    if capabilities is not None:
        _build_elsewhere(loaded, cache, backend, precision, capabilities)
        return
    config = _config(backend, precision, device, calibration, provider)
    encoder, _ = EngineEncoders(_tell, cache)(loaded, config)
    card = getattr(encoder, "backend", None)
    if card is None or card.engine is None:
        typer.echo("nothing to build: PyTorch runs the model as it is")
        return
    typer.echo(f"{card.name} {card.version}, {card.precision}: least cosine to float32 {card.minimum_cosine:.6f}")
    typer.echo(cache.folder / card.engine)


def _config(
    backend: BackendName, precision: PrecisionName, device: str, calibration: Path | None, provider: str
) -> EncoderConfig:
    from keyreid_stream.config import deployment

    folder = None if calibration is None else str(calibration)
    options = {
        "backend": backend,
        "precision": precision,
        "device": device,
        "calibration": folder,
        "provider": provider,
    }
    return deployment({"model": options}).model


def _build_elsewhere(
    loaded: LoadedModel, cache: EngineCache, backend: BackendName, precision: PrecisionName, capabilities: str
) -> None:
    """Build for GPUs that need not be here; the first run on one of them checks the engine."""
    from keyreid_engines.seam import build_elsewhere

    if backend != "tensorrt-rtx":
        raise InputError(f"--capabilities goes with --backend tensorrt-rtx alone, got {backend}")
    named = () if capabilities == "all" else tuple(one.strip() for one in capabilities.split(","))
    stored = build_elsewhere(loaded, cache, precision, named, _tell)
    facts = stored.manifest.facts
    typer.echo(f"{facts.backend} {facts.backend_version}, {facts.precision}: checked when it runs first")
    typer.echo(stored.folder)


@engine_app.command("list")
def list_engines(folder: FolderOption = None) -> None:
    """List the engines that are kept."""
    cache = _cache(folder)
    name = Column("name", no_wrap=True)
    table = Table(name, "size", "least cosine", "state", title=Text(f"Engines in {cache.folder}"))
    for entry in cache.entries():
        check = entry.manifest.check if entry.manifest else None
        cosine = f"{check.minimum_cosine:.6f}" if check else "-"
        table.add_row(entry.name, _size(entry.size_bytes), cosine, Text(entry.fault or "right", overflow="fold"))
    Console().print(table)


@engine_app.command("inspect")
def inspect_engine(name: str, folder: FolderOption = None) -> None:
    """Print an engine's manifest as JSON, once every byte of it is checked."""
    stored = _cache(folder).read(name)
    typer.echo(stored.manifest.model_dump_json(indent=2))


@engine_app.command("validate")
def validate_engines(model: ModelOption = None, weights: WeightsOption = None, folder: FolderOption = None) -> None:
    """Compare every engine of these weights with float32 on PyTorch again; exit code 1 if one of them fails."""
    from keyreid_engines.validate import validate_all

    results = validate_all(_loaded(model, weights), _cache(folder))
    if not results:
        raise InputError("there is no engine of these weights; build one with: keyreid engine build")
    for result in results:
        typer.echo(f"{result.name}: {result.fault or f'right, least cosine {result.minimum_cosine:.6f}'}")
    if any(result.fault for result in results):
        raise typer.Exit(1)


@engine_app.command("bench")
def bench_engines(
    model: ModelOption = None,
    weights: WeightsOption = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    batches: Annotated[str, typer.Option(help="Crops or clips in one call.")] = "1,8,32",
    rounds: Annotated[int, typer.Option(help="Calls of which the median is taken.")] = 5,
    data: DataOption = None,
    keypoints: Annotated[
        Path | None, typer.Option(help="For --data: folder of `keyreid train prepare`; without, parts see everything.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="A file to write the figures to as well.")] = None,
    folder: FolderOption = None,
) -> None:
    """Measure both halves of a model on every backend and in every precision of this machine, side by side.

    With --data, also how many people of CUHK03's validation split each finds again.
    """
    from keyreid_engines.bench import bench_model
    from keyreid_stream.devices import torch_device
    from keyreid_train.hardware import hardware_name

    if json_file is not None and not json_file.parent.is_dir():
        raise InputError(f"there is no folder {str(json_file.parent)!r}; make it first")
    where = torch_device(device)
    sizes = batch_sizes(batches)
    loaded = _loaded(model, weights)
    rank1 = None if data is None else rank1_of(model, weights, data, keypoints)
    bench = bench_model(
        *(loaded, where, hardware_name(where), sizes), cache=_cache(folder), rounds=rounds, rank1=rank1, say=_tell
    )
    Console().print(bench_table(bench))
    versions = dict.fromkeys(f"{one.backend} {one.version}" for one in bench.figures)
    typer.echo(f"versions: {', '.join(versions)}")
    for precision, rate in bench.ceilings.items():
        typer.echo(f"one large matrix product of PyTorch in {precision}: {rate:,.0f} GFLOP/s")
    for reason in bench.left_out:
        typer.echo(f"not measured: {reason}")
    if json_file is not None:
        json_file.write_text(bench.model_dump_json(indent=2) + "\n", encoding="utf-8")


@engine_app.command("export")
def export_file(
    out: Annotated[Path, typer.Argument(help="The ONNX file to write; must not exist.")],
    model: ModelOption = None,
    weights: WeightsOption = None,
    kind: Annotated[
        Literal["frame_encoder", "clip_head", "clip_model"], typer.Option(help="clip_model is the whole in one graph.")
    ] = "clip_model",
    precision: Annotated[
        Literal["float32", "bfloat16", "float16"], typer.Option(help="Typed into the graph.")
    ] = "float32",
) -> None:
    """Write an ONNX file for use elsewhere: uint8 RGB crops go in, normalisation is inside, any batch."""
    from keyreid_engines.export import export_graph

    if out.exists():
        raise InputError(f"{str(out)!r} is there already; choose another name")
    if not out.parent.is_dir():
        raise InputError(f"there is no folder {str(out.parent)!r}; make it first")
    loaded = _loaded(model, weights)
    graph = export_graph(loaded.model, kind, precision, weights_sha256=loaded.card.sha256)
    graph.save(out)
    typer.echo(f"{graph.kind}, {graph.precision}, {_size(len(graph.content))}, sha256 {graph.sha256}")
    typer.echo(out)


@engine_app.command("clean")
def clean_engines(
    names: Annotated[list[str] | None, typer.Argument(help="Engines to remove, as `list` names them.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove all engines.")] = False,
    folder: FolderOption = None,
) -> None:
    """Remove engines, and what interrupted builds left behind. They are built again when they are needed."""
    cache = _cache(folder)
    faulty = [entry.name for entry in cache.entries() if everything or entry.fault is not None]
    chosen = names or faulty
    freed = sum(cache.remove(name) for name in chosen) + cache.remove_drafts()
    kept = "" if names or everything else " that cannot be used (--all removes every engine)"
    typer.echo(f"removed {len(chosen)} engines{kept}, {_size(freed)} freed")


def _loaded(model: str | None, weights: str | None) -> LoadedModel:
    from keyreid_stream.models.load import load_model

    if model is not None and weights is not None:
        raise InputError("give --model for an untrained network or --weights, which know their own; not both")
    return load_model(model, weights)


def _cache(folder: Path | None) -> EngineCache:
    from keyreid_engines.cache import EngineCache

    return EngineCache(folder)


def _tell(line: str) -> None:
    typer.echo(line, err=True)


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
