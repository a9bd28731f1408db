"""How soon identities are right: after a person comes into view, and once everything has been looked at again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.boxes import TruthBoxes
from keyreid_stream.evaluation.said import (
    NOBODY,
    FoundBoxes,
    SaidBoxes,
    best_naming,
    boxes_on_people,
    right_boxes,
    visits_of,
)

CLOCK_MARKS_S = (0.0, 1.0, 5.0, 30.0)
"""Seconds after somebody came into view at which the clock is read, besides at the end."""

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class ClockMark:
    """The clock at one mark: counts of visits.

    Attributes:
        after_s: since the visit's first box; None for the visit's end.
        visits: that last so long.
        online: of them, those of whom the right identity was said then.
        undecided: of them, those of whom nothing was said then.
        revised: of them, those of whom the log says the right identity for that moment in the end.
    """

    after_s: float | None
    visits: int
    online: int
    undecided: int
    revised: int

    @property
    def online_share(self) -> float | None:
        """Of the visits, 0 to 1; None where no visit lasts so long."""
        return self.online / self.visits if self.visits else None

    @property
    def undecided_share(self) -> float | None:
        """Of the visits, 0 to 1; None where no visit lasts so long."""
        return self.undecided / self.visits if self.visits else None

    @property
    def revised_share(self) -> float | None:
        """Of the visits, 0 to 1; None where no visit lasts so long."""
        return self.revised / self.visits if self.visits else None


@dataclass(frozen=True, slots=True)
class ClockScores:
    """How soon identities were right.

    Attributes:
        marks: the readings in order of time, the end last.
        visits: of people to cameras, all in all.
        never_found: of them, those with no box on the person; they are in no mark.
        identity_of: the identity that each person has under the best one-to-one naming; people without one are missing.
        right_boxes: boxes with the right identity in the end: IDF1's true positives.
    """

    marks: tuple[ClockMark, ...]
    visits: int
    never_found: int
    identity_of: Mapping[int, int]
    right_boxes: int


def clock(
    truth: Mapping[str, TruthBoxes],
    said: Mapping[str, SaidBoxes],
    fps: Mapping[str, float],
    marks_s: Sequence[float] = CLOCK_MARKS_S,
) -> ClockScores:
    """Read the clock of a run.

    A *visit* is a time that a person is in one camera's view: frames in which the truth counts them, with gaps of at
    most a second. Its clock starts with the first frame in which a box of the run is on the person, so that it tells
    nothing of the detector; visits without any such box are only counted. A box is on a person if it overlaps theirs
    by an IoU of at least 0.5, as in IDF1; results on ignored truth are left out, as in `compare`.

    The right identity of a person is the one that the best one-to-one naming of people gives them: the naming over
    the final identities of all cameras and frames that leaves the most boxes right, which is IDF1's. At a mark of t
    seconds, the newest frame of the visit with a box on the person, at most t after the first one, is looked at. The
    visit is right *online* if a box on the person in it bore the right identity in that very frame, *undecided* if
    none bore any, and right *revised* if one bears the right one in the end. Visits that end before t are not in the
    mark. An identity that later merged into the right one was not right online: whoever listened was told another
    number.

    Args:
        truth: what is true, by camera; an id is the same person in all of them.
        said: what was said, by camera; a camera that is not there has said nothing.
        fps: frames per second of each camera.
        marks_s: when to read, seconds, rising from 0.

    Raises:
        InputError: no camera is given, one lacks its truth or its frames per second, or marks do not rise from 0 or
            more.
    """
    _check(truth, said, fps, marks_s)
    found = {camera_id: boxes_on_people(boxes, said.get(camera_id)) for camera_id, boxes in truth.items()}
    identity_of = best_naming(list(found.values()))
    visits = never = 0
    counts = np.zeros((len(marks_s) + 1, 4), np.int64)
    for camera_id, boxes in truth.items():
        steps = [int(mark * fps[camera_id] + _ROUNDING) for mark in marks_s]
        in_camera = found[camera_id]
        for person_id, first, last in visits_of(boxes, fps[camera_id]):
            visits += 1
            within = (in_camera.people == person_id) & (in_camera.frames >= first) & (in_camera.frames <= last)
            seen = in_camera.select(within)
            if not len(seen.frames):
                never += 1
                continue
            ends = [int(seen.frames[0]) + step for step in steps]
            for row, end in enumerate([*ends, last]):
                if end <= last:
                    counts[row] += _reading(seen, end, identity_of.get(person_id))
    return ClockScores(
        marks=tuple(ClockMark(after_s, *row) for after_s, row in zip([*marks_s, None], counts.tolist(), strict=True)),
        visits=visits,
        never_found=never,
        identity_of=identity_of,
        right_boxes=sum(right_boxes(one, identity_of) for one in found.values()),
    )


def _check(
    truth: Mapping[str, TruthBoxes], said: Mapping[str, SaidBoxes], fps: Mapping[str, float], marks_s: Sequence[float]
) -> None:
    if not truth:
        raise InputError("no camera is given; give the truth of at least one")
    if unknown := sorted(set(said) - set(truth)):
        raise InputError(f"there are results of {', '.join(unknown)} but no truth; give the truth of these cameras too")
    if slow := sorted(camera_id for camera_id in truth if not fps.get(camera_id, 0) > 0):
        raise InputError(f"the frames per second of {', '.join(slow)} are not known; give a number above 0 for each")
    if any(mark < 0 for mark in marks_s) or sorted(set(marks_s)) != list(marks_s):
        raise InputError(f"marks are {', '.join(f'{mark:g}' for mark in marks_s)}; give seconds that rise from 0")


def _reading(seen: FoundBoxes, end: int, right: int | None) -> tuple[int, int, int, int]:
    """1, and whether it is right online, undecided, and right in the end, as of a frame; `seen` is by frame."""
    newest = seen.frames == seen.frames[np.searchsorted(seen.frames, end, side="right") - 1]
    online, revised = seen.online[newest], seen.revised[newest]
    return (
        1,
        int(right is not None and bool((online == right).any())),
        int((online == NOBODY).all()),
        int(right is not None and bool((revised == right).any())),
    )
