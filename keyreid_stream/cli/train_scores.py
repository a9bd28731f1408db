"""`keyreid train ablate`: figures of finished weights, each time with something else taken away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer
from rich.console import Console
from rich.table import Table

from keyreid_stream.cli.train_data import DataOption, data_folders
from keyreid_stream.errors import InputError

if TYPE_CHECKING:
    from keyreid_train.data.structures import TrackletSet

SetName: TypeAlias = Annotated[str, typer.Option("--set-name", help="Which data set.")]
KeypointsOption: TypeAlias = Annotated[
    Path | None, typer.Option(help="Folder with DATASET.npz of `prepare`; without, parts see the whole body.")
]


def ablate(
    weights: Annotated[list[str], typer.Argument(help="Weights files or names; several are compared.")],
    data: DataOption = None,
    data_set: SetName = "cuhk03-val",
    keypoints: KeypointsOption = None,
    out: Annotated[Path | None, typer.Option(help="Also write ablation.json and ablation.md to this folder.")] = None,
) -> None:
    """Score weights with clips of 1, 2 and 4, without parts, without keypoints, and with half of the query hidden."""
    from keyreid_stream.models.load import load_model
    from keyreid_train.ablation import Ablation, ablation_record, ablation_tables, table_columns, table_lines
    from keyreid_train.ablation import ablate as ablate_model

    if out is not None and out.exists() and not out.is_dir():
        raise InputError(f"--out {out} is not a folder; choose a folder")
    loaded = [load_model(weights=one) for one in weights]  # before the work: a wrong name must not cost minutes
    tracklets = _tracklets(data, data_set, keypoints)
    ablations = []
    for name, one in zip(weights, loaded, strict=True):
        rows = tuple(ablate_model(one.model, tracklets))
        ablations.append(Ablation(name, one.card.sha256, one.model.config.frames, rows))
        table = Table("rank-1 / mAP, %", *table_columns(), title=name)
        for entries, figures in table_lines(rows):
            table.add_row(entries, *figures)
        Console().print(table)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        placed = any(one.keypoints is not None for one in tracklets.tracklets)
        record = ablation_record(ablations, data_set, keypoints=placed)
        (out / "ablation.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        (out / "ablation.md").write_text(ablation_tables(ablations, data_set, keypoints=placed), encoding="utf-8")
        typer.echo(out / "ablation.md")


def _tracklets(data: list[str] | None, data_set: str, keypoints: Path | None) -> TrackletSet:
    from keyreid_train.assembly import load_set
    from keyreid_train.data.keypoints import with_keypoints

    root, folders = data_folders(data)
    tracklets = load_set(data_set, root, folders)
    return tracklets if keypoints is None else with_keypoints(tracklets, keypoints / f"{data_set}.npz")
