"""A teacher for distillation: any re-ID network in ONNX format, and its embeddings of whole data sets.

Letters: N crops, F numbers of the teacher's embedding.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from keyreid_stream.errors import InputError, MissingExtraError
from keyreid_stream.models.weights import file_sha256
from keyreid_stream.structures import FloatArray, ImageArray
from keyreid_train.data.structures import TrackletSet

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)
"""What re-ID networks of the torchreid family were trained with."""


class OnnxTeacher:
    """A re-ID network in ONNX format: ImageNet-normalised RGB crops (N, 3, H, W) to (N, F).

    Attributes:
        sha256: of the file.
    """

    def __init__(self, path: Path) -> None:
        """Open the network.

        Raises:
            InputError: it cannot be read, or wants something other than one batch of pictures of a fixed size.
            MissingExtraError: onnxruntime is not installed.
        """
        runtime = _onnxruntime()
        if not path.is_file():
            raise InputError(f"no teacher {path}; give a re-ID network in ONNX format")
        try:
            self._session: Any = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        except Exception as error:
            raise InputError(f"teacher {path} is no ONNX network: {' '.join(str(error).split())[:200]}") from error
        given = self._session.get_inputs()[0]
        shape = given.shape
        if len(shape) != 4 or shape[1] != 3 or not all(isinstance(side, int) for side in shape[2:]):
            raise InputError(f"teacher {path} wants {shape}, not (N, 3, height, width); give a re-ID network")
        self._name, self._size = given.name, (int(shape[3]), int(shape[2]))
        self.sha256 = file_sha256(path)

    def embed(self, paths: list[Path]) -> FloatArray:
        """Embed images on disk: (N, F) float32 of unit length.

        Raises:
            InputError: an image cannot be read.
        """
        return self.embed_images([_read(path) for path in paths])

    def embed_images(self, images: Sequence[ImageArray]) -> FloatArray:
        """Embed RGB pictures (H, W, 3) of any sizes: (N, F) float32 of unit length."""
        crops = np.stack([self._crop(image) for image in images])
        (embeddings,) = self._session.run(None, {self._name: crops})
        unit: FloatArray = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
        return unit.astype(np.float32)

    def _crop(self, picture: ImageArray) -> FloatArray:
        resized = cv2.resize(picture, self._size, interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255
        crop: FloatArray = ((resized - _MEAN) / _STD).transpose(2, 0, 1)
        return crop


def teach(
    teacher: OnnxTeacher,
    tracklets: TrackletSet,
    target: Path,
    *,
    images: int = 8,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Embed every tracklet, the mean over some of its images, and write them to one file.

    Args:
        teacher: the network.
        tracklets: the data set.
        target: the `.npz` file; it appears when it is complete.
        images: of a tracklet, at most, at equal distances.
        progress: is told how many tracklets are done, of how many.
    """
    means = []
    for done, tracklet in enumerate(tracklets.tracklets, start=1):
        count = min(images, len(tracklet.images))
        chosen = [tracklet.images[place * len(tracklet.images) // count] for place in range(count)]
        means.append(teacher.embed(chosen).mean(axis=0))
        if progress is not None:
            progress(done, len(tracklets.tracklets))
    names = np.array([tracklet.name for tracklet in tracklets.tracklets])
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{uuid.uuid4().hex}.npz")
    try:
        np.savez(draft, names=names, embeddings=np.stack(means).astype(np.float16), teacher=np.array(teacher.sha256))
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def teacher_embeddings(path: Path, tracklets: TrackletSet) -> FloatArray:
    """The teacher's embeddings of these tracklets, (tracklets, F) float32.

    Raises:
        InputError: the file is missing, damaged, or does not know a tracklet.
    """
    if not path.is_file():
        raise InputError(
            f"no teacher's embeddings {path}; make them with: keyreid train teach {tracklets.name} --teacher MODEL.onnx"
        )
    try:
        with np.load(path, allow_pickle=False) as stored:
            row_of = {str(name): row for row, name in enumerate(stored["names"])}
            embeddings = stored["embeddings"].astype(np.float32)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} holds no teacher's embeddings ({error}); make it again") from error
    unknown = [tracklet.name for tracklet in tracklets.tracklets if tracklet.name not in row_of]
    if unknown:
        raise InputError(
            f"{path} does not know {len(unknown)} of the {len(tracklets.tracklets)} tracklets of {tracklets.name!r}, "
            f"such as {unknown[0]!r}; make it again"
        )
    chosen: FloatArray = embeddings[[row_of[tracklet.name] for tracklet in tracklets.tracklets]]
    return chosen


def _read(path: Path) -> ImageArray:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        raise InputError(f"cannot read image {path}; replace it or remove it")
    return np.asarray(picture, np.uint8)


def _onnxruntime() -> ModuleType:
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtraError("onnxruntime", "distill") from None
    runtime: ModuleType = onnxruntime
    return runtime
