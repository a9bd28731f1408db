"""Embeddings of whole tracklets: which clips are looked at, and their mean.

Letters: N tracklets, E numbers of an embedding, P parts, T frames of a clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np

from keyreid_stream.errors import ConfigError, InputError
from keyreid_stream.structures import EmbeddingLayout, FloatArray, ImageArray
from keyreid_train.data.structures import Tracklet
from keyreid_train.embedders.interface import ClipEmbedder, ClipImages, Half

ClipChoice: TypeAlias = Literal["dense", "capped", "spaced", "first"]

CHOICES: tuple[ClipChoice, ...] = ("dense", "capped", "spaced", "first")

PUBLISHED_MOST = 41
"""Clips of a tracklet that the published evaluation looks at (method section 1)."""


@dataclass(frozen=True, slots=True)
class ClipPlan:
    """Which clips of a tracklet are embedded.

    Clips are consecutive and do not overlap; the last one may be shorter.

    Attributes:
        choice: `dense`, all; `capped`, the first `most`; `spaced`, `most` at equal distances; `first`, the first image.
        frames: length of a clip.
        most: clips of a tracklet, of `capped` and `spaced`.
    """

    choice: ClipChoice = "dense"
    frames: int = 1
    most: int = PUBLISHED_MOST

    def __post_init__(self) -> None:
        if self.choice not in CHOICES:
            raise ConfigError(f"unknown clips {self.choice!r}; choose from: {', '.join(CHOICES)}")
        if self.frames < 1 or self.most < 1:
            raise ConfigError(f"{self.most} clips of {self.frames} frames were asked for; give at least one of one")

    def clips(self, images: int) -> list[range]:
        """The images of each clip of a tracklet that has so many."""
        if self.choice == "first":
            return [range(1)]
        whole = [range(start, min(start + self.frames, images)) for start in range(0, images, self.frames)]
        if self.choice == "dense" or len(whole) <= self.most:
            return whole
        if self.choice == "capped":
            return whole[: self.most]
        return [whole[place * len(whole) // self.most] for place in range(self.most)]

    def described(self) -> str:
        """In words, for tables."""
        if self.choice == "first":
            return "first image alone"
        many = {"dense": "all", "capped": f"the first {self.most}", "spaced": f"{self.most} spaced"}[self.choice]
        return f"mean over {many} {'images' if self.frames == 1 else f'clips of {self.frames}'}"


@dataclass(frozen=True, slots=True, eq=False)
class TrackletEmbeddings:
    """One embedding for each tracklet.

    Attributes:
        vectors: (N, E) float32.
        visibility: (N, P) float32.
        layout: of the vectors.
        clips: how many were embedded.
    """

    vectors: FloatArray
    visibility: FloatArray
    layout: EmbeddingLayout
    clips: int


def embed_all(
    embedder: ClipEmbedder,
    tracklets: Sequence[Tracklet],
    plan: ClipPlan,
    *,
    hidden: Half | None = None,
    clips_at_once: int = 64,
    progress: Callable[[int, int], None] | None = None,
) -> TrackletEmbeddings:
    """Embed tracklets; images are read when their clip is due and then forgotten.

    Args:
        embedder: the network.
        tracklets: at least one.
        plan: which clips.
        hidden: black out this half of every image.
        clips_at_once: clips in one call of the embedder.
        progress: is told how many clips are done, of how many.

    Raises:
        InputError: an image cannot be read, or a tracklet is empty.
        ConfigError: clips are longer than the embedder's.
    """
    if plan.frames > embedder.frames:
        raise ConfigError(f"{embedder.name} embeds clips of at most {embedder.frames}, not {plan.frames}; give fewer")
    sums: FloatArray | None = None
    layout = EmbeddingLayout(0, 0, 0)
    shown = np.zeros((len(tracklets), 0), np.float32)
    counts, done, total = np.zeros(len(tracklets), np.int64), 0, _count(tracklets, plan)
    for owners, clips in _batches(tracklets, plan, clips_at_once):
        found = embedder.embed(clips, hidden)
        if sums is None:
            layout = found.layout
            sums = np.zeros((len(tracklets), layout.size), np.float32)
            shown = np.zeros((len(tracklets), layout.parts), np.float32)
        np.add.at(sums, owners, found.vectors)
        np.add.at(shown, owners, found.visibility)
        np.add.at(counts, owners, 1)
        done += len(owners)
        if progress is not None:
            progress(done, total)
    assert sums is not None  # noqa: S101 -- there is a tracklet and it has a clip; for the type checker
    sums /= counts[:, None]
    shown /= counts[:, None]
    return TrackletEmbeddings(sums, shown, layout, done)


def _count(tracklets: Sequence[Tracklet], plan: ClipPlan) -> int:
    empty = [one.name for one in tracklets if not one.images]
    if empty:
        raise InputError(f"tracklet {empty[0]!r} is empty; remove it or give it images")
    return sum(len(plan.clips(len(one))) for one in tracklets)


def _batches(
    tracklets: Sequence[Tracklet], plan: ClipPlan, clips_at_once: int
) -> Iterator[tuple[list[int], list[ClipImages]]]:
    """Clips of equal length, and whose they are."""
    waiting: dict[int, list[tuple[int, ClipImages]]] = {}
    for owner, tracklet in enumerate(tracklets):
        for places in plan.clips(len(tracklet)):
            same = waiting.setdefault(len(places), [])
            same.append((owner, _read(tracklet, places)))
            if len(same) == clips_at_once:
                yield [whose for whose, _ in same], [clip for _, clip in same]
                same.clear()
    for same in waiting.values():
        if same:
            yield [whose for whose, _ in same], [clip for _, clip in same]


def _read(tracklet: Tracklet, places: range) -> ClipImages:
    images: list[ImageArray] = []
    for place in places:
        picture = cv2.imread(str(tracklet.images[place]), cv2.IMREAD_COLOR_RGB)
        if picture is None:
            raise InputError(f"cannot read image {tracklet.images[place]}; replace it or remove it")
        images.append(np.asarray(picture, np.uint8))
    keypoints = None if tracklet.keypoints is None else tracklet.keypoints[places.start : places.stop]
    return ClipImages(tuple(images), keypoints)
