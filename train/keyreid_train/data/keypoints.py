"""Keypoints of data sets that have none: found once by a pose detector, kept in one file per set."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
from numpy.typing import NDArray

from keyreid_stream.errors import InputError
from keyreid_stream.interfaces import PoseDetector
from keyreid_stream.structures import COCO_KEYPOINTS, Detections, FloatArray, Frame, ImageArray
from keyreid_train.data.structures import Tracklet, TrackletSet

FRAME_HEIGHT, FRAME_WIDTH = 256, 128
"""What the detector sees, pixels: the crop, and a border as around people in a real picture."""

BORDER = 16

_BATCH = 64

_UNREADABLE = (OSError, ValueError, KeyError, EOFError, BadZipFile)
"""What reading a damaged file, or none, raises."""


def find_keypoints(
    detector: PoseDetector,
    detector_id: str,
    tracklets: TrackletSet,
    target: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
    kept_every: int = 1024,
) -> None:
    """Run a pose detector over all crops of a set and keep what it finds in one file.

    A crop's person is the detection that is large and in its middle; a crop without any gets keypoints of confidence 0.
    What was found is kept in a hidden folder beside the file as it grows; after a kill, the same call goes on there.

    Args:
        detector: the detector.
        detector_id: its weights and settings, for the record; what another one found is not gone on with.
        tracklets: the data set.
        target: the `.npz` file; it appears when it is complete.
        progress: is told how many images are done, of how many.
        kept_every: images; a kill loses at most the work on so many.

    Raises:
        InputError: an image cannot be read.
    """
    named = [(f"{one.name}/{path.name}", path) for one in tracklets.tracklets for path in one.images]
    pieces = target.with_name(f".{target.name}.pieces")
    pieces.mkdir(parents=True, exist_ok=True)
    found = [np.zeros((0, COCO_KEYPOINTS, 3), np.float16)]
    for first in range(0, len(named), kept_every):
        some = named[first : first + kept_every]
        names, piece = np.array([name for name, _ in some]), pieces / f"{first:09d}.npz"
        keypoints = _kept(piece, names, detector_id)
        if keypoints is None:
            keypoints = _detected(detector, [path for _, path in some])
            write_keypoints(piece, names, keypoints, detector_id)
        found.append(keypoints)
        if progress is not None:
            progress(first + len(some), len(named))
    write_keypoints(target, np.array([name for name, _ in named]), np.concatenate(found), detector_id)
    shutil.rmtree(pieces)


def with_keypoints(tracklets: TrackletSet, path: Path) -> TrackletSet:
    """The set with the keypoints of a file that was made for it.

    Raises:
        InputError: the file is missing, damaged, or does not know an image.
    """
    names, keypoints = stored_keypoints(path, f"make them with: keyreid train prepare {tracklets.name}")
    row_of = {name: row for row, name in enumerate(names)}

    def given(tracklet: Tracklet) -> Tracklet:
        names = [f"{tracklet.name}/{image.name}" for image in tracklet.images]
        unknown = [name for name in names if name not in row_of]
        if unknown:
            raise InputError(f"{path} does not know image {unknown[0]!r} of {tracklets.name!r}; make it again")
        return replace(tracklet, keypoints=keypoints[[row_of[name] for name in names]])

    return TrackletSet(tracklets.name, tuple(given(tracklet) for tracklet in tracklets.tracklets))


def stored_keypoints(path: Path, advice: str) -> tuple[list[str], FloatArray]:
    """What a file holds: names of tracklets and images, `TRACKLET/IMAGE`, and keypoints (N, 17, 3) float32.

    Args:
        path: the file.
        advice: what to do if it is missing.

    Raises:
        InputError: the file is missing or damaged.
    """
    if not path.is_file():
        raise InputError(f"no keypoints {path}; {advice}")
    try:
        with np.load(path, allow_pickle=False) as stored:
            names = [str(name) for name in stored["images"]]
            keypoints = stored["keypoints"].astype(np.float32)
    except _UNREADABLE as error:
        raise InputError(f"{path} holds no keypoints ({error}); make it again") from error
    if keypoints.shape != (len(names), COCO_KEYPOINTS, 3):
        raise InputError(f"{path} holds {keypoints.shape} numbers for {len(names)} images; make it again")
    return names, keypoints


def write_keypoints(path: Path, names: NDArray[np.str_], keypoints: NDArray[np.float16], origin: str) -> None:
    """Write a file that `with_keypoints` reads; it appears whole or not at all.

    Args:
        path: the `.npz` file.
        names: (N,) of tracklets and images, `TRACKLET/IMAGE`.
        keypoints: (N, 17, 3), x, y in pixels of each stored crop and confidence.
        origin: who found them, with a hash.
    """
    draft = path.with_name(f".{uuid.uuid4().hex}.npz")
    try:
        np.savez_compressed(draft, images=names, keypoints=keypoints, pose=np.array(origin))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _detected(detector: PoseDetector, paths: Sequence[Path]) -> NDArray[np.float16]:
    """The keypoints (N, 17, 3) of N crops, in pixels of each stored crop."""
    keypoints = []
    for first in range(0, len(paths), _BATCH):
        pictures = [_read(path) for path in paths[first : first + _BATCH]]
        frames = [Frame("crop", 0, 0.0, _framed(picture)) for picture in pictures]
        found = detector.detect(frames)
        keypoints += [_in_crop(people, picture) for people, picture in zip(found, pictures, strict=True)]
    return np.stack(keypoints).astype(np.float16)


def _kept(piece: Path, names: NDArray[np.str_], detector_id: str) -> NDArray[np.float16] | None:
    """What an earlier call found for exactly these images with this detector; None if nothing."""
    try:
        with np.load(piece, allow_pickle=False) as stored:
            if str(stored["pose"]) != detector_id or not np.array_equal(stored["images"], names):
                return None
            keypoints: NDArray[np.float16] = stored["keypoints"]
    except _UNREADABLE:
        return None
    return keypoints


def _read(path: Path) -> ImageArray:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        raise InputError(f"cannot read image {path}; replace it or remove it")
    return np.asarray(picture, np.uint8)


def _framed(picture: ImageArray) -> ImageArray:
    frame = np.full((FRAME_HEIGHT, FRAME_WIDTH, 3), 114, np.uint8)
    inner = cv2.resize(picture, (FRAME_WIDTH - 2 * BORDER, FRAME_HEIGHT - 2 * BORDER))
    frame[BORDER:-BORDER, BORDER:-BORDER] = inner
    return frame


def _in_crop(people: Detections, picture: ImageArray) -> FloatArray:
    """The keypoints (17, 3) of the crop's person, in pixels of the stored crop."""
    keypoints = np.zeros((COCO_KEYPOINTS, 3), np.float32)
    if not len(people.boxes_xyxy) or people.keypoints is None:
        return keypoints
    x1, y1, x2, y2 = people.boxes_xyxy.T
    aside = ((x1 + x2) / FRAME_WIDTH - 1) ** 2 + ((y1 + y2) / FRAME_HEIGHT - 1) ** 2
    keypoints[:] = people.keypoints[int(np.argmax((x2 - x1) * (y2 - y1) * np.exp(-aside)))]
    height, width = picture.shape[:2]
    scale = (width / (FRAME_WIDTH - 2 * BORDER), height / (FRAME_HEIGHT - 2 * BORDER))
    keypoints[:, :2] = (keypoints[:, :2] - BORDER) * np.array(scale, np.float32)
    return keypoints
