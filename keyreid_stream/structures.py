"""The values that travel through the pipeline: frozen, columnar, shapes checked on construction.

Letters used in shapes, here and everywhere: N detections (or crops), T frames of a clip, S tokens of a crop (class
token first), M patches (S = 1 + M), P body parts, D channels of the model, E numbers of an embedding, B clips,
K tracks. Boxes are (x1, y1, x2, y2) in pixels of their frame, x to the right, y down. Images are RGB. Times are float
seconds of the camera's own clock. NumPy arrays live on the host; torch tensors live on the model's device and stay
there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float32]
IntArray: TypeAlias = NDArray[np.int64]
ImageArray: TypeAlias = NDArray[np.uint8]

COCO_KEYPOINTS = 17
"""A person's keypoints in COCO order: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles; left first."""


def _check(name: str, array: np.ndarray | torch.Tensor, shape: Sequence[int | None], dtype: object) -> None:
    """Raise ValueError unless `array` has this dtype and this shape (None stands for any length)."""
    if array.dtype != dtype:
        raise ValueError(f"{name} must have dtype {dtype}, got {array.dtype}")
    given = tuple(array.shape)
    fits = len(given) == len(shape) and all(w is None or w == g for w, g in zip(shape, given, strict=True))
    if not fits:
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise ValueError(f"{name} must have shape ({wanted}), got {given}")


class TrackKey(NamedTuple):
    """A track, unique within a run: track ids count per camera."""

    camera_id: str
    track_id: int


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of one camera.

    Attributes:
        camera_id: the camera's name.
        frame_index: 0-based count of this camera's decoded frames.
        timestamp_s: presentation time on the camera's own clock, seconds; of a live camera, unix seconds.
        image: (H, W, 3) uint8, RGB.
        epoch: 0-based count of the connections to a live camera: what was followed in one is followed anew in the next.
    """

    camera_id: str
    frame_index: int
    timestamp_s: float
    image: ImageArray
    epoch: int = 0

    def __post_init__(self) -> None:
        _check("image", self.image, (None, None, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class LiveCounts:
    """How a live camera is doing, and what happened to it so far.

    Attributes:
        state: `waiting` is between two attempts to connect; `ended` is for good.
        epoch: of the newest frame.
        frames_in: frames decoded.
        dropped: decoded frames that nobody looked at, because a newer one came first.
        reconnects: connections made anew.
        decode_errors: frames left out because they were damaged.
        repaired_timestamps: frames whose time was missing or wrong.
        last_arrival_s: unix seconds; None before the first frame.
        latency_s: arrival less the time that the camera's wall clock shows; None for a camera that does not tell it.
        reason: why the last attempt failed or the last connection broke, without any secret; empty if none did.
    """

    state: Literal["connecting", "streaming", "waiting", "ended"]
    epoch: int = 0
    frames_in: int = 0
    dropped: int = 0
    reconnects: int = 0
    decode_errors: int = 0
    repaired_timestamps: int = 0
    last_arrival_s: float | None = None
    latency_s: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """The people found in one frame.

    Attributes:
        boxes_xyxy: (N, 4) float32, pixels of the frame.
        confidence: (N,) float32, 0 to 1.
        keypoints: (N, 17, 3) float32, x and y in pixels of the frame and confidence 0 to 1; None where the detector
            finds no keypoints.
    """

    boxes_xyxy: FloatArray
    confidence: FloatArray
    keypoints: FloatArray | None = None

    def __post_init__(self) -> None:
        _check("boxes_xyxy", self.boxes_xyxy, (None, 4), np.float32)
        _check("confidence", self.confidence, (len(self),), np.float32)
        if self.keypoints is not None:
            _check("keypoints", self.keypoints, (len(self), COCO_KEYPOINTS, 3), np.float32)

    def __len__(self) -> int:
        return len(self.boxes_xyxy)

    @classmethod
    def empty(cls, *, keypoints: bool = True) -> Detections:
        """No people; `keypoints` says whether the detector would have given keypoints."""
        return cls(
            np.zeros((0, 4), np.float32),
            np.zeros(0, np.float32),
            np.zeros((0, COCO_KEYPOINTS, 3), np.float32) if keypoints else None,
        )

    def select(self, rows: IntArray | NDArray[np.bool_]) -> Detections:
        """The given rows (indices or a mask), in that order."""
        keypoints = None if self.keypoints is None else self.keypoints[rows]
        return Detections(self.boxes_xyxy[rows], self.confidence[rows], keypoints)


@dataclass(frozen=True, slots=True)
class CropSpec:
    """What a model wants to see of a person.

    Attributes:
        height, width: crop size in pixels.
        grid_rows, grid_columns: the patches of a crop, row-major; M = grid_rows · grid_columns.
        parts: number of body parts P.
        weighting: `soft`, weights in [0, 1] straight from the keypoints; `signed`, the published model's weights in
            [-1, 1], where background weighs -1.
    """

    height: int
    width: int
    grid_rows: int
    grid_columns: int
    parts: int
    weighting: Literal["soft", "signed"] = "soft"

    @property
    def patches(self) -> int:
        """M, the number of patches of a crop."""
        return self.grid_rows * self.grid_columns


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """People cut out of their frames, ready for a frame encoder.

    Attributes:
        images: (N, H, W, 3) uint8, RGB.
        part_weights: (N, P, M) float32, how much each patch belongs to each part.
    """

    images: ImageArray
    part_weights: FloatArray

    def __post_init__(self) -> None:
        _check("images", self.images, (None, None, None, 3), np.uint8)
        _check("part_weights", self.part_weights, (len(self), None, None), np.float32)

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, slots=True, eq=False)
class Encodings:
    """What a frame encoder knows of N crops.

    Attributes:
        tokens: (N, S, D) backbone tokens on the device, class token first.
        class_rows: (N, D) class rows of the global branch on the device.
        part_weights: (N, P, M) on the device.
        appearance: (N, D) float32 on the host: the embedding's global part for a clip of this one crop, what a tracker
            matches detections by.
    """

    tokens: torch.Tensor
    class_rows: torch.Tensor
    part_weights: torch.Tensor
    appearance: FloatArray

    def __post_init__(self) -> None:
        n = len(self)
        _check("tokens", self.tokens, (n, None, None), self.tokens.dtype)
        _check("class_rows", self.class_rows, (n, self.tokens.shape[2]), self.class_rows.dtype)
        _check("part_weights", self.part_weights, (n, None, self.tokens.shape[1] - 1), self.part_weights.dtype)
        _check("appearance", self.appearance, (n, None), np.float32)

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One to T encoded crops of one track, oldest first.

    Attributes:
        tokens: (T', S, D) with 1 ≤ T' ≤ T.
        class_rows: (T', D).
        part_weights: (T', P, M).
    """

    tokens: torch.Tensor
    class_rows: torch.Tensor
    part_weights: torch.Tensor

    def __post_init__(self) -> None:
        if len(self) == 0:
            raise ValueError("a clip needs at least one crop, got none")
        _check("tokens", self.tokens, (None, None, None), self.tokens.dtype)
        _check("class_rows", self.class_rows, (len(self), self.tokens.shape[2]), self.class_rows.dtype)
        _check("part_weights", self.part_weights, (len(self), None, self.tokens.shape[1] - 1), self.part_weights.dtype)

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True, slots=True)
class EmbeddingLayout:
    """How an embedding is laid out: the global part first, then P parts of `part_dim` numbers each."""

    global_dim: int
    parts: int
    part_dim: int

    @property
    def size(self) -> int:
        """E, the length of an embedding."""
        return self.global_dim + self.parts * self.part_dim


