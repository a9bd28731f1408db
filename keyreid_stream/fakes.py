"""A fake of every seam in `interfaces`, for users' tests: a whole pipeline in milliseconds, without any weights.

People are rectangles of one colour that walk over a black picture. Every fake is deterministic and right by
construction, so a test with one real component among fakes tests that component:

    red = Walker(colour=(255, 0, 0), start=(10, 20), step=(4, 0))
    source = FakeSource("door", [red], frame_count=20)

The same walkers in two sources are the same people seen by two cameras.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import numpy as np
import torch

from keyreid_stream.models.temporal import slot_frames
from keyreid_stream.structures import (
    Clip,
    ClipEmbeddings,
    Crops,
    CropSpec,
    Detections,
    EmbeddingLayout,
    Encodings,
    Event,
    FloatArray,
    Frame,
    Identity,
    ImageArray,
    LiveCounts,
    Tick,
    TrackEvidence,
    TrackKey,
    Tracks,
)

FAKE_CROPS = CropSpec(height=32, width=16, grid_rows=4, grid_columns=2, parts=6)
"""Small crops: 8 patches."""

CHANNELS = 4
"""D of the fake model: red, green, blue, and a little of a constant that keeps black from being a zero vector."""

_KEYPOINT_PLACES = np.array(
    [
        (0.5, 0.1), (0.55, 0.07), (0.45, 0.07), (0.6, 0.09), (0.4, 0.09),  # nose, eyes, ears
        (0.7, 0.25), (0.3, 0.25), (0.8, 0.4), (0.2, 0.4), (0.85, 0.55), (0.15, 0.55),  # shoulders, elbows, wrists
        (0.65, 0.55), (0.35, 0.55), (0.65, 0.75), (0.35, 0.75), (0.65, 0.95), (0.35, 0.95),  # hips, knees, ankles
    ],
    np.float32,
)  # fmt: skip
"""Where the 17 COCO keypoints of someone who faces the camera are in their box, as shares of its width and height."""


@dataclass(frozen=True, slots=True)
class Walker:
    """A person: a rectangle of one colour.

    Attributes:
        colour: RGB; a picture's people need different ones, not black.
        start: x and y of its top left corner in frame 0, pixels.
        step: pixels it moves in x and y per frame.
        size: width and height, pixels.
        enters: first frame that it is in.
        leaves: first frame that it is no longer in; None if it stays.
    """

    colour: tuple[int, int, int]
    start: tuple[int, int]
    step: tuple[int, int] = (0, 0)
    size: tuple[int, int] = (16, 32)
    enters: int = 0
    leaves: int | None = None

    def draw(self, image: ImageArray, frame_index: int) -> None:
        """Paint the walker over a picture, as far as it is in it."""
        if frame_index < self.enters or (self.leaves is not None and frame_index >= self.leaves):
            return
        x, y = (start + step * frame_index for start, step in zip(self.start, self.step, strict=True))
        width, height = self.size
        image[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)] = self.colour


class FakeSource:
    """A camera that sees walkers, later ones in front of earlier ones.

    Args:
        camera_id: its name.
        walkers: the people.
        frame_count: how many frames it gives.
        fps: frames per second; frame i has the timestamp i / fps.
        size: width and height of the pictures.
    """

    def __init__(
        self,
        camera_id: str,
        walkers: Sequence[Walker],
        *,
        frame_count: int = 10,
        fps: float = 10.0,
        size: tuple[int, int] = (160, 120),
    ) -> None:
        self._camera_id = camera_id
        self._walkers = tuple(walkers)
        self._frame_count = frame_count
        self._fps = fps
        self._size = size

    @property
    def camera_id(self) -> str:
        """The camera's name."""
        return self._camera_id

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self._fps

    def frames(self) -> Iterator[Frame]:
        """The frames in order."""
        for frame_index in range(self._frame_count):
            yield Frame(self._camera_id, frame_index, frame_index / self._fps, self.picture(frame_index))

    def picture(self, frame_index: int) -> ImageArray:
        """The walkers as they are in a frame, (height, width, 3)."""
        width, height = self._size
        image = np.zeros((height, width, 3), np.uint8)
        for walker in self._walkers:
            walker.draw(image, frame_index)
        return image


