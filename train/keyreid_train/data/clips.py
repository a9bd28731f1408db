"""Clips out of tracklets, augmented, the same for the same request.

Letters: T frames, P parts, M patches, H×W pixels of a crop.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from keyreid_stream.errors import InputError
from keyreid_stream.models.crops import make_crops
from keyreid_stream.models.parts import part_weights
from keyreid_stream.structures import COCO_KEYPOINTS, CropSpec, FloatArray, ImageArray
from keyreid_train.augmentation.clip import augmented
from keyreid_train.augmentation.config import AugmentationConfig
from keyreid_train.data.structures import ClipBatch, ClipSample, Tracklet, TrackletSet
from keyreid_train.sampler import ClipRequest


class ClipDataset:
    """Clips of a set, one frame from each of T equal stretches of the tracklet.

    A tracklet of fewer frames gives some of them more than once, in order.
    """

    def __init__(
        self,
        tracklets: TrackletSet,
        spec: CropSpec,
        augmentation: AugmentationConfig,
        *,
        seed: int = 0,
        keep_in_memory: bool = True,
    ) -> None:
        """Prepare clips; images are read when they are needed.

        Args:
            tracklets: the set; labels and cameras are places in its sorted people and cameras.
            spec: the crops that the model wants.
            augmentation: random changes.
            seed: of all randomness, together with a request.
            keep_in_memory: keep crops that were read.

        Raises:
            InputError: a tracklet is empty.
        """
        for tracklet in tracklets.tracklets:
            if not tracklet.images:
                raise InputError(f"tracklet {tracklet.name!r} is empty; remove it or give it images")
        self._tracklets, self._spec, self._augmentation, self._seed = tracklets.tracklets, spec, augmentation, seed
        self._labels = {person: label for label, person in enumerate(tracklets.person_ids)}
        self._cameras = {camera: index for index, camera in enumerate(tracklets.camera_ids)}
        self._kept: dict[tuple[int, int], tuple[ImageArray, FloatArray]] | None = {} if keep_in_memory else None

    def __getitem__(self, request: ClipRequest) -> ClipBatch:
        """One clip, without a leading dimension.

        Raises:
            InputError: an image cannot be read.
        """
        tracklet = self._tracklets[request.tracklet]
        generator = np.random.default_rng((self._seed, request.epoch, request.tracklet, request.draw))
        starts = np.arange(request.frames) + generator.random(request.frames)
        places = (starts * len(tracklet.images) / request.frames).astype(int)
        crops = [self._crop(request.tracklet, int(place)) for place in places]
        images, keypoints = np.stack([image for image, _ in crops]), np.stack([points for _, points in crops])
        sample = ClipSample(images, keypoints, np.zeros(request.frames, np.float32))
        sample = augmented(sample, self._augmentation, generator, other=self._somebody_else(tracklet, generator))
        known = sample.keypoints if tracklet.keypoints is not None else None
        weights = part_weights(known, request.frames, self._spec)
        return ClipBatch(
            images=torch.from_numpy(np.ascontiguousarray(np.moveaxis(sample.images, -1, 1))),
            part_weights=torch.from_numpy(weights),
            labels=torch.tensor(self._labels[tracklet.person_id]),
            cameras=torch.tensor(self._cameras[tracklet.camera_id]),
            erased=torch.from_numpy(sample.erased),
        )

    def _somebody_else(self, tracklet: Tracklet, generator: np.random.Generator) -> ImageArray | None:
        """Perhaps a crop of another person, to be pasted; None if not, or if chance finds the same person."""
        if generator.random() >= self._augmentation.paste:
            return None
        number = int(generator.integers(len(self._tracklets)))
        place = int(generator.integers(len(self._tracklets[number].images)))
        if self._tracklets[number].person_id == tracklet.person_id:
            return None
        return self._crop(number, place)[0]

    def _crop(self, tracklet: int, place: int) -> tuple[ImageArray, FloatArray]:
        """A crop (H, W, 3) and its keypoints (17, 3) in crop pixels."""
        if self._kept is None:
            return read_crop(self._tracklets[tracklet], place, self._spec)
        if (tracklet, place) not in self._kept:
            self._kept[tracklet, place] = read_crop(self._tracklets[tracklet], place, self._spec)
        return self._kept[tracklet, place]


def read_crop(tracklet: Tracklet, place: int, spec: CropSpec) -> tuple[ImageArray, FloatArray]:
    """Read one image at the model's crop size, and its keypoints in crop pixels (confidence 0 where unknown).

    Raises:
        InputError: it cannot be read.
    """
    path = tracklet.images[place]
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        raise InputError(f"cannot read image {path}; replace it or remove it")
    height, width = picture.shape[:2]
    image = make_crops(picture, np.array([[0, 0, width, height]], np.float32), None, spec).images[0]
    keypoints = np.zeros((COCO_KEYPOINTS, 3), np.float32)
    if tracklet.keypoints is not None:
        keypoints = tracklet.keypoints[place] * np.array([spec.width / width, spec.height / height, 1], np.float32)
    return image, keypoints