@dataclass(frozen=True, slots=True, eq=False)
class ClipEmbeddings:
    """The embeddings of B clips.

    Attributes:
        vectors: (B, E) float32, not normalised; `layout` says what is where.
        visibility: (B, P) float32 in [0, 1], the share of the clip's T slots that show each part; a shorter clip's
            frames are repeated to fill them.
        layout: the embedding's layout.
    """

    vectors: FloatArray
    visibility: FloatArray
    layout: EmbeddingLayout

    def __post_init__(self) -> None:
        _check("vectors", self.vectors, (None, self.layout.size), np.float32)
        _check("visibility", self.visibility, (len(self), self.layout.parts), np.float32)

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, row: int) -> ClipEmbedding:
        """One clip's embedding: a copy, so that whoever keeps it does not keep the batch alive."""
        return ClipEmbedding(self.vectors[row].copy(), self.visibility[row].copy(), self.layout)


@dataclass(frozen=True, slots=True, eq=False)
class ClipEmbedding:
    """One clip's embedding: `vector` (E,), `visibility` (P,), laid out by `layout`."""

    vector: FloatArray
    visibility: FloatArray
    layout: EmbeddingLayout

    def __post_init__(self) -> None:
        _check("vector", self.vector, (self.layout.size,), np.float32)
        _check("visibility", self.visibility, (self.layout.parts,), np.float32)

    @property
    def global_part(self) -> FloatArray:
        """(D,): what a tracker matches by."""
        return self.vector[: self.layout.global_dim]

    @property
    def part_rows(self) -> FloatArray:
        """(P, part_dim): one row per body part."""
        return self.vector[self.layout.global_dim :].reshape(self.layout.parts, self.layout.part_dim)


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """The tracks that a camera's tracker shows in one frame.

    Attributes:
        track_ids: (K,) int64, unique per camera and run, never reused.
        boxes_xyxy: (K, 4) float32, pixels of the frame, as the tracker smooths them.
        confidence: (K,) float32.
        detection_indices: (K,) int64, the row of the frame's `Detections` behind each track; -1 for a prediction.
        ended: ids of tracks that can no longer come back.
    """

    track_ids: IntArray
    boxes_xyxy: FloatArray
    confidence: FloatArray
    detection_indices: IntArray
    ended: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _check("track_ids", self.track_ids, (None,), np.int64)
        _check("boxes_xyxy", self.boxes_xyxy, (len(self), 4), np.float32)
        _check("confidence", self.confidence, (len(self),), np.float32)
        _check("detection_indices", self.detection_indices, (len(self),), np.int64)

    def __len__(self) -> int:
        return len(self.track_ids)

    @classmethod
    def empty(cls, ended: tuple[int, ...] = ()) -> Tracks:
        """No track in this frame."""
        return cls(
            np.zeros(0, np.int64),
            np.zeros((0, 4), np.float32),
            np.zeros(0, np.float32),
            np.zeros(0, np.int64),
            ended,
        )


