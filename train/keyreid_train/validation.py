"""Scores of a network on tracklets, each image or clip embedded once.

Letters: N crops, P parts, M patches, T frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from keyreid_stream.errors import InputError
from keyreid_stream.models.crops import make_crops
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.structures import ClipEmbedding, Crops, CropSpec, FloatArray
from keyreid_train.data.structures import Tracklet, TrackletSet
from keyreid_train.learner import clip_features
from keyreid_train.retrieval import EmbeddedTracklets

MOST_CLIPS = 41
"""Clips of a tracklet that are looked at, as in the published protocol (method section 1)."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedTracklets:
    """Tracklets whose crops are in memory.

    Attributes:
        tracklets: who and where.
        crops: of each, in order of time.
    """

    tracklets: TrackletSet
    crops: tuple[Crops, ...]

    def first_images(self) -> PreparedTracklets:
        """The first image of every tracklet alone: the single-image protocol."""
        tracklets = tuple(_thinned(tracklet, 1) for tracklet in self.tracklets.tracklets)
        crops = tuple(Crops(own.images[:1], own.part_weights[:1]) for own in self.crops)
        return PreparedTracklets(TrackletSet(self.tracklets.name, tracklets), crops)


def prepare(tracklets: TrackletSet, spec: CropSpec, *, most: int = 0) -> PreparedTracklets:
    """Read all crops of a set.

    Args:
        tracklets: what to read.
        spec: the crops that the model wants.
        most: images of a tracklet, taken at equal distances; 0 for all.

    Raises:
        InputError: an image cannot be read.
    """
    thinned = tuple(_thinned(tracklet, most) for tracklet in tracklets.tracklets)
    return PreparedTracklets(TrackletSet(tracklets.name, thinned), tuple(_crops(one, spec) for one in thinned))


@torch.inference_mode()
def embed_tracklets(
    model: KeyReID, prepared: PreparedTracklets, *, frames: int = 1, clips_at_once: int = 64
) -> EmbeddedTracklets:
    """Embed tracklets: the mean over their consecutive clips.

    Args:
        model: a network in evaluation mode.
        prepared: the tracklets.
        frames: length of a clip, 1 to T; the last clip of a tracklet may be shorter.
        clips_at_once: clips in one forward pass.
    """
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    vectors: list[list[FloatArray]] = [[] for _ in prepared.crops]
    visibility: list[list[FloatArray]] = [[] for _ in prepared.crops]
    for owners, images, part_weights in _batches(prepared.crops, frames, clips_at_once):
        features = clip_features(model, images.to(device), part_weights.to(device))
        embedded, shown = features.embedding.float().cpu().numpy(), features.visibility.float().cpu().numpy()
        for row, owner in enumerate(owners):
            vectors[owner].append(embedded[row])
            visibility[owner].append(shown[row])
    model.train(was_training)
    means = [
        ClipEmbedding(np.mean(own, axis=0), np.mean(shown, axis=0), model.layout)
        for own, shown in zip(vectors, visibility, strict=True)
    ]
    tracklets = prepared.tracklets.tracklets
    return EmbeddedTracklets(means, tuple(t.person_id for t in tracklets), tuple(t.camera_id for t in tracklets))


def _batches(
    crops: tuple[Crops, ...], frames: int, clips_at_once: int
) -> Iterator[tuple[list[int], torch.Tensor, torch.Tensor]]:
    """Clips of equal length: whose they are (B,), images (B, t, 3, H, W) and part weights (B, t, P, M)."""
    of_length: dict[int, list[tuple[int, slice]]] = {}
    for owner, own in enumerate(crops):
        for first in range(0, min(len(own), frames * MOST_CLIPS), frames):
            last = min(first + frames, len(own))
            of_length.setdefault(last - first, []).append((owner, slice(first, last)))
    for clips in of_length.values():
        for start in range(0, len(clips), clips_at_once):
            some = clips[start : start + clips_at_once]
            images = np.stack([crops[owner].images[part] for owner, part in some])
            weights = np.stack([crops[owner].part_weights[part] for owner, part in some])
            yield [owner for owner, _ in some], torch.from_numpy(images).movedim(-1, 2), torch.from_numpy(weights)


def _thinned(tracklet: Tracklet, most: int) -> Tracklet:
    count = len(tracklet.images)
    if not most or count <= most:
        return tracklet
    kept = [place * count // most for place in range(most)]
    keypoints = None if tracklet.keypoints is None else tracklet.keypoints[kept]
    images = tuple(tracklet.images[place] for place in kept)
    return Tracklet(tracklet.person_id, tracklet.camera_id, tracklet.name, images, keypoints)


def _crops(tracklet: Tracklet, spec: CropSpec) -> Crops:
    if not tracklet.images:
        raise InputError(f"tracklet {tracklet.name!r} is empty; remove it or give it images")
    images, weights = [], []
    for place, path in enumerate(tracklet.images):
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if picture is None:
            raise InputError(f"cannot read image {path}; replace it or remove it")
        height, width = picture.shape[:2]
        keypoints = None if tracklet.keypoints is None else tracklet.keypoints[place : place + 1]
        crop = make_crops(picture, np.array([[0, 0, width, height]], np.float32), keypoints, spec)
        images.append(crop.images)
        weights.append(crop.part_weights)
    return Crops(np.concatenate(images), np.concatenate(weights))
