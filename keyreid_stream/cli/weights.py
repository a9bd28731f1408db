"""`keyreid weights`: list, fetch, import and show weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from keyreid_stream.errors import WeightsError
from keyreid_stream.models.card import model_card
from keyreid_stream.models.fetch import fetch
from keyreid_stream.models.known_weights import (
    MANIFEST_VARIABLE,
    SHIPPED,
    KnownWeights,
    imported_names,
    known_weights,
    published_origin,
    resolve_weights,
    shipped_names,
    weights_folder,
)
from keyreid_stream.models.weights import WeightsFile, file_sha256, load_weights

weights_app = typer.Typer(help="List, fetch, import and show weights.", no_args_is_help=True)

FolderOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--folder", help="Folder of weights. By default $KEYREID_HOME/weights, else in the user's cache."),
]
ManifestOption: TypeAlias = Annotated[
    Path | None, typer.Option("--manifest", envvar=MANIFEST_VARIABLE, help="JSON file with further known weights.")
]


@weights_app.command("list")
def list_weights(folder: FolderOption = None, manifest: ManifestOption = None) -> None:
    """List the weights that can be fetched, and those that are here."""
    folder = folder or weights_folder()
    known = known_weights(manifest)
    table = Table("name", "size", "format", "here", "where from", title=Text(f"Weights in {folder}"))
    for entry in known.values():
        here = "yes" if entry.is_in(folder) else "no"
        table.add_row(
            entry.name, _size(entry.size_bytes), entry.format, here, Text(entry.files[0].shown_url, overflow="fold")
        )
    for name in imported_names(folder):
        if name not in known or known[name].format == "published":
            size = (folder / f"{name}.safetensors").stat().st_size
            table.add_row(name, _size(size), "keyreid", "yes", "imported")
    for name in shipped_names():
        size = (SHIPPED / f"{name}.safetensors").stat().st_size
        table.add_row(name, _size(size), "keyreid", "yes", "comes with the package")
    Console().print(table)


@weights_app.command("fetch")
def fetch_weights(name: str, folder: FolderOption = None, manifest: ManifestOption = None) -> None:
    """Fetch known weights; a download that was interrupted is resumed. The last line is the path."""
    known = known_weights(manifest)
    if name not in known:
        raise WeightsError(f"unknown weights {name!r}; can be fetched: {', '.join(sorted(known))}")
    entry = known[name]
    typer.echo(f"{entry.name}: {entry.description}\nTerms: {entry.terms}", err=True)
    with _progress_bar() as bar:
        task = bar.add_task(entry.name, total=entry.size_bytes)
        path = fetch(entry, folder or weights_folder(), progress=lambda done, _: bar.update(task, completed=done))
    typer.echo(path)


@weights_app.command("import")
def import_file(
    file: Path,
    name: Annotated[str, typer.Option("--name", help="What the weights are to be called.")],
    untrained: Annotated[bool, typer.Option("--untrained", help="The checkpoint holds random parameters.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace weights of this name.")] = False,
    folder: FolderOption = None,
    manifest: ManifestOption = None,
) -> None:
    """Import a .safetensors file and its .json, or a published-layout .pth checkpoint. The last line is the path."""
    # Only this command builds a network, and so needs timm.
    from keyreid_stream.models.importing import import_weights

    imported = import_weights(
        file, name, folder or weights_folder(), known_weights(manifest), trained=not untrained, replace=replace
    )
    if imported.report is not None:
        typer.echo(imported.report)
    typer.echo(imported.weights.path)


@weights_app.command("show")
def show_weights(name_or_file: str, folder: FolderOption = None, manifest: ManifestOption = None) -> None:
    """Show what weights are: configuration, provenance, number of parameters, hash."""
    known = known_weights(manifest)
    folder = folder or weights_folder()
    if name_or_file in known and name_or_file not in imported_names(folder):
        _show_known(known[name_or_file], folder)
        return
    path = resolve_weights(name_or_file, folder=folder, manifest=manifest)
    if path.suffix == ".pth":
        _show_checkpoint(path, known)
    else:
        _show_pair(load_weights(path))


@weights_app.command("card")
def print_card(name_or_file: str, folder: FolderOption = None, manifest: ManifestOption = None) -> None:
    """Print the model card of weights as Markdown: what they are, data and terms, recipe, hardware, every figure."""
    path = resolve_weights(name_or_file, folder=folder or weights_folder(), manifest=manifest)
    if path.suffix == ".pth":
        raise WeightsError(
            f"{path} is a checkpoint in the published layout, which says nothing of itself; import it first: "
            f"keyreid weights import {path} --name NAME"
        )
    typer.echo(model_card(load_weights(path)), nl=False)


def _show_known(entry: KnownWeights, folder: Path) -> None:
    _show(entry.model_dump(mode="json", exclude={"files"}))
    for file in entry.files:
        _show(file.model_dump(mode="json") | {"url": file.shown_url})
    _show({"path": entry.path_in(folder) if entry.is_in(folder) else f"not here; keyreid weights fetch {entry.name}"})


def _show_checkpoint(path: Path, known: Mapping[str, KnownWeights]) -> None:
    sha256 = file_sha256(path)
    origin = published_origin(sha256, known)
    _show(
        {
            "path": path,
            "format": "published layout; keyreid weights import FILE --name NAME checks and converts it",
            "sha256": sha256,
            "known as": origin.name if origin else "not known",
        }
    )


def _show_pair(weights: WeightsFile) -> None:
    numbers = sum(tensor.numel() for tensor in weights.tensors.values() if tensor.is_floating_point())
    parameters = f"{numbers:,} (running statistics included)"
    _show({"path": weights.path, "sha256": weights.sha256, "parameters": parameters})
    _show(weights.config.model_dump(mode="json"), heading="config")
    _show(weights.provenance.model_dump(mode="json"), heading="provenance")


def _show(values: Mapping[str, object], heading: str = "") -> None:
    """One line per value; what is not stated is left out."""
    for label, value in values.items():
        if value in (None, "", [], {}):
            continue
        if label == "figures":  # a table in the card
            value = (
                f"{len(value)} tables; print them with: keyreid weights card NAME" if isinstance(value, list) else value
            )
        if isinstance(value, list):
            value = ", ".join(str(item) for item in value)
        if isinstance(value, dict):
            value = ", ".join(f"{key} {item}" for key, item in value.items())
        typer.echo(f"{f'{heading}.{label}' if heading else label:<26} {value}")


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"


def _progress_bar() -> Progress:
    # On stderr: stdout carries the path alone, for scripts.
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