@dataclass(frozen=True, slots=True, eq=False)
class TrackEvidence:
    """What one tick says about one live track.

    Attributes:
        key: the track.
        timestamp_s, frame_index: of the frame it was seen in.
        box_xyxy: (4,) float32, pixels of that frame.
        observations: crops of this track encoded so far.
        embedding: the newest clip embedding, if one was computed in this tick.
        quality: how much the newest crop can tell, 0 (nothing) to 1.
        floor_xy: where the person stands, metres on the site's floor; None without calibration.
    """

    key: TrackKey
    timestamp_s: float
    frame_index: int
    box_xyxy: FloatArray
    observations: int
    embedding: ClipEmbedding | None = None
    quality: float = 1.0
    floor_xy: tuple[float, float] | None = None


EventKind: TypeAlias = Literal["new", "matched", "seen", "merged", "split", "left", "forgotten"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was decided about an identity.

    Attributes:
        kind: `new` founds an identity on a tracklet; `matched` says a tracklet is a known identity; `seen` confirms a
            sighting; `merged` folds `other_identity_id` into `identity_id`; `split` moves the tracklet from
            `other_identity_id` to `identity_id`; `left` ends a track; `forgotten` erases an identity.
        identity_id: the cross-camera person.
        timestamp_s: when, on the camera's clock.
        camera_id, track_id, frame_index, box_xyxy: the sighting behind it, where there is one.
        similarity: of the match, larger is closer.
        other_identity_id: the second identity of a merge or split.
        first_frame: frame_index from which on the track is meant, up to its next tracklet; None: all of it.
        provisional: the evidence did not decide; what comes later will.
    """

    kind: EventKind
    identity_id: int
    timestamp_s: float
    camera_id: str | None = None
    track_id: int | None = None
    frame_index: int | None = None
    box_xyxy: tuple[float, float, float, float] | None = None
    similarity: float | None = None
    other_identity_id: int | None = None
    first_frame: int | None = None
    provisional: bool = False

    @classmethod
    def of_sighting(
        cls,
        kind: EventKind,
        identity_id: int,
        sighting: TrackEvidence,
        *,
        similarity: float | None = None,
        other_identity_id: int | None = None,
        first_frame: int | None = None,
        provisional: bool = False,
    ) -> Event:
        """What was decided because of a track's evidence, with the sighting behind it."""
        x1, y1, x2, y2 = (float(side) for side in sighting.box_xyxy)
        return cls(
            kind,
            identity_id,
            sighting.timestamp_s,
            sighting.key.camera_id,
            sighting.key.track_id,
            sighting.frame_index,
            (x1, y1, x2, y2),
            similarity,
            other_identity_id,
            first_frame,
            provisional,
        )


@dataclass(frozen=True, slots=True)
class Identity:
    """A person across cameras, as known now: where and when seen, and by which tracks."""

    identity_id: int
    first_seen_s: float
    last_seen_s: float
    tracks: tuple[TrackKey, ...]

    @property
    def camera_ids(self) -> tuple[str, ...]:
        """Cameras that saw this person, sorted."""
        return tuple(sorted({key.camera_id for key in self.tracks}))


@dataclass(frozen=True, slots=True, eq=False)
class CameraTick:
    """One camera's share of a tick.

    Attributes:
        frame: the picture.
        detections: the people found in it.
        tracks: the tracks shown in it.
        identity_ids: (K,) int64 beside `tracks`: the identity of each, 0 while undecided.
        embeddings: newest clip embedding of each track that got one in this tick, by track id.
    """

    frame: Frame
    detections: Detections
    tracks: Tracks
    identity_ids: IntArray
    embeddings: dict[int, ClipEmbedding]

    def __post_init__(self) -> None:
        _check("identity_ids", self.identity_ids, (len(self.tracks),), np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Tick:
    """One step of the pipeline: at most one frame of each camera, and what was decided on them.

    Attributes:
        index: 0-based count of ticks.
        timestamp_s: when it begins: the time of its earliest frame.
        cameras: those that gave a frame; with live cameras there may be none.
        events: what was decided, in order.
        joined: nominal frames per second of the cameras that joined the run since the tick before, by camera.
    """

    index: int
    timestamp_s: float
    cameras: tuple[CameraTick, ...]
    events: tuple[Event, ...]
    joined: Mapping[str, float] = field(default_factory=dict)