class FakeLiveSource:
    """A live camera that gives what it is told to: `show` a frame, `end`. It keeps the newest one only.

    Args:
        camera_id: its name.
        walkers: the people.
        fps: nominal frames per second.
        size: width and height of the pictures.

    Attributes:
        is_open: between `open` and `close`.
    """

    def __init__(
        self, camera_id: str, walkers: Sequence[Walker] = (), *, fps: float = 10.0, size: tuple[int, int] = (160, 120)
    ) -> None:
        self.is_open = False
        self._fake = FakeSource(camera_id, walkers, fps=fps, size=size)
        self._wake: Callable[[], None] = lambda: None
        self._newest: Frame | None = None
        self._counts = LiveCounts("connecting")

    @property
    def camera_id(self) -> str:
        """The camera's name."""
        return self._fake.camera_id

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self._fake.fps

    @property
    def has_ended(self) -> bool:
        """Whether it was told to end."""
        return self._counts.state == "ended"

    @property
    def counts(self) -> LiveCounts:
        """Frames shown and dropped."""
        return self._counts

    def open(self, wake: Callable[[], None]) -> None:
        """Call `wake` at every frame from now on."""
        self.is_open = True
        self._wake = wake

    def show(self, frame_index: int, timestamp_s: float, *, epoch: int = 0) -> None:
        """Have a frame come: the walkers as they are in frame `frame_index`."""
        image = self._fake.picture(frame_index)
        if self._newest is not None:
            self._counts = replace(self._counts, dropped=self._counts.dropped + 1)
        self._counts = replace(
            self._counts,
            state="streaming",
            epoch=epoch,
            frames_in=self._counts.frames_in + 1,
            last_arrival_s=timestamp_s,
        )
        self._newest = Frame(self.camera_id, frame_index, timestamp_s, image, epoch)
        self._wake()

    def end(self) -> None:
        """Give no more frames."""
        self._counts = replace(self._counts, state="ended")
        self._wake()

    def newest(self) -> Frame | None:
        """The newest frame, once."""
        frame, self._newest = self._newest, None
        return frame

    def frames(self) -> Iterator[Frame]:
        """The frame that is there, if any: a fake has no time of its own."""
        while (frame := self.newest()) is not None:
            yield frame

    def close(self) -> None:
        """Frames come no more."""
        self.is_open = False
        self._wake = lambda: None


class FakeDetector:
    """Finds every colour but black: a box around all its pixels, from left to right, with keypoints if asked.

    It is exact, so it works on pictures of `FakeSource` only, not on compressed video.
    """

    def __init__(self, *, keypoints: bool = True, confidence: float = 0.9) -> None:
        self._keypoints = keypoints
        self._confidence = confidence

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """The people of each frame."""
        return [self._people(frame.image) for frame in frames]

    def _people(self, image: ImageArray) -> Detections:
        codes = image.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
        boxes = []
        for code in np.unique(codes[codes > 0]):
            rows, columns = np.nonzero(codes == code)
            boxes.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
        boxes_xyxy = np.array(sorted(boxes), np.float32).reshape(-1, 4)
        confidence = np.full(len(boxes), self._confidence, np.float32)
        return Detections(boxes_xyxy, confidence, self._pose(boxes_xyxy) if self._keypoints else None)

    def _pose(self, boxes_xyxy: FloatArray) -> FloatArray:
        corner, size = boxes_xyxy[:, None, :2], boxes_xyxy[:, None, 2:] - boxes_xyxy[:, None, :2]
        places = corner + size * _KEYPOINT_PLACES
        return np.concatenate([places, np.full_like(places[..., :1], self._confidence)], axis=2)


