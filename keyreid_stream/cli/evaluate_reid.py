"""`keyreid eval reid`: how well people are found again in another camera."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keyreid_stream.cli.evaluate_compare import short_name
from keyreid_stream.cli.train_data import DataOption, data_folders, every_thousand
from keyreid_stream.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyreid_stream.evaluation.reid import SearchResult
    from keyreid_stream.evaluation.reid.record import ReidRecord, Row
    from keyreid_train.embedders.interface import ClipEmbedder
    from keyreid_train.searches import Search

_PACKAGES = ("keyreid-stream", "torch", "numpy")

_BACKENDS = {"onnx": "onnxruntime", "boxmot": "boxmot"}


def evaluate_reid(
    data_set: Annotated[str, typer.Argument(metavar="DATASET", help="E.g. cuhk03-val, mars, ilids, ilids-3, folder.")],
    embedder: Annotated[str, typer.Option(help="keyreid:WEIGHTS, onnx:FILE or boxmot:NAME-OR-FILE.")],
    data: DataOption = None,
    keypoints: Annotated[
        Path | None, typer.Option(help="Folder of `keyreid train prepare`; without, parts see the whole body.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Also write everything to this JSON file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Also write a page with curves and rankings to this file.")] = None,
    clips: Annotated[str, typer.Option(help="Of a tracklet: dense, capped, spaced, or first (one image).")] = "dense",
    max_clips: Annotated[int, typer.Option(min=1, help="Clips of a tracklet, when capped or spaced.")] = 41,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Length of a clip; the network's longest if not given.")
    ] = None,
    similarity: Annotated[
        list[str] | None,
        typer.Option(help="cosine, euclidean, global or visible, also several; all that fit if not given."),
    ] = None,
    global_weight: Annotated[float, typer.Option(help="Of `visible`: the global part's share.")] = 0.5,
    rerank: Annotated[
        bool, typer.Option("--rerank", help="k-reciprocal re-ranking (k1 20, k2 6, lambda 0.3).")
    ] = False,
    hide: Annotated[str | None, typer.Option(help="Black out a half of the queries: upper or lower.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    backend: Annotated[
        str | None, typer.Option(help="What runs keyreid weights, as for `track`; if not given, PyTorch as trained.")
    ] = None,
    precision: Annotated[str, typer.Option(help="Of the backend: auto, float32, bfloat16, float16, int8.")] = "auto",
    calibration: Annotated[Path | None, typer.Option(help="Folder of pictures of people, for int8.")] = None,
    note: Annotated[
        bool, typer.Option("--note", help="Note the figures beside keyreid weights, for their card.")
    ] = False,
) -> None:
    """Look for people in other cameras: CMC and mAP of any embedder under the data set's protocol."""
    from keyreid_stream.devices import torch_device
    from keyreid_stream.evaluation.reid import Reranking, Similarity
    from keyreid_stream.evaluation.reid.record import ReidRecord, record_text
    from keyreid_stream.evaluation.scores_file import write_scores
    from keyreid_train.embedders.choose import open_embedder
    from keyreid_train.embedders.interface import HALVES
    from keyreid_train.embedders.tracklets import ClipPlan
    from keyreid_train.reid_evaluation import EvaluationOptions, evaluate
    from keyreid_train.searches import load_searches

    if hide is not None and hide not in HALVES:
        raise ConfigError(f"there is no {hide!r} half to hide; choose from: {', '.join(HALVES)}")
    ways = tuple(Similarity(kind, global_weight) for kind in similarity or ())  # type: ignore[arg-type]
    ClipPlan(clips, 1, max_clips)  # type: ignore[arg-type]  # before the work: a wrong word must not cost minutes
    network = (
        open_embedder(embedder, device)
        if backend is None
        else _on_backend(embedder, device, backend, precision, calibration)
    )
    if note and backend is not None:
        raise ConfigError("--note is for the weights' own figures, on PyTorch; leave --backend out")
    if note:
        _check_note(embedder, network)
    root, folders = data_folders(data)
    searches = load_searches(data_set, root, folders, keypoints)
    options = EvaluationOptions(
        plan=ClipPlan(clips, 1 if clips == "first" else frames or network.frames, max_clips),  # type: ignore[arg-type]
        similarities=ways,
        hidden=hide,
        reranking=Reranking() if rerank else None,
        device=str(torch_device(device)),
        closest=10 if html else 0,
    )
    evaluation = evaluate(network, searches, options, progress=every_thousand())
    record = ReidRecord.model_validate(
        {
            "data": data_set,
            "protocol": "; ".join(dict.fromkeys(of.protocol for of in searches)),
            "tracklets": evaluation.tracklets,
            "embedder": {"name": network.name, "sha256": network.sha256},
            "clips": options.plan.described(),
            "keypoints": any(one.keypoints is not None for of in searches for one in of.tracklets),
            "hidden": hide,
            "reranking": None if options.reranking is None else asdict(options.reranking),
            "device": _device_name(options.device),
            "command": shlex.join(["keyreid", *sys.argv[1:]]),
            "versions": _versions(embedder),
            "rows": [row.model_dump() for row in evaluation.rows],
        }
    )
    if out is not None:
        write_scores(out, record_text(record))
    if html is not None:
        shown = [evaluation.results[record.rows[0].similarity, of.name] for of in searches]
        write_scores(html, _page(record, searches, shown, network, options.hidden))
    _print(record)
    if note:
        _note(network, record)


