"""`keyreid gallery`: the people that are known, and why they are who they are."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keyreid_stream.association.entries import Entry
from keyreid_stream.association.erasing import forget as forget_in_gallery
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.association.store import GalleryStore
from keyreid_stream.cli.explain import explain
from keyreid_stream.cli.gallery_search import search
from keyreid_stream.errors import InputError, KeyReIDError
from keyreid_stream.run_erasure import RunErasure, erase_from_run

gallery_app = typer.Typer(help="People who are known, and why they are who they are.", no_args_is_help=True)

GalleryOption: TypeAlias = Annotated[Path, typer.Option("--gallery", help="The file of `keyreid track --gallery`.")]
IdArgument: TypeAlias = Annotated[int, typer.Argument(metavar="ID", help="An identity's number.")]

_UNITS_S = {"m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_AGE = re.compile(r"(\d+(?:\.\d+)?)([mhdw])")
_EXPORT_SCHEMA = "keyreid.gallery/1"


@gallery_app.callback()
def gallery() -> None:
    """People who are known, and why they are who they are."""


gallery_app.command("explain")(explain)
gallery_app.command("search")(search)


@gallery_app.command("list")
def list_people(file: GalleryOption) -> None:
    """List everybody, with when and where they were seen."""
    with GalleryStore(file, must_exist=True) as store:
        known_cameras = [camera for _, entry in store.gallery.entries() for camera in _cameras(entry)]
        table = Table("id", box=None)
        table.add_column("name", no_wrap=True)
        table.add_column("first seen", no_wrap=True)
        table.add_column("last seen", no_wrap=True)
        table.add_column("cameras", overflow="fold", min_width=max(map(len, known_cameras), default=0))
        for title in ("tracks", "views", "merged in"):
            table.add_column(title)
        for identity_id, entry in store.gallery.entries():
            table.add_row(
                str(identity_id),
                Text(entry.name),
                _when(store, entry.first_seen_s),
                _when(store, entry.last_seen_s),
                Text(", ".join(_cameras(entry))),
                str(len(entry.tracks)),
                str(len(entry.exemplars)),
                ", ".join(str(one) for one in sorted(entry.ids - {identity_id})),
            )
        Console().print(table)
        typer.echo(f"{len(store.gallery)} people, {len(store.runs())} runs")


@gallery_app.command()
def show(identity: IdArgument, file: GalleryOption) -> None:
    """Show what is known of somebody: views with their numbers, tracks, and what was merged."""
    with GalleryStore(file, must_exist=True) as store:
        identity, entry = _found(store.gallery, identity)
        head = f"{identity} {entry.name}".strip()
        typer.echo(f"{head}: seen {_when(store, entry.first_seen_s)} to {_when(store, entry.last_seen_s)}")
        if entry.member.merged:
            typer.echo(f"can be split off again: {', '.join(str(one.identity_id) for one in entry.member.merged)}")
        views = Table("view", "camera", "clips", "first seen", "last seen")
        for number, one in enumerate(entry.exemplars):
            seen = _when(store, one.first_s), _when(store, one.last_s)
            views.add_row(str(number), Text(one.camera_id), str(one.clips), *seen)
        Console().print(views)
        folders = {run.number: run.folder for run in store.runs()}
        tracks = Table("run", "folder", "camera", "track")
        for track in entry.tracks:
            folder = folders.get(track.run)
            tracks.add_row(str(track.run), Text(str(folder or "")), Text(track.key.camera_id), str(track.key.track_id))
        Console().print(tracks)


@gallery_app.command()
def merge(kept: IdArgument, gone: IdArgument, file: GalleryOption) -> None:
    """Say that two are one person; the first number stays. `split` undoes it."""
    with _changing(file) as known:
        known.merge(kept, gone)
    typer.echo(f"{gone} is {kept} now")


@gallery_app.command()
def split(
    identity: IdArgument,
    file: GalleryOption,
    exemplars: Annotated[
        str | None, typer.Option(metavar="LIST", help="Views, as `show` numbers them, that are somebody else: 2,5.")
    ] = None,
) -> None:
    """Take out whom was merged in last, or some views as a new person; both are known to be different from then on."""
    numbers = None if exemplars is None else _numbers(exemplars)
    with _changing(file) as known:
        other = known.unmerge(identity) if numbers is None else known.detach(identity, numbers)
        known.set_apart(identity, other)
    typer.echo(f"{other} is not {identity} any more")


@gallery_app.command()
def name(
    identity: IdArgument, text: Annotated[str, typer.Argument(help="What to call them.")], file: GalleryOption
) -> None:
    """Give somebody a name; an empty one takes it away."""
    with _changing(file) as known:
        known.name(identity, text)
    typer.echo(f"{identity} is called {text!r}" if text else f"{identity} has no name")


@gallery_app.command()
def export(
    file: GalleryOption,
    out: Annotated[
        Path | None, typer.Option(help="A JSON file that does not exist yet; without it, the terminal.")
    ] = None,
    embeddings: Annotated[
        bool, typer.Option("--embeddings", help="With the numbers that people are recognised by.")
    ] = False,
) -> None:
    """Write everything that is known as JSON."""
    with GalleryStore(file, must_exist=True) as store:
        text = json.dumps(_exported(store, embeddings=embeddings), indent=2, allow_nan=False)
    if out is None:
        typer.echo(text)
        return
    try:
        with out.open("x", encoding="utf-8") as opened:
            out.chmod(0o600)
            opened.write(text + "\n")
    except OSError as error:
        raise InputError(
            f"--out {out} cannot be written ({error.strerror}); give a file that does not exist yet"
        ) from None
    typer.echo(str(out))


@gallery_app.command()
def forget(
    identity: IdArgument,
    file: GalleryOption,
    run: Annotated[
        list[Path] | None,
        typer.Option("--run", help="A run's folder that was moved since; those known are searched anyway."),
    ] = None,
) -> None:
    """Erase somebody: from the gallery, its log, and the folders of its runs; then search for what may be left."""
    with GalleryStore(file, must_exist=True) as store:
        identity, _ = _found(store.gallery, identity)
        ids = dict(store.gallery.entries())[identity].ids
        folders = [known.folder for known in store.runs() if known.folder is not None]
        here = sorted({folder for folder in (*folders, *(run or [])) if folder.is_dir()})
        gone = sorted({folder for folder in folders if not folder.is_dir()})
        # Runs first: as long as the gallery knows the person, a failure here can be mended by doing it again.
        runs = [erase_from_run(folder, ids) for folder in here]
        erased = forget_in_gallery(store, identity)
    for one in runs:
        typer.echo(_told(one))
    for folder in gone:
        typer.echo(f"{folder}: not found; if it was moved, erase with --run, else nothing is left to do")
    size = sum(erased.searched.values())
    if erased.traces:
        raise KeyReIDError(f"{erased.traces} traces of {identity} are left in {file}; delete the file, and report this")
    typer.echo(
        f"{', '.join(map(str, erased.ids))} forgotten: {erased.exemplars} views erased; "
        f"no trace of them in {size} bytes of {', '.join(path.name for path in erased.searched)}"
    )


@gallery_app.command()
def prune(
    file: GalleryOption,
    older_than: Annotated[str, typer.Option(metavar="AGE", help="Such as 12h, 30d or 8w.")],
    camera: Annotated[str | None, typer.Option(help="Only views of this camera; people stay.")] = None,
) -> None:
    """Drop views older than this, and people unseen for longer."""
    age_s = _seconds(older_than)
    with GalleryStore(file, must_exist=True) as store:
        before_s = time.time() - (store.created_utc_s or 0.0) - age_s
        known = len(store.gallery)
        with store.tick():
            changed = store.gallery.prune(before_s, camera)
        store.rewrite()
        gone = known - len(store.gallery)
    typer.echo(f"{gone} people dropped, {changed - gone} lost views")


@contextmanager
def _changing(file: Path) -> Iterator[Gallery]:
    with GalleryStore(file, must_exist=True) as store, store.tick():
        yield store.gallery


def _found(known: Gallery, identity_id: int) -> tuple[int, Entry]:
    """Somebody by any id they went by."""
    holder = known.holder(identity_id)
    if holder is None:
        raise InputError(
            f"there is no identity {identity_id} in the gallery; `keyreid gallery list` names those there are"
        )
    return holder, dict(known.entries())[holder]


def _when(store: GalleryStore, seconds: float) -> str:
    moment = datetime.fromtimestamp((store.created_utc_s or 0.0) + seconds, UTC)
    return moment.strftime("%Y-%m-%d %H:%M")


def _cameras(entry: Entry) -> list[str]:
    return sorted({track.key.camera_id for track in entry.tracks} | {one.camera_id for one in entry.exemplars})


def _numbers(text: str) -> list[int]:
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() for word in words):
        raise InputError(f"--exemplars {text!r} is no list of numbers; write them with commas, such as 2,5")
    return [int(word) for word in words]


def _seconds(text: str) -> float:
    age = _AGE.fullmatch(text.strip())
    if age is None:
        raise InputError(f"--older-than {text!r} is no age; write a number and m, h, d or w, such as 30d")
    return float(age[1]) * _UNITS_S[age[2]]


def _exported(store: GalleryStore, *, embeddings: bool) -> dict[str, Any]:
    space = store.space
    return {
        "schema": _EXPORT_SCHEMA,
        "model": None if space is None else {"name": space.model, "sha256": space.sha256},
        "identities": [
            {
                "identity_id": identity_id,
                "name": entry.name,
                "first_seen": _when(store, entry.first_seen_s),
                "last_seen": _when(store, entry.last_seen_s),
                "also": sorted(entry.ids - {identity_id}),
                "tracks": [[track.run, track.key.camera_id, track.key.track_id] for track in entry.tracks],
                "views": [
                    {
                        "camera_id": one.camera_id,
                        "clips": one.clips,
                        "first_seen": _when(store, one.first_s),
                        "last_seen": _when(store, one.last_s),
                    }
                    | (
                        {
                            "vector": one.signature.vectors[0].tolist(),
                            "visibility": one.signature.visibility[0].tolist(),
                        }
                        if embeddings
                        else {}
                    )
                    for one in entry.exemplars
                ],
            }
            for identity_id, entry in store.gallery.entries()
        ],
    }


def _told(one: RunErasure) -> str:
    erased = f"{one.events} events, {one.rows} rows, {one.crops} crops, {one.decisions} decisions erased"
    left = ", ".join(str(path.relative_to(one.folder)) for path in one.remaining)
    return f"{one.folder}: {erased}" + (f"; may still show them, delete or make anew: {left}" if left else "")
