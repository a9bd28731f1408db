"""The files of runs over HTTP: to a visitor, of the run that they look at, and from nowhere else."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, Response

from keyreid_demos.people import Person
from keyreid_demos.visits import Visits
from keyreid_stream.errors import InputError

PREFIX = "/keyreid/files"
PEOPLE = "/keyreid/people"

SHOWN = (
    "run.json",
    "events.jsonl",
    "decisions.jsonl",
    "sightings.parquet",
    "scores.json",
    "report.html",
    "gallery.jpg",
    "floor_map.png",
    "tracks/*.txt",
    "videos/*.mp4",
    "crops/*/*.jpg",
)
"""What of a run can be fetched; nothing else in its folder is a run's output."""


def run_file(folder: Path, name: str) -> Path:
    """A file of a run by its name in the run's folder, `/` between the parts.

    Raises:
        InputError: there is no such file, it is no output of a run, or it lies elsewhere.
    """
    refused = InputError(f"{name[:200]!r} is no file of this run")
    if "\0" in name or "\\" in name:
        raise refused
    wanted = PurePosixPath(name)
    if wanted.is_absolute() or ".." in wanted.parts or not any(_fits(wanted, pattern) for pattern in SHOWN):
        raise refused
    path = folder.joinpath(*wanted.parts)
    # A link in the folder may lead out of it.
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise refused
    return path


def address_of(token: str, folder: Path, path: Path) -> str:
    """Where a visitor's browser finds a file of their run."""
    from urllib.parse import quote

    return f"{PREFIX}/{token}/{quote(path.relative_to(folder).as_posix())}?v={path.stat().st_mtime_ns}"


def files_router(visits: Visits) -> APIRouter:
    """The route that serves them."""
    router = APIRouter()

    @router.get(PREFIX + "/{token}/{name:path}")
    def file(token: str, name: str) -> FileResponse:
        try:
            run = visits.open_run(token)
            if run is None:
                raise InputError("no run is looked at")
            path = run_file(run.folder, name)
        except InputError as error:
            raise HTTPException(404, str(error)) from None
        # `X-Content-Type-Options`: a run's report must not be taken for anything else; nobody keeps copies.
        headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
        if path.suffix == ".html":
            headers["Content-Security-Policy"] = "sandbox allow-scripts"
        return FileResponse(path, headers=headers)

    @router.get(PEOPLE + "/{token}")
    def people(token: str) -> Response:
        try:
            run = visits.open_run(token)
            if run is None:
                raise InputError("no run is looked at")
            content = people_table(run.people())
        except InputError as error:
            raise HTTPException(404, str(error)) from None
        headers = {
            "Cache-Control": "private, no-store",
            "Content-Disposition": f'attachment; filename="{run.name}-people.csv"',
        }
        return Response(content, media_type="text/csv; charset=utf-8", headers=headers)

    return router


def people_table(people: Iterable[Person]) -> str:
    """Who was seen where and when, as known now: CSV, a line a sighting, seconds of the run's clock."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["identity_id", "name", "camera_id", "track_id", "first_frame", "first_s", "last_s"])
    for person in people:
        for one in person.sightings:
            seen = (one.first_frame, round(one.first_s, 3), round(one.last_s, 3))
            table.writerow([person.identity_id, _cell(person.name), one.key.camera_id, one.key.track_id, *seen])
    return text.getvalue()


def _cell(text: str) -> str:
    """Spreadsheets take what begins like a formula for one."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _fits(wanted: PurePosixPath, pattern: str) -> bool:
    return len(wanted.parts) == len(PurePosixPath(pattern).parts) and wanted.match(pattern)