class FakeFrameEncoder:
    """Knows people by colour: a token is the mean colour of its patch, the class row that of the crop."""

    def __init__(self, crop_spec: CropSpec = FAKE_CROPS) -> None:
        self._crop_spec = crop_spec

    @property
    def crop_spec(self) -> CropSpec:
        """The crops it wants."""
        return self._crop_spec

    def encode(self, crops: Crops) -> Encodings:
        """Encode N crops."""
        spec = self._crop_spec
        patch_height, patch_width = spec.height // spec.grid_rows, spec.width // spec.grid_columns
        grid = crops.images.reshape(len(crops), spec.grid_rows, patch_height, spec.grid_columns, patch_width, 3)
        colours = grid.mean(axis=(2, 4), dtype=np.float32).reshape(len(crops), spec.patches, 3) / 255
        patches = np.concatenate([colours, np.full_like(colours[..., :1], 0.1)], axis=2)
        class_rows = patches.mean(axis=1)
        tokens = np.concatenate([class_rows[:, None], patches], axis=1)
        return Encodings(
            torch.from_numpy(tokens),
            torch.from_numpy(class_rows),
            torch.from_numpy(crops.part_weights),
            _unit_rows(class_rows),
        )


class FakeClipHead:
    """The mean colour of a clip's T slots, filled as `slot_frames` says, whole and by part; a hidden part is 0."""

    def __init__(self, *, frames_per_clip: int = 4, parts: int = FAKE_CROPS.parts) -> None:
        self._frames_per_clip = frames_per_clip
        self._layout = EmbeddingLayout(global_dim=CHANNELS, parts=parts, part_dim=CHANNELS)

    @property
    def frames_per_clip(self) -> int:
        """T, the most crops that a clip may hold."""
        return self._frames_per_clip

    @property
    def layout(self) -> EmbeddingLayout:
        """The layout of its embeddings."""
        return self._layout

    def embed(self, clips: Sequence[Clip]) -> ClipEmbeddings:
        """One embedding per clip.

        Raises:
            ValueError: a clip of more than T crops.
        """
        vectors = np.zeros((len(clips), self._layout.size), np.float32)
        visibility = np.zeros((len(clips), self._layout.parts), np.float32)
        for row, clip in enumerate(clips):
            slots = slot_frames(len(clip), self._frames_per_clip)
            weights_TPM = np.maximum(clip.part_weights[slots].numpy(), 0)
            sums_PD = np.einsum("tpm,tmd->pd", weights_TPM, clip.tokens[slots, 1:].numpy())
            parts_PD = sums_PD / np.maximum(weights_TPM.sum(axis=(0, 2)), 1e-6)[:, None]
            vectors[row] = np.concatenate([clip.class_rows[slots].numpy().mean(axis=0), parts_PD.ravel()])
            visibility[row] = (weights_TPM.max(axis=2) > 0).mean(axis=0)
        return ClipEmbeddings(vectors, visibility, self._layout)


