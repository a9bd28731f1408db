"""Erasing people from the folder of a finished run."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from keyreid_stream.association import forget_decisions
from keyreid_stream.errors import InputError
from keyreid_stream.sinks import crops_by_identity, read_events
from keyreid_stream.sinks.events_jsonl import EventLine, event_pieces
from keyreid_stream.structures import Event, TrackKey

_SHOWING = (
    "videos/*.mp4",
    "videos/*/*.mp4",
    "gallery.jpg",
    "floor_map.png",
    "report.html",
    "tracks/*.part",
    "tracks/*/*.part",
    "videos/*.part*",
    "videos/*/*.part*",
    "sightings.parquet*",
    "sightings/*.parquet*",
    "publish/*.spool",
)
"""What may show a person and cannot be erased for one person alone."""


@dataclass(frozen=True, slots=True)
class RunErasure:
    """What was erased from a run's folder.

    Attributes:
        folder: the run's.
        events: event lines taken out or changed.
        rows: of track files.
        crops: pictures.
        decisions: records taken out or changed.
        remaining: files that may still show the person: delete them, or make the run again.
    """

    folder: Path
    events: int = 0
    rows: int = 0
    crops: int = 0
    decisions: int = 0
    remaining: tuple[Path, ...] = ()


def erase_from_run(folder: Path, identity_ids: Collection[int]) -> RunErasure:
    """Erase people from a run: events, rows of track files, crops and decisions.

    Of the event log, lines about them go; one `forgotten` line a person stays at its end. Where a track showed somebody
    else before or after, one bare line keeps the place from which on it is nobody. Rows of track files are dropped. The
    old content of every file is overwritten.

    Raises:
        InputError: a file of the run is damaged.
    """
    ids = frozenset(identity_ids)
    log = folder / "events.jsonl"
    pieces = event_pieces(log)
    events = list(read_events(log, partial=True)) if pieces or log.is_file() else []
    ids |= _merged_into(ids, events)
    if not any(_names(event, ids) for event in events):
        return RunErasure(folder)
    crops = [
        crop.path for i, found in crops_by_identity(folder / "crops", events).items() if i in ids for crop in found
    ]
    for path in crops:
        _blank(path)
        path.unlink()
    rows = sum(_drop_rows(path, ids) for path in sorted((folder / "tracks").rglob("*.txt")))
    decisions = folder / "decisions.jsonl"
    records = forget_decisions(decisions, ids) if decisions.is_file() else 0
    _forget_in_report(folder / "run.json", ids)
    kept = list(_without(events, ids))
    # Of a log in pieces, the first takes up all that is kept.
    _rewrite(
        pieces[0] if pieces else log,
        "".join(EventLine.of(event).model_dump_json(by_alias=True) + "\n" for event in kept),
    )
    for path in pieces[1:]:
        _blank(path)
        path.unlink()
    changed = sum(_names(event, ids) for event in events)
    remaining = tuple(sorted(path for pattern in _SHOWING for path in folder.glob(pattern)))
    return RunErasure(folder, changed, rows, len(crops), records, remaining)


def _merged_into(ids: frozenset[int], events: list[Event]) -> frozenset[int]:
    """Everyone who was merged into these in the run."""
    found = set(ids)
    for event in reversed(events):
        if event.kind == "merged" and event.identity_id in found and event.other_identity_id is not None:
            found.add(event.other_identity_id)
    return frozenset(found)


def _names(event: Event, ids: frozenset[int]) -> bool:
    return event.identity_id in ids or event.other_identity_id in ids


def _without(events: list[Event], ids: frozenset[int]) -> Iterator[Event]:
    """The events without these people, so that their tracks are nobody's and all others' stay whose they are."""
    others = {_track(event) for event in events if event.identity_id not in ids and event.track_id is not None}
    told = {event.identity_id for event in events if event.kind == "forgotten"}
    forgotten: set[int] = set()
    end_s = max((event.timestamp_s for event in events), default=0.0)
    for event in events:
        if event.kind == "forgotten":
            yield event  # somebody erased before
        elif event.identity_id in ids:
            forgotten.add(event.identity_id)
            if event.kind in ("new", "matched", "split") and _track(event) in others:
                yield Event(
                    "matched",
                    event.identity_id,
                    end_s,
                    camera_id=event.camera_id,
                    track_id=event.track_id,
                    first_frame=event.first_frame,
                )
        elif event.other_identity_id not in ids:
            yield event
        elif event.kind != "merged":
            yield replace(event, other_identity_id=None)
    yield from (Event("forgotten", identity_id, end_s) for identity_id in sorted(forgotten - told))


def _track(event: Event) -> TrackKey:
    return TrackKey(event.camera_id or "", event.track_id or 0)


def _drop_rows(path: Path, ids: frozenset[int]) -> int:
    lines = path.read_text(encoding="ascii").splitlines(keepends=True)
    try:
        kept = [line for line in lines if int(line.split(",")[1]) not in ids]
    except (IndexError, ValueError) as error:
        raise InputError(f"{path} is no track file of a run; restore it, or delete it") from error
    if len(kept) < len(lines):
        _rewrite(path, "".join(kept))
    return len(lines) - len(kept)


def _forget_in_report(path: Path, ids: frozenset[int]) -> None:
    """Take people out of the cameras' lists in `run.json`."""
    if not path.is_file():
        return
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for camera in report.get("cameras", {}).values():
            camera["identities"] = [one for one in camera["identities"] if one not in ids]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(f"{path} is damaged; restore it, or delete the run's folder") from error
    _rewrite(path, json.dumps(report, indent=2, allow_nan=False) + "\n")


def _rewrite(path: Path, text: str) -> None:
    """Put a new content in a file's place; the old one is overwritten, that it does not stay as free space."""
    unfinished = path.with_name(path.name + ".erasing")
    with unfinished.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    with path.open("r+b") as old:
        size = path.stat().st_size
        unfinished.replace(path)
        _zero(old.fileno(), size)


def _blank(path: Path) -> None:
    with path.open("r+b") as file:
        _zero(file.fileno(), path.stat().st_size)


def _zero(descriptor: int, size: int) -> None:
    for start in range(0, size, 1 << 20):
        os.pwrite(descriptor, bytes(min(1 << 20, size - start)), start)
    os.fsync(descriptor)
