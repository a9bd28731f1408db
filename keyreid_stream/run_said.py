"""What a run said of every box: in the very frame that it is of, and at the end. From its folder, after the fact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.evaluation.boxes import ResultBoxes, iou
from keyreid_stream.evaluation.mot_files import read_results, result_files
from keyreid_stream.evaluation.said import NOBODY, SaidBoxes
from keyreid_stream.sinks import read_events
from keyreid_stream.sinks.identity_replay import IdentityReplay
from keyreid_stream.structures import Event, IntArray, TrackKey

_Track: TypeAlias = int
_UNKNOWN: _Track = -1

_BOX_ROUNDING_PX = 0.021
"""Events and track files round boxes to hundredths of a pixel, by corners and by sizes."""

_TIME_ROUNDING_S = 1e-5


def said_in_run(folder: Path, fps: Mapping[str, float]) -> dict[str, SaidBoxes]:
    """Every box in a run's track files, with who it showed by the event log as it stood in that frame.

    Track files have final identities and no track numbers. Which track a row is of is found again from events, which
    have both and a box: rows of one camera and identity between two events of one track are that track's; between
    events of different tracks, the change is where most frames are missing or, if none are, where the box jumps most.
    The log as it stood in a frame holds the events of that camera up to it, and what other cameras' events and
    revisions say up to its time, which is exact to a tick.

    Args:
        folder: the run's.
        fps: frames per second of each camera, for the times of frames before its first and after its last event.

    Raises:
        InputError: a file is missing or damaged.
    """
    events = list(read_events(folder / "events.jsonl"))
    results = {name: read_results(path) for name, path in result_files(folder / "tracks").items()}
    return said_of_boxes(events, results, fps)


def said_of_boxes(
    events: Sequence[Event], results: Mapping[str, ResultBoxes], fps: Mapping[str, float]
) -> dict[str, SaidBoxes]:
    """As `said_in_run`, from events and boxes; frames of the boxes count from 1, those of events from 0."""
    final = IdentityReplay()
    for event in events:
        final.apply(event)
    tracks = {name: _tracks(name, boxes, events, final) for name, boxes in results.items()}
    online = {name: np.full(len(boxes), NOBODY, np.int64) for name, boxes in results.items()}
    asked = [
        (time_s, name, row)
        for name, boxes in results.items()
        for row, time_s in enumerate(_times(boxes, events, name, fps.get(name, 1.0)).tolist())
        if tracks[name][row] != _UNKNOWN
    ]
    replay, due_s, applied = IdentityReplay(), _effective_times(events), 0
    for time_s, name, row in sorted(asked):
        while applied < len(events) and due_s[applied] <= time_s + _TIME_ROUNDING_S:
            replay.apply(events[applied])
            applied += 1
        key = TrackKey(name, int(tracks[name][row]))
        online[name][row] = replay.identity_at(key, int(results[name].frames[row]) - 1) or NOBODY
    return {name: SaidBoxes(boxes, online[name]) for name, boxes in results.items()}


def _effective_times(events: Sequence[Event]) -> NDArray[np.float64]:
    """When each event of a log holds, and all before it.

    Within a tick, cameras' frames differ a little in time; no event may wait for a later one before it.
    """
    times_s = np.array([event.timestamp_s for event in events])
    due_s: NDArray[np.float64] = np.minimum.accumulate(times_s[::-1])[::-1]
    return due_s


def _times(boxes: ResultBoxes, events: Sequence[Event], camera_id: str, fps: float) -> NDArray[np.float64]:
    """(N,) seconds on the camera's clock: those of its events, and between and around them at an even pace."""
    known = {
        event.frame_index + 1: event.timestamp_s
        for event in events
        if event.camera_id == camera_id and event.frame_index is not None
    }
    if not known:
        return np.zeros(len(boxes))
    frames = np.array(sorted(known))
    times_s = np.array([known[frame] for frame in frames.tolist()])
    inside = np.interp(boxes.frames, frames, times_s)
    before, after = np.minimum(boxes.frames - frames[0], 0), np.maximum(boxes.frames - frames[-1], 0)
    found: NDArray[np.float64] = inside + (before + after) / fps
    return found


def _tracks(camera_id: str, boxes: ResultBoxes, events: Sequence[Event], final: IdentityReplay) -> IntArray:
    """(N,) the track that each row is of; `_UNKNOWN` where no event has a box of its identity."""
    marked = _marked_rows(camera_id, boxes, events, final)
    tracks = np.full(len(boxes), _UNKNOWN, np.int64)
    for identity_id in np.unique(boxes.ids).tolist():
        rows = np.flatnonzero(boxes.ids == identity_id)
        rows = rows[np.argsort(boxes.frames[rows], kind="stable")]
        tracks[rows] = _between_marks(boxes, rows, [marked.get(row, _UNKNOWN) for row in rows.tolist()])
    return tracks


def _marked_rows(
    camera_id: str, boxes: ResultBoxes, events: Sequence[Event], final: IdentityReplay
) -> dict[int, _Track]:
    """Rows that are an event's sighting: of its frame, its track's identity and its box."""
    row_of = {pair: row for row, pair in enumerate(zip(boxes.frames.tolist(), boxes.ids.tolist(), strict=True))}
    marked: dict[int, _Track] = {}
    for event in events:
        if event.camera_id != camera_id or None in (event.track_id, event.frame_index, event.box_xyxy):
            continue
        track_id, frame, box = event.track_id or 0, event.frame_index or 0, event.box_xyxy or (0, 0, 0, 0)
        row = row_of.get((frame + 1, final.identity_at(TrackKey(camera_id, track_id), frame) or NOBODY))
        if row is not None and np.abs(boxes.boxes_xyxy[row] - box).max() <= _BOX_ROUNDING_PX:
            marked[row] = track_id
    return marked


def _between_marks(boxes: ResultBoxes, rows: IntArray, marks: Sequence[_Track]) -> list[_Track]:
    """The track of each of one identity's rows, which come in the order of their frames."""
    places = [place for place, mark in enumerate(marks) if mark != _UNKNOWN]
    if not places:
        return list(marks)
    found = list(marks)
    found[: places[0]] = [marks[places[0]]] * places[0]
    found[places[-1] :] = [marks[places[-1]]] * (len(marks) - places[-1])
    for start, end in pairwise(places):
        change = end if marks[start] == marks[end] else start + 1 + _break(boxes, rows[start : end + 1])
        found[start:change] = [marks[start]] * (change - start)
        found[change:end] = [marks[end]] * (end - change)
    return found


def _break(boxes: ResultBoxes, rows: IntArray) -> int:
    """After which of these rows another track begins: where most frames are missing, else where the box jumps most."""
    missing = np.diff(boxes.frames[rows])
    overlap = [
        float(iou(boxes.boxes_xyxy[one : one + 1], boxes.boxes_xyxy[other : other + 1])[0, 0])
        for one, other in pairwise(rows.tolist())
    ]
    return min(range(len(missing)), key=lambda place: (-missing[place], overlap[place]))