def _page(
    record: ReidRecord, searches: Sequence[Search], shown: Sequence[SearchResult], network: ClipEmbedder, hidden: Any
) -> str:
    """With what the network looks at drawn over the pictures, if it is one of ours."""
    from keyreid_stream.evaluation.reid.page import page_text
    from keyreid_train.embedders.keyreid import KeyreidEmbedder
    from keyreid_train.looked_pictures import keyreid_looks, part_colours
    from keyreid_train.ranking_sheets import ranking_sheets

    if not isinstance(network, KeyreidEmbedder):
        return page_text(record, ranking_sheets(searches, shown, hidden=hidden))
    model = network.loaded.model.eval()
    sheets = ranking_sheets(searches, shown, keyreid_looks(model), hidden=hidden)
    return page_text(record, sheets, part_colours(model.crop_spec))


def _print(record: ReidRecord) -> None:
    hidden = f"; {record.hidden} half of queries hidden" if record.hidden else ""
    placed = "keypoints" if record.keypoints else "no keypoints"
    ranked = "; re-ranked" if record.reranking else ""
    table = Table(
        "similarity",
        "rule",
        title=Text(f"{record.data}: {record.protocol}{hidden}"),
        caption=Text(
            f"{short_name(record.embedder.name)} {record.embedder.sha256[:12]}; {record.clips}; {placed}{ranked}; "
            f"{record.tracklets} tracklets; shares in percent"
        ),
    )
    for name in ("rank-1", "rank-5", "rank-10", "mAP", "queries"):
        table.add_column(name, justify="right")
    for row in record.rows:
        table.add_row(row.similarity, row.rule, *_cells(row))
    Console(width=max(Console().width, 120)).print(table)


def _cells(row: Row) -> list[str]:
    cells = []
    for name in ("rank1", "rank5", "rank10", "mean_average_precision"):
        spread = "" if row.deviations is None else f" ± {100 * getattr(row.deviations, name):.1f}"
        cells.append(f"{100 * getattr(row.figures, name):.1f}{spread}")
    asked = sum(part.asked for split in row.splits for part in split.parts)
    queries = row.figures.queries
    return [*cells, str(queries) if asked == queries else f"{queries} of {asked}"]


def _on_backend(embedder: str, device: str, backend: str, precision: str, calibration: Path | None) -> ClipEmbedder:
    """Keyreid weights on one of the backends of `keyreid track`."""
    from keyreid_engines.seam import EngineEncoders
    from keyreid_stream.config import deployment
    from keyreid_train.embedders.stages import StagesEmbedder

    kind, _, weights = embedder.partition(":")
    if kind != "keyreid":
        raise ConfigError(f"--backend is for keyreid weights, {embedder} runs by itself; leave --backend out")
    options = {"weights": weights, "device": device, "backend": backend, "precision": precision}
    folder = None if calibration is None else str(calibration)
    config = deployment({"model": options | {"calibration": folder}}).model
    engines = EngineEncoders(partial(typer.echo, err=True))
    described = backend if precision == "auto" else f"{backend} {precision}"
    return StagesEmbedder(weights, lambda loaded: engines(loaded, config), described)


def _device_name(device: str) -> str:
    import torch

    return f"{device} ({torch.cuda.get_device_name(device)})" if device.startswith("cuda") else device


def _versions(embedder: str) -> dict[str, str]:
    backend = _BACKENDS.get(embedder.partition(":")[0])
    return {package: version(package) for package in (*_PACKAGES, *([backend] if backend else []))}


def _check_note(embedder: str, network: Any) -> None:
    if not embedder.startswith("keyreid:"):
        raise InputError(f"--note: {embedder} has no card; only keyreid weights have")
    weights = network.loaded.card.weights
    if weights is None or weights.endswith(".pth"):
        raise InputError(f"--note: {embedder} has no .json beside it; import it first with keyreid weights import")


def _note(network: Any, record: ReidRecord) -> None:
    from keyreid_stream.evaluation.reid.record import CORRECT_RULE
    from keyreid_stream.models.weights import ScoredFigures, add_figures

    circumstances = [record.protocol, "keypoints" if record.keypoints else "no keypoints"]
    if record.hidden:
        circumstances.append(f"{record.hidden} half of queries hidden")
    if record.reranking:
        circumstances.append("re-ranked")
    figures = [
        ScoredFigures(
            data=record.data,
            protocol="; ".join([f"tracklet, {record.clips}", row.similarity, *circumstances]),
            values={
                "rank1": row.figures.rank1,
                "rank5": row.figures.rank5,
                "mAP": row.figures.mean_average_precision,
                "queries": row.figures.queries,
            },
        )
        for row in record.rows
        if row.rule == CORRECT_RULE
    ]
    add_figures(network.loaded.card.weights, figures)
