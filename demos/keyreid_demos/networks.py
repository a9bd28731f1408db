"""The networks of the page: loaded once, when they are first needed, and used by one visitor at a time."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import cv2
import numpy as np

from keyreid_stream.association.decisions import PartComparison
from keyreid_stream.association.explaining import compared_parts
from keyreid_stream.association.similarity import signatures, similarity
from keyreid_stream.association.store import EmbeddingSpace, GalleryStore
from keyreid_stream.encoders import EncoderConfig, torch_encoders
from keyreid_stream.errors import InputError
from keyreid_stream.interfaces import ClipHead, FrameEncoder, PoseDetector
from keyreid_stream.models.crops import make_crops
from keyreid_stream.models.load import LoadedModel, load_model
from keyreid_stream.picture_search import PersonInPicture, search_picture
from keyreid_stream.pose import PoseConfig, UltralyticsPose
from keyreid_stream.structures import Clip, Crops, CropSpec, FloatArray, Frame, ImageArray

_MARGIN = 0.5
"""Around a crop, of its longer side, when keypoints are looked for."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in its two halves."""

    model: LoadedModel
    encoder: FrameEncoder
    head: ClipHead

    @property
    def space(self) -> EmbeddingSpace:
        """Whose embeddings it makes."""
        return EmbeddingSpace(self.head.layout, self.model.card.name, self.model.card.sha256)


class Networks:
    """A KeyRe-ID model and a detector, for whoever searches or looks.

    Args:
        weights: of the model; None for those that come with the package.
        detector: weights of a YOLO-pose model.
    """

    def __init__(self, weights: str | None, detector: str) -> None:
        self.lock = threading.RLock()
        self._weights = weights
        self._pose = detector
        self._loaded: Loaded | None = None
        self._detector: PoseDetector | None = None

    @property
    def loaded(self) -> Loaded:
        """The model."""
        with self.lock:
            if self._loaded is None:
                settings = EncoderConfig.model_validate({"weights": self._weights})
                model = load_model(settings.name, settings.weights)
                self._loaded = Loaded(model, *torch_encoders(model.model, settings))
            return self._loaded

    @property
    def detector(self) -> PoseDetector:
        """Finds people and their keypoints."""
        with self.lock:
            if self._detector is None:
                self._detector = UltralyticsPose(PoseConfig.model_validate({"weights": self._pose}))
            return self._detector

    def search(self, image: ImageArray, store: GalleryStore, *, is_crop: bool, count: int) -> list[PersonInPicture]:
        """Whom of a gallery a picture shows, the most confident first.

        Args:
            image: (H, W, 3) uint8, RGB.
            store: the gallery.
            is_crop: whether the whole picture is one person.
            count: how many of the gallery to name for each.

        Raises:
            InputError: the gallery holds embeddings of another model.
        """
        with self.lock:
            one = self.loaded
            if store.space is not None and store.space != one.space:
                raise InputError(
                    f"the run was made with the model {store.space.model!r}, pictures are looked at with "
                    f"{one.space.model!r}; open the page with --weights of the run's model"
                )
            return search_picture(
                image,
                store.gallery,
                one.encoder,
                one.head,
                detector=None if is_crop else self.detector,
                global_weight=store.gallery.state.global_weight,
                count=count,
            )

    def keypoints(self, image: ImageArray) -> FloatArray | None:
        """(17, 3) of the person in a crop of whom the detector is surest, pixels; None where it finds nobody."""
        # Detectors learned from whole pictures: somebody who fills one from edge to edge is not found.
        margin = round(_MARGIN * max(image.shape[:2]))
        framed = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
        with self.lock:
            found = self.detector.detect([Frame("picture", 0, 0.0, np.asarray(framed, np.uint8))])[0]
        if not len(found) or found.keypoints is None:
            return None
        keypoints: FloatArray = found.keypoints[int(np.argmax(found.confidence))].copy()
        keypoints[:, :2] -= margin
        return keypoints

    def crops(self, image: ImageArray, *others: CropSpec) -> tuple[list[Crops], bool]:
        """A picture of one person as the model sees it; and whether their keypoints were found (else all is shown).

        Args:
            image: (H, W, 3) uint8, RGB.
            others: further ways of weighting parts; the same crop in each follows.
        """
        keypoints = self.keypoints(image)
        found = None if keypoints is None else keypoints[None]
        box = np.array([[0, 0, image.shape[1], image.shape[0]]], np.float32)
        specs = (self.loaded.encoder.crop_spec, *others)
        return [make_crops(image, box, found, spec) for spec in specs], keypoints is not None

    def compare(self, one: Crops, other: Crops, global_weight: float) -> tuple[float, tuple[PartComparison, ...]]:
        """How alike two crops of one person each are, -1 to 1, in all and part by part."""
        with self.lock:
            loaded = self.loaded
            clips = []
            for crops in (one, other):
                seen = loaded.encoder.encode(crops)
                clips.append(Clip(seen.tokens, seen.class_rows, seen.part_weights))
            embedded = loaded.head.embed(clips)
            left, right = (signatures([embedded[row]], global_weight) for row in range(2))
            parts = compared_parts(left, right, loaded.head.layout, global_weight)
            return float(similarity(left, right, global_weight)[0, 0]), parts
