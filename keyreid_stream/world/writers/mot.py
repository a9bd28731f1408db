"""Truth as MOTChallenge sequences, one per camera."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self, TypeAlias

import numpy as np

from keyreid_stream.structures import FloatArray
from keyreid_stream.world.truth import FrameTruth, Shot
from keyreid_stream.world.writers.camera_path import camera_path
from keyreid_stream.world.writers.whole_file import write_text

BoxKind: TypeAlias = Literal["whole", "visible"]
"""Whole people, as MOT17 has them, or what can be seen of them, as most detectors give it."""

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

    A row of `gt.txt` is `frame,id,x,y,w,h,1,1,visibility`: frame from 1, id the person, the person's box in pixels,
    considered, a pedestrian, and the share of the person's pixels in the picture that can be seen. Fully hidden people
    have a row, of visibility 0, with their whole box.

    Args:
        folder: where the cameras' folders go.
        cameras: frames per second of every camera; each gets a sequence, even if it gives no frame.
        boxes: `whole` boxes go through occluders and beyond the edge, as in MOT17; `visible` ones hold the pixels that
            show the person.
    """

    def __init__(self, folder: Path, cameras: Mapping[str, float], *, boxes: BoxKind = "whole") -> None:
        self._folders = {camera_id: camera_path(folder, camera_id) for camera_id in cameras}
        self._fps = dict(cameras)
        self._boxes = boxes
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
        sequence.rows.write(_rows(shot.frame.frame_index + 1, shot.truth, self._boxes))


def _part(folder: Path) -> Path:
    return folder / "gt" / "gt.txt.part"


def _rows(frame: int, truth: FrameTruth, kind: BoxKind) -> str:
    boxes = truth.boxes_xyxy if kind == "whole" else _visible_boxes(truth)
    people = zip(truth.person_ids.tolist(), boxes.tolist(), truth.occlusion.tolist(), strict=True)
    return "".join(
        f"{frame},{person_id},{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},1,{_PEDESTRIAN},{1 - occlusion:.4f}\n"
        for person_id, (x1, y1, x2, y2), occlusion in people
    )


def _visible_boxes(truth: FrameTruth) -> FloatArray:
    """(K, 4); whole ones of people who are fully hidden, on whom a tracker may rightly wait."""
    return np.where(truth.visible_pixels[:, None] > 0, truth.visible_boxes_xyxy, truth.boxes_xyxy)


def _settings(camera_id: str, fps: float, sequence: _Sequence) -> str:
    return (
        f"[Sequence]\nname={camera_id}\nimDir=img1\nframeRate={fps:g}\nseqLength={sequence.frames}\n"
        f"imWidth={sequence.width}\nimHeight={sequence.height}\nimExt=.jpg\n"
    )
