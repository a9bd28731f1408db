"""From training data to a stream of batches, the same on every run and with any number of workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch.utils.data import DataLoader

from keyreid_train.data.structures import ClipBatch
from keyreid_train.sampler import Appearance, ClipRequest, IdentitySampler
from keyreid_train.validation import PreparedTracklets


class ClipSource(Protocol):
    """Gives clips: the same one for the same request, in any process."""

    def __getitem__(self, request: ClipRequest) -> ClipBatch:
        """One clip, a row of a batch (no leading dimension)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """All that a training reads.

    Attributes:
        clips: the source of clips.
        appearances: who and where, of every tracklet that `clips` knows.
        people: who the labels are, in order.
        validation: tracklets of people who are not trained on; None for no validation.
        teacher: (tracklets, F) float32, a teacher's embedding of every tracklet; None without one.
        names: the data sets, for the record.
    """

    clips: ClipSource
    appearances: tuple[Appearance, ...]
    people: tuple[str, ...]
    validation: PreparedTracklets | None = None
    teacher: torch.Tensor | None = None
    names: tuple[str, ...] = ()


class Serving(NamedTuple):
    """A batch, and the teacher's embeddings of its clips if there is a teacher."""

    batch: ClipBatch
    teacher: torch.Tensor | None


def servings(data: TrainingData, sampler: IdentitySampler, epoch: int, workers: int) -> Iterator[Serving]:
    """The batches of an epoch.

    Args:
        data: where clips come from.
        sampler: what is in a batch.
        epoch: which epoch.
        workers: processes that prepare clips; 0 for this one.
    """
    plan = list(sampler.batches(epoch))
    dataset: Any = data.clips  # all that a loader needs of a data set is what `ClipSource` has
    loader = DataLoader[ClipBatch](dataset, batch_sampler=plan, collate_fn=stack_clips, num_workers=workers)
    for requests, batch in zip(plan, loader, strict=True):
        teacher = None
        if data.teacher is not None:
            teacher = data.teacher[[request.tracklet for request in requests]]
        yield Serving(batch, teacher)


def stack_clips(rows: list[ClipBatch]) -> ClipBatch:
    """Rows to a batch."""
    return ClipBatch(*(torch.stack(column) for column in zip(*rows, strict=True)))
