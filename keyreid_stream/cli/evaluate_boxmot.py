"""`keyreid eval boxmot`: our embedder in BoxMOT's own evaluation, beside others on the same boxes."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keyreid_stream.errors import ConfigError
from keyreid_stream.evaluation.scores_file import write_scores
from keyreid_stream.evaluation.tracking import MIN_VISIBILITY

# Networks and trackers take seconds to import, which the other commands of the group should not cost.
if TYPE_CHECKING:
    from keyreid_stream.tracking.benchmark import BenchmarkRecord, Entrant, PeopleFinder, Sequences

_WIDTH = 400
_SHARES = {"hota": "HOTA", "deta": "DetA", "assa": "AssA", "idf1": "IDF1", "mota": "MOTA"}
_COUNTS = {"idsw": "IDSW", "fp": "FP", "fn": "FN"}
_DETECTIONS = "truth, public or pose:WEIGHTS"

BOXMOTS_OWN = "boxmot:osnet_x0_25_msmt17.pt"
"""What BoxMOT tracks with unless told otherwise."""


def evaluate_boxmot(
    data: Annotated[Path, typer.Option(help="Folder with SEQUENCE/img1 and SEQUENCE/gt/gt.txt, there or in train.")],
    embedder: Annotated[
        str, typer.Option(help="keyreid:WEIGHTS (also with clips); or onnx:FILE, boxmot:NAME-OR-FILE.")
    ] = "keyreid:keyreid-tiny",
    baseline: Annotated[
        list[str] | None,
        typer.Option(help="Another embedder for the same boxes; may be repeated.", show_default=BOXMOTS_OWN),
    ] = None,
    tracker: Annotated[
        str, typer.Option(help="BoxMOT tracker that looks at people: botsort, deepocsort, …")
    ] = "deepocsort",
    detections: Annotated[str, typer.Option(help=f"Where boxes come from: {_DETECTIONS}.")] = "truth",
    sequence: Annotated[
        list[str] | None, typer.Option(help="Name of a sequence that counts; may be repeated; all if not given.")
    ] = None,
    imgsz: Annotated[int | None, typer.Option(help="With pose:WEIGHTS: detector input size.")] = None,
    min_visibility: Annotated[
        float, typer.Option(min=0, max=1, help="With truth: boxes only of people of whom so much can be seen.")
    ] = MIN_VISIBILITY,
    tracks: Annotated[Path | None, typer.Option(help="Also keep the tracks, in an empty or new folder.")] = None,
    out: Annotated[Path | None, typer.Option(help="Also write everything to this JSON file.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
) -> None:
    """Score embedders in BoxMOT's evaluation: same boxes, same tracker; ours by single crops, then by clips."""
    from keyreid_stream.tracking.benchmark import Benchmark, find_sequences, record_text

    sequences = find_sequences(data, tuple(sequence or ()))
    people = _people(detections, sequences, min_visibility, imgsz, device)
    benchmark = Benchmark(sequences, people, tracker.strip().lower(), keep_tracks=tracks, progress=_tell)
    entrants = [_entrant(name, device) for name in [embedder, *(baseline or [BOXMOTS_OWN])]]
    record = benchmark.run(entrants, command=shlex.join(["keyreid", *sys.argv[1:]]))
    if out is not None:
        write_scores(out, record_text(record))
    _print(record)


def _tell(words: str) -> None:
    typer.echo(words, err=True)


def _people(
    detections: str, sequences: Sequences, min_visibility: float, imgsz: int | None, device: str
) -> PeopleFinder:
    from keyreid_stream.tracking.benchmark import PublicBoxes, TrueBoxes
    from keyreid_stream.tracking.benchmark.people import DetectedPeople

    kind, _, weights = detections.partition(":")
    if kind != "pose" and imgsz is not None:
        raise ConfigError(f"--imgsz is the detector's, but boxes come from {detections!r}; leave it out")
    if detections == "truth":
        return TrueBoxes(sequences, min_visibility)
    if detections == "public":
        return PublicBoxes(sequences)
    if kind != "pose" or not weights:
        raise ConfigError(f"--detections {detections!r} is unknown; give {_DETECTIONS}")
    from keyreid_stream.config import deployment
    from keyreid_stream.models.weights import file_sha256
    from keyreid_stream.pose import UltralyticsPose

    given = {"weights": weights, "device": device} | ({} if imgsz is None else {"imgsz": imgsz})
    detector = UltralyticsPose(deployment({"pose": given}).pose)
    digest = f" {file_sha256(detector.weights)[:12]}" if detector.weights.is_file() else ""
    return DetectedPeople(detector, f"{detector.weights.name}{digest}")


def _entrant(text: str, device: str) -> Entrant:
    from keyreid_stream.tracking.benchmark import KeyReIDEntrant, PictureEntrant

    kind, _, what = text.partition(":")
    if kind == "keyreid" and what:
        from keyreid_stream.config import deployment
        from keyreid_stream.encoders.build import torch_encoders
        from keyreid_stream.models.load import load_model

        loaded = load_model(weights=what)
        encoder, clip_head = torch_encoders(loaded.model, deployment({"model": {"device": device}}).model)
        return KeyReIDEntrant(text, loaded.card.sha256, encoder, clip_head)
    from keyreid_train.embedders.choose import open_embedder
    from keyreid_train.embedders.interface import ClipImages

    network = open_embedder(text, device)
    return PictureEntrant(
        network.name,
        network.sha256,
        lambda pictures: network.embed([ClipImages((picture,), None) for picture in pictures]).vectors,
    )


def _print(record: BenchmarkRecord) -> None:
    named = "with keypoints" if record.keypoints else "no keypoints: parts see the whole body"
    table = Table(
        "embedder",
        "tracks match by",
        title=Text(f"{record.data}: {record.frames} frames, {record.boxes} boxes ({record.detections}; {named})"),
        caption=Text(
            f"{record.tracker}, tuned settings, scored by BoxMOT {record.versions['boxmot']}: all sequences as one, "
            "shares in percent"
        ),
    )
    for name in (*_SHARES.values(), *_COUNTS.values()):
        table.add_column(name, justify="right", no_wrap=True)
    for row in record.rows:
        kind, _, what = row.name.partition(":")
        table.add_row(
            Text(f"{kind}:{Path(what).name} {row.sha256[:12]}"),
            "clips, written back" if row.clips else "single crops",
            *(f"{100 * getattr(row.combined, name):.1f}" for name in _SHARES),
            *(str(getattr(row.combined, name)) for name in _COUNTS),
        )
    # Better wider than the terminal than squeezed: there the lines wrap, here numbers would go.
    whole = Console(width=_WIDTH).measure(table).maximum
    Console(width=max(Console().width, whole)).print(table)
