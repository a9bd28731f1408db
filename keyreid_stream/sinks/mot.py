"""Tracks as MOTChallenge text, one file per camera, under the identities that hold at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self

from keyreid_stream.errors import InputError
from keyreid_stream.sinks.camera_files import camera_file
from keyreid_stream.sinks.identity_replay import IdentityReplay
from keyreid_stream.structures import CameraTick, Tick, TrackKey


class MotSink:
    """Writes `<camera>.txt`: `frame,id,x,y,w,h,conf,-1,-1,-1` a line, frame from 1, id the identity, box in pixels.

    Which identity a track has is decided after its first frames and may be revised, so rows wait in `<camera>.txt.part`
    under their track's id; when the sink closes they are written under the final identity. Rows of tracks that have
    none in the end are left out and counted in `undecided_rows`. Tools refuse an id twice in one frame: if two tracks
    of one camera end up as one identity, a frame's more confident row stays; the others are counted in
    `duplicate_rows`.

    Args:
        folder: where the files go.
        cameras: cameras that get a file, if an empty one, even when they give no frame.
        replay: who tracks show that began before; by default nobody knows.
    """

    def __init__(
        self, folder: str | Path, cameras: Iterable[str] = (), *, replay: IdentityReplay | None = None
    ) -> None:
        self.undecided_rows = 0
        self.duplicate_rows = 0
        self._folder = Path(folder)
        self._paths = {camera_id: camera_file(self._folder, camera_id, ".txt") for camera_id in cameras}
        self._parts: dict[str, IO[str]] = {}
        self._replay = replay or IdentityReplay()
        self._stack = ExitStack()
        self._is_open = False

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        for camera_id in self._paths:
            self._open_part(camera_id)
        self._is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._is_open = False
        self._stack.__exit__(kind, error, trace)

    def write(self, tick: Tick) -> None:
        """Take the tick's tracks and events.

        Raises:
            InputError: the sink is not open, a camera's name cannot be a file's, or an event lacks what its kind needs.
        """
        if not self._is_open:
            raise InputError("the track files are not open; write to them inside `with MotSink(...)`")
        for event in tick.events:
            self._replay.apply(event)
        for camera in tick.cameras:
            part = self._parts.get(camera.frame.camera_id) or self._open_part(camera.frame.camera_id)
            part.write("".join(f"{row}\n" for row in _rows_by_track(camera)))

    def _open_part(self, camera_id: str) -> IO[str]:
        path = self._paths.setdefault(camera_id, camera_file(self._folder, camera_id, ".txt"))
        part = _part(path).open("w", encoding="ascii", newline="\n")
        # Each camera on its own, after its part is closed: one that fails does not keep the others from their files.
        self._stack.callback(self._resolve, camera_id)
        self._parts[camera_id] = self._stack.enter_context(part)
        return part

    def _resolve(self, camera_id: str) -> None:
        """Rewrite a camera's waiting rows under their identities, and put the whole file in place at once."""
        path = self._paths[camera_id]
        resolved = path.with_name(path.name + ".resolved.part")
        with _part(path).open(encoding="ascii") as part, resolved.open("w", encoding="ascii", newline="\n") as out:
            for _, rows in groupby(map(_Row.parse, part), key=lambda row: row.frame):
                out.writelines(f"{row}\n" for row in self._decided(camera_id, rows))
        resolved.replace(path)
        _part(path).unlink()

    def _decided(self, camera_id: str, rows: Iterable[_Row]) -> Iterable[_Row]:
        """A frame's rows under their identities, one per identity."""
        by_identity: dict[int, _Row] = {}
        for row in rows:
            identity_id = self._replay.identity_at(TrackKey(camera_id, row.id), row.frame - 1)
            if identity_id is None:
                self.undecided_rows += 1
                continue
            if (rival := by_identity.get(identity_id)) is not None:
                self.duplicate_rows += 1
                if rival.confidence >= row.confidence:
                    continue
            by_identity[identity_id] = row._replace(id=identity_id)
        return by_identity.values()


class _Row(NamedTuple):
    """A line of a MOT file; `box` is its `x,y,w,h` as written."""

    frame: int
    id: int
    box: str
    confidence: float

    @classmethod
    def parse(cls, line: str) -> _Row:
        frame, id_, x, y, width, height, confidence, *_ = line.split(",")
        return cls(int(frame), int(id_), f"{x},{y},{width},{height}", float(confidence))

    def __str__(self) -> str:
        return f"{self.frame},{self.id},{self.box},{self.confidence:.4f},-1,-1,-1"


def _rows_by_track(camera: CameraTick) -> Iterator[_Row]:
    tracks = camera.tracks
    for track_id, (x1, y1, x2, y2), confidence in zip(
        tracks.track_ids.tolist(), tracks.boxes_xyxy.tolist(), tracks.confidence.tolist(), strict=True
    ):
        box = f"{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f}"
        yield _Row(camera.frame.frame_index + 1, track_id, box, confidence)


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")
