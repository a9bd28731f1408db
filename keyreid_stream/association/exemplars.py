"""Exemplars: what somebody looked like to one camera, and which of them are worth keeping."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from keyreid_stream.association.similarity import Signatures, similarity
from keyreid_stream.structures import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Exemplar:
    """A settled tracklet: what an identity looked like to one camera.

    Attributes:
        signature: one row.
        camera_id: the camera.
        clips: how many clips it is the mean of.
        first_s, last_s: when it was seen.
    """

    signature: Signatures
    camera_id: str
    clips: int
    first_s: float
    last_s: float

    def rounded(self) -> Exemplar:
        """The exemplar in half precision, as it is stored: what is compared now is what a restart compares."""
        rows = Signatures(_halved(self.signature.vectors), _halved(self.signature.visibility))
        return replace(self, signature=rows)

    def later(self, seconds: float) -> Exemplar:
        """The exemplar on a clock that is ahead by so much."""
        return replace(self, first_s=self.first_s + seconds, last_s=self.last_s + seconds) if seconds else self


def keep(exemplars: list[Exemplar], exemplar: Exemplar, most: int, global_weight: float) -> None:
    """Add an exemplar; beyond `most`, the one most like another gives way, so that what stays is diverse."""
    exemplars.append(exemplar)
    if len(exemplars) <= most:
        return
    rows = Signatures.joined([one.signature for one in exemplars])
    closeness = similarity(rows, rows, global_weight)
    cameras = np.array([one.camera_id for one in exemplars])
    np.fill_diagonal(closeness, -1)
    # A camera's only view of somebody stays, if there is a pair of one camera to choose from.
    same = np.where(cameras[:, None] == cameras, closeness, closeness - 2)
    first, second = np.unravel_index(int(np.argmax(same)), same.shape)
    del exemplars[min(int(first), int(second), key=lambda row: (exemplars[row].clips, row))]


def _halved(rows: FloatArray) -> FloatArray:
    return rows.astype(np.float16).astype(np.float32)