class FakeTracker:
    """Gives each detection the id of the track whose last box it overlaps most; ignores appearance.

    Args:
        max_age: frames that a track may go unseen before it ends.

    Attributes:
        written: what was written back last, by track id, for tests to look at.
    """

    def __init__(self, *, max_age: int = 3) -> None:
        self.written: dict[int, FloatArray] = {}
        self._max_age = max_age
        self._boxes: dict[int, FloatArray] = {}
        self._unseen: dict[int, int] = {}
        self._next_id = 1

    def update(self, frame: Frame, detections: Detections, appearance: FloatArray) -> Tracks:  # noqa: ARG002
        """Advance by one frame."""
        track_ids = self._assign(detections)
        for track_id, box in zip(track_ids, detections.boxes_xyxy, strict=True):
            self._boxes[track_id] = box
        ended = self._age(set(track_ids))
        return Tracks(
            np.array(track_ids, np.int64),
            detections.boxes_xyxy,
            detections.confidence,
            np.arange(len(detections)),
            ended,
        )

    def write_back(self, embeddings: Mapping[int, FloatArray]) -> None:
        """Remember what was written, for live tracks."""
        self.written.update({track_id: row for track_id, row in embeddings.items() if track_id in self._boxes})

    def _assign(self, detections: Detections) -> list[int]:
        """Greedily by overlap, best pair first; what overlaps nothing founds a track."""
        pairs = sorted(
            (-_overlap(last, box), track_id, row)
            for track_id, last in self._boxes.items()
            for row, box in enumerate(detections.boxes_xyxy)
        )
        id_by_row: dict[int, int] = {}
        for overlap, track_id, row in pairs:
            if overlap < 0 and row not in id_by_row and track_id not in id_by_row.values():
                id_by_row[row] = track_id
        for row in range(len(detections)):
            if row not in id_by_row:
                id_by_row[row] = self._next_id
                self._next_id += 1
        return [id_by_row[row] for row in range(len(detections))]

    def _age(self, seen: set[int]) -> tuple[int, ...]:
        """Count the frames that tracks go unseen; drop and return those that ended."""
        self._unseen = {track_id: 0 if track_id in seen else self._unseen[track_id] + 1 for track_id in self._boxes}
        ended = tuple(track_id for track_id, frames in self._unseen.items() if frames > self._max_age)
        for track_id in ended:
            del self._boxes[track_id], self._unseen[track_id]
            self.written.pop(track_id, None)
        return ended


class FakeAssociator:
    """Takes every track for a person of its own, from its first crop on."""

    def __init__(self) -> None:
        self._identity_by_track: dict[TrackKey, Identity] = {}

    def update(self, timestamp_s: float, evidence: Sequence[TrackEvidence], ended: Sequence[TrackKey]) -> list[Event]:
        """Take one tick's evidence: `new` for a first sighting, `seen` for others, `left` for ended tracks."""
        events = [self._sight(one) for one in evidence]
        for key in ended:
            if key in self._identity_by_track:
                identity_id = self._identity_by_track[key].identity_id
                events.append(Event("left", identity_id, timestamp_s, key.camera_id, key.track_id))
        return events

    def identity_of(self, key: TrackKey) -> int | None:
        """The identity of a track, None if it was never seen."""
        identity = self._identity_by_track.get(key)
        return None if identity is None else identity.identity_id

    def identities(self) -> list[Identity]:
        """Everyone, by identity id."""
        return list(self._identity_by_track.values())

    def _sight(self, one: TrackEvidence) -> Event:
        known = self._identity_by_track.get(one.key)
        identity_id = known.identity_id if known else len(self._identity_by_track) + 1
        first_seen_s = known.first_seen_s if known else one.timestamp_s
        self._identity_by_track[one.key] = Identity(identity_id, first_seen_s, one.timestamp_s, (one.key,))
        return Event.of_sighting("seen" if known else "new", identity_id, one)


class RecordingSink:
    """Keeps every tick.

    Attributes:
        ticks: what was written.
        is_open: between `__enter__` and `__exit__`.
        error: what ended the run, None if nothing did.
    """

    def __init__(self) -> None:
        self.ticks: list[Tick] = []
        self.is_open = False
        self.error: BaseException | None = None

    def __enter__(self) -> Self:
        """Open."""
        self.is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Close, and remember the error."""
        self.is_open = False
        self.error = error

    def write(self, tick: Tick, /) -> None:
        """Keep one tick.

        Raises:
            RuntimeError: the sink is not open.
        """
        if not self.is_open:
            raise RuntimeError("a sink was written to outside its `with` block")
        self.ticks.append(tick)

    @property
    def events(self) -> list[Event]:
        """The events of all ticks, in order."""
        return [event for tick in self.ticks for event in tick.events]


def _unit_rows(rows: FloatArray) -> FloatArray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _overlap(one: FloatArray, other: FloatArray) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    intersection = float(np.prod(np.maximum(sides, 0)))
    areas = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]))
    return intersection / (areas - intersection)
