"""A small run's folder with its gallery, as `keyreid track` would leave it: two people, three tracks, hand-written."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from keyreid_stream.association import GalleryStore
from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.run_folder import SCHEMA
from keyreid_stream.sinks.events_jsonl import EventLine
from keyreid_stream.structures import Event, TrackKey
from tests.association.killed_run import CONFIG, SPACE
from tests.association.test_store import exemplar

BOX = (0.0, 0.0, 10.0, 30.0)
TRACKS = {TrackKey("door", 1): (1, 0.0, 2.0), TrackKey("hall", 1): (1, 4.0, 6.0), TrackKey("door", 2): (2, 1.0, 3.0)}
"""Of each track: who, and from when to when."""


def sighting(kind: str, identity_id: int, key: TrackKey, at_s: float, **more: object) -> Event:
    """An event about a track at a time; ten frames a second."""
    return Event(
        kind,  # type: ignore[arg-type]
        identity_id,
        at_s,
        camera_id=key.camera_id,
        track_id=key.track_id,
        frame_index=round(at_s * 10),
        box_xyxy=BOX,
        **more,  # type: ignore[arg-type]
    )


def make_run(folder: Path, gallery: Path | None = None, *, status: str = "finished") -> Path:
    """Make the run; returns its folder. With a gallery, that is made too."""
    folder.mkdir(parents=True)
    events, known = [], set()
    for key, (identity_id, first_s, last_s) in TRACKS.items():
        events.append(sighting("matched" if identity_id in known else "new", identity_id, key, first_s))
        known.add(identity_id)
        events += [sighting("seen", identity_id, key, last_s), Event("left", identity_id, 9.0, *key)]
        crop = folder / "crops" / key.camera_id / f"{key.track_id}_{round(first_s * 10)}.jpg"
        crop.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(crop), np.full((30, 12, 3), 40 * identity_id, np.uint8))
    lines = [EventLine.of(event).model_dump_json(by_alias=True) + "\n" for event in events]
    (folder / "events.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "tracks").mkdir()
    for camera_id in ("door", "hall"):
        rows = [f"1,{who},0,0,10,30,1,-1,-1,-1\n" for key, (who, *_) in TRACKS.items() if key.camera_id == camera_id]
        (folder / "tracks" / f"{camera_id}.txt").write_text("".join(rows), encoding="ascii")
    report = {
        "schema": SCHEMA,
        "status": status,
        "cameras": {camera_id: {"fps": 10.0, "frames": 60, "identities": [1, 2]} for camera_id in ("door", "hall")},
        "gallery": None if gallery is None else {"path": str(gallery), "known_before": 0},
    }
    (folder / "run.json").write_text(json.dumps(report), encoding="utf-8")
    if gallery is not None:
        _fill(gallery, folder)
    return folder


def _fill(path: Path, folder: Path) -> None:
    with GalleryStore(path, CONFIG, SPACE) as store, store.tick():
        store.begin_run(0.0, folder)
        gallery = store.gallery
        for _ in range(2):
            gallery.found(0.0)
        for seed, (key, (identity_id, first_s, last_s)) in enumerate(TRACKS.items()):
            gallery.add_track(identity_id, key)
            view = exemplar(seed).signature
            gallery.add_exemplar(identity_id, Exemplar(view, key.camera_id, 1, first_s, last_s))
