"""Truth as MOTChallenge sequences, one per camera."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from keyreid_stream.world.truth import FrameTruth, Shot
from keyreid_stream.world.writers.camera_path import camera_path
from keyreid_stream.world.writers.whole_file import write_text

_PEDESTRIAN = 1
"""MOTChallenge's class of walking people; the only one that its tools score."""


@dataclass
class _Sequence:
    """A camera's sequence while it is written."""

    rows: IO[str]
    height: int = 0
    width: int = 0
    frames: int = 0


class MotTruthWriter:
    """Writes `<camera>/gt/gt.txt` and `<camera>/seqinfo.ini`.

    A row of `gt.txt` is `frame,id,x,y,w,h,1,1,visibility`: frame from 1, id the person, the whole person's box in
    pixels (through occluders and beyond the edge, as in MOT17), considered, a pedestrian, and the share of the
    person's pixels in the picture that can be seen. Fully hidden people have a row, of visibility 0.

    Args:
        folder: where the cameras' folders go.
        cameras: frames per second of every camera; each gets a sequence, even if it gives no frame.
    """

    def __init__(self, folder: Path, cameras: Mapping[str, float]) -> None:
        self._folders = {camera_id: camera_path(folder, camera_id) for camera_id in cameras}
        self._fps = dict(cameras)
        self._sequences: dict[str, _Sequence] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for camera_id, folder in self._folders.items():
            (folder / "gt").mkdir(parents=True, exist_ok=True)
            rows = self._stack.enter_context(_part(folder).open("w", encoding="ascii", newline="\n"))
            self._sequences[camera_id] = _Sequence(rows)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._stack.close()
        for camera_id, sequence in self._sequences.items():
            folder = self._folders[camera_id]
            write_text(folder / "seqinfo.ini", _settings(camera_id, self._fps[camera_id], sequence))
            _part(folder).replace(folder / "gt" / "gt.txt")

    def write(self, shot: Shot) -> None:
        """Append the shot's rows to its camera's sequence."""
        sequence = self._sequences[shot.frame.camera_id]
        sequence.height, sequence.width = shot.frame.image.shape[:2]
        sequence.frames = shot.frame.frame_index + 1
        sequence.rows.write(_rows(shot.frame.frame_index + 1, shot.truth))


def _part(folder: Path) -> Path:
    return folder / "gt" / "gt.txt.part"


def _rows(frame: int, truth: FrameTruth) -> str:
    people = zip(truth.person_ids.tolist(), truth.boxes_xyxy.tolist(), truth.occlusion.tolist(), strict=True)
    return "".join(
        f"{frame},{person_id},{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},1,{_PEDESTRIAN},{1 - occlusion:.4f}\n"
        for person_id, (x1, y1, x2, y2), occlusion in people
    )


def _settings(camera_id: str, fps: float, sequence: _Sequence) -> str:
    return (
        f"[Sequence]\nname={camera_id}\nimDir=img1\nframeRate={fps:g}\nseqLength={sequence.frames}\n"
        f"imWidth={sequence.width}\nimHeight={sequence.height}\nimExt=.jpg\n"
    )
