"""Who was said to be where, beside who was there: boxes of a run on people of the truth, and people's visits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.boxes import BoolArray, ResultBoxes, TruthBoxes
from keyreid_stream.evaluation.comparison import MATCH_IOU, compare
from keyreid_stream.structures import IntArray

LONGEST_GAP_S = 1.0
"""Who is out of view for longer and comes back begins another visit."""

NOBODY = 0
"""Said of a box while nothing was decided; no identity has this number."""

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class SaidBoxes:
    """N boxes of one camera, with who they were said to show.

    Attributes:
        revised: the boxes under the identities that hold at the end.
        online: (N,) int64 beside them, who each was said to show in the very frame that it is of; `NOBODY` while
            undecided.

    Raises:
        InputError: `online` has another length or type.
    """

    revised: ResultBoxes
    online: IntArray

    def __post_init__(self) -> None:
        count = len(self.revised)
        if self.online.shape != (count,) or self.online.dtype != np.int64:
            raise InputError(
                f"online is {self.online.dtype} {self.online.shape}; give one int64 for each of {count} boxes"
            )

    def __len__(self) -> int:
        return len(self.online)


@dataclass(frozen=True, slots=True, eq=False)
class FoundBoxes:
    """Pairs of a person's box and a run's box on it, in one camera, by frame; columns of equal length.

    Attributes:
        people, frames: whose box, in which frame.
        revised, online: who the run's box was said to show, at the end and then.
        unmatched: (M,) int64, the final identities of the run's boxes that are on nobody, ignored truth apart.
    """

    people: IntArray
    frames: IntArray
    revised: IntArray
    online: IntArray
    unmatched: IntArray

    def select(self, rows: BoolArray) -> FoundBoxes:
        """The given pairs."""
        return FoundBoxes(self.people[rows], self.frames[rows], self.revised[rows], self.online[rows], self.unmatched)


class Visit(NamedTuple):
    """A time that a person is in one camera's view: first and last frame."""

    person_id: int
    first: int
    last: int


def boxes_on_people(truth: TruthBoxes, said: SaidBoxes | None) -> FoundBoxes:
    """Every pair of a counted person and a run's box on them: by an IoU of at least 0.5, as IDF1 pairs them.

    Args:
        truth: what is true in a camera.
        said: what was said; None for a camera in which nothing was.
    """
    said = said or SaidBoxes(ResultBoxes.empty(), np.zeros(0, np.int64))
    # Row numbers in the place of ids: `compare` hands them through, and ids and frames are looked up by them.
    numbered = ResultBoxes(said.revised.frames, np.arange(len(said)), said.revised.boxes_xyxy)
    rows = TruthBoxes(truth.frames, np.arange(len(truth)), truth.boxes_xyxy, truth.counted, truth.ignored)
    frames = compare(rows, numbered).frames
    pairs = [
        np.stack([frame.truth_ids[on], frame.result_ids[by]])
        for frame in frames
        for on, by in [np.nonzero(frame.similarity >= MATCH_IOU)]
    ]
    true_rows, said_rows = np.concatenate([np.zeros((2, 0), np.int64), *pairs], axis=1)
    judged = np.concatenate([np.zeros(0, np.int64), *(frame.result_ids for frame in frames)])
    return FoundBoxes(
        truth.ids[true_rows],
        truth.frames[true_rows],
        said.revised.ids[said_rows],
        said.online[said_rows],
        said.revised.ids[np.setdiff1d(judged, said_rows)],
    )


def best_naming(found: Sequence[FoundBoxes]) -> dict[int, int]:
    """The one-to-one naming of people by final identities, over all cameras, that leaves the most boxes right: IDF1's.

    People whose best name would be right nowhere have none.
    """
    people, person_rows = np.unique(np.concatenate([one.people for one in found]), return_inverse=True)
    identities, columns = np.unique(np.concatenate([one.revised for one in found]), return_inverse=True)
    shared = np.zeros((len(people), len(identities)), np.int64)
    np.add.at(shared, (person_rows, columns), 1)
    return {
        int(people[row]): int(identities[column])
        for row, column in zip(*linear_sum_assignment(shared, maximize=True), strict=True)
        if shared[row, column]
    }


def right_boxes(found: FoundBoxes, identity_of: Mapping[int, int]) -> int:
    """Boxes with the right identity in the end. An identity is in a frame once, so that no box counts twice."""
    right = np.array([identity_of.get(person_id, NOBODY) for person_id in found.people.tolist()], np.int64)
    return int(((found.revised == right) & (right != NOBODY)).sum())


def visits_of(truth: TruthBoxes, fps: float) -> Iterator[Visit]:
    """Every visit to a camera, person by person: frames in which they count, parted by gaps of more than a second."""
    frames_of: defaultdict[int, list[int]] = defaultdict(list)
    for person_id, frame in zip(truth.ids[truth.counted].tolist(), truth.frames[truth.counted].tolist(), strict=True):
        frames_of[person_id].append(frame)
    for person_id, frames in sorted(frames_of.items()):
        for first, last in stretches(sorted(frames), fps):
            yield Visit(person_id, first, last)


def stretches(frames: Sequence[int], fps: float) -> Iterator[tuple[int, int]]:
    """First and last of rising frames that no gap of more than a second parts."""
    longest = LONGEST_GAP_S * fps + _ROUNDING
    first = before = frames[0]
    for frame in frames[1:]:
        if frame - before > longest:
            yield first, before
            first = frame
        before = frame
    yield first, before
