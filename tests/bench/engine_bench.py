"""What engines bring on a CPU: `auto` beside the published arrangement in eager float32, in one run.

Random weights but for tiny: cost does not depend on their values. Engines are built in a folder that is thrown away.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from keyreid_engines.cache import EngineCache
from keyreid_engines.seam import EngineEncoders
from keyreid_stream.encoders import EncoderConfig
from keyreid_stream.encoders.card import BackendCard
from keyreid_stream.interfaces import ClipHead, FrameEncoder
from keyreid_stream.models.build import build_model
from keyreid_stream.models.config import named_model
from keyreid_stream.models.crops import crop_frames
from keyreid_stream.models.load import LoadedModel, load_model
from keyreid_stream.structures import COCO_KEYPOINTS, Clip, Crops, CropSpec, Detections, Encodings, Frame
from tests.bench.model_bench import BenchRow, alternating_seconds
from tests.parity.unfactorised import unfactorised

CLIPS = 8
CAMERAS, PEOPLE = 4, 8
FRAME_SIZE = (720, 1280)

MIN_NEW_CLIPS = 10.0
MIN_STREAMING = 25.0
MIN_TINY_CROPS = 200.0
MAX_WARM_S = 2.0


def run(rounds: int = 3, clips: int = CLIPS) -> list[BenchRow]:
    """Clips and crops per second, medians over `rounds`, every way in turn so that all meet the same machine."""
    with tempfile.TemporaryDirectory() as folder:
        cache = EngineCache(Path(folder))
        base, base_name = _auto(load_model("base"), cache)
        tiny, tiny_name = _auto(load_model(), cache)
        ways = (
            PublishedClips(clips),
            NewClips(*base, clips),
            OneCropEach(*base, clips),
            CutAndEncode(tiny[0]),
        )
        published_s, new_s, streaming_s, tiny_s = alternating_seconds(ways, rounds)
        starts = {name: [warm_start_s(name, Path(folder)) for _ in range(rounds)] for name in ("tiny", "base")}
    warm_s = {name: statistics.median(seconds) for name, seconds in starts.items()}
    new, streaming = published_s / new_s, published_s / streaming_s
    crops_per_s = CAMERAS * PEOPLE / tiny_s
    return [
        BenchRow(f"{clips} clips, published arrangement, eager float32", clips / published_s, "clips/s"),
        BenchRow(f"{clips} clips of new crops, base, {base_name}", clips / new_s, "clips/s"),
        _at_least("the same, beside the published arrangement", new, "x", MIN_NEW_CLIPS),
        BenchRow(f"{clips} tracks, one new crop each, base, {base_name}", clips / streaming_s, "clips/s"),
        _at_least("the same, beside the published arrangement", streaming, "x", MIN_STREAMING),
        _at_least(f"cut out and encoded, tiny, {tiny_name}", crops_per_s, "crops/s", MIN_TINY_CROPS),
        *(_at_most(f"start on a kept engine, {name}", seconds, "s", MAX_WARM_S) for name, seconds in warm_s.items()),
    ]


WARM_START = """
import sys, time
from pathlib import Path
from keyreid_engines.cache import EngineCache
from keyreid_engines.seam import EngineEncoders
from keyreid_stream.encoders import EncoderConfig
from keyreid_stream.models.load import load_model
loaded = load_model("base") if sys.argv[1] == "base" else load_model()
built = []
started = time.perf_counter()
config = EncoderConfig(backend="auto", device="cpu")
EngineEncoders(built.append, EngineCache(Path(sys.argv[2])))(loaded, config)
print(time.perf_counter() - started)
assert not any(line.startswith("building") for line in built), built
"""


def warm_start_s(name: str, folder: Path) -> float:
    """What `auto` adds to a start where its engine is kept: its library imported, the engine read and made ready."""
    command = (sys.executable, "-c", WARM_START, name, str(folder))
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


class PublishedClips:
    """Clips as the published code computes them: every crop through every part's own stack."""

    def __init__(self, clips: int) -> None:
        self._model = build_model(named_model("published"), seed=0)
        generator = torch.Generator().manual_seed(0)
        frames, spec = self._model.config.frames, self._model.crop_spec
        size = (spec.height, spec.width)
        self._crops = torch.randn(clips, frames, 3, *size, generator=generator)
        self._heatmaps = 2 * torch.rand(clips, frames, spec.parts, *size, generator=generator) - 1
        self._cameras = torch.zeros(clips, frames, dtype=torch.long)

    @torch.inference_mode()
    def __call__(self) -> object:
        """All clips, from pixels to embeddings."""
        return unfactorised(self._model, self._crops, self._heatmaps, self._cameras)


class NewClips:
    """Clips none of whose crops was seen before: T crops each."""

    def __init__(self, encoder: FrameEncoder, head: ClipHead, clips: int) -> None:
        self._encoder, self._head, self._clips = encoder, head, clips
        self._crops = drawn_crops(encoder.crop_spec, clips * head.frames_per_clip)

    def __call__(self) -> object:
        """All clips, from pixels to embeddings."""
        encodings = self._encoder.encode(self._crops)
        frames = self._head.frames_per_clip
        rows = [range(start, start + frames) for start in range(0, self._clips * frames, frames)]
        return self._head.embed([_clip(encodings, list(each)) for each in rows])


class OneCropEach:
    """Tracks that go on: one new crop for each, whose tokens join the T - 1 that were kept."""

    def __init__(self, encoder: FrameEncoder, head: ClipHead, tracks: int) -> None:
        self._encoder, self._head = encoder, head
        self._crops = drawn_crops(encoder.crop_spec, tracks)
        encodings = encoder.encode(self._crops)
        kept = head.frames_per_clip - 1
        self._kept = [_clip(encodings, [track] * kept) for track in range(tracks)]

    def __call__(self) -> object:
        """One new embedding for every track."""
        encodings = self._encoder.encode(self._crops)
        clips = [_joined(kept, _clip(encodings, [track])) for track, kept in enumerate(self._kept)]
        return self._head.embed(clips)


class CutAndEncode:
    """People of all cameras of a tick, cut out of their frames and encoded in one call."""

    def __init__(self, encoder: FrameEncoder) -> None:
        draw = np.random.default_rng(0)
        self._encoder = encoder
        self._frames = [
            Frame(f"cam{camera}", 0, 0.0, draw.integers(0, 256, (*FRAME_SIZE, 3), np.uint8))
            for camera in range(CAMERAS)
        ]
        self._people = [_people(draw) for _ in range(CAMERAS)]

    def __call__(self) -> object:
        """One tick."""
        return self._encoder.encode(crop_frames(self._frames, self._people, self._encoder.crop_spec))


def drawn_crops(spec: CropSpec, count: int) -> Crops:
    """Noise and random weights; what they show makes no difference to the time."""
    draw = np.random.default_rng(1)
    images = draw.integers(0, 256, (count, spec.height, spec.width, 3), np.uint8)
    return Crops(images, draw.random((count, spec.parts, spec.patches), np.float32))


def _people(draw: np.random.Generator) -> Detections:
    height, width = FRAME_SIZE
    corners = draw.uniform((0, 0), (width - 130, height - 330), (PEOPLE, 2))
    boxes = np.concatenate([corners, corners + draw.uniform((60, 150), (120, 320), (PEOPLE, 2))], axis=1)
    places = boxes[:, None, :2] + draw.random((PEOPLE, COCO_KEYPOINTS, 2)) * (boxes[:, None, 2:] - boxes[:, None, :2])
    keypoints = np.concatenate([places, draw.random((PEOPLE, COCO_KEYPOINTS, 1))], axis=2)
    return Detections(boxes.astype(np.float32), np.ones(PEOPLE, np.float32), keypoints.astype(np.float32))


def _auto(loaded: LoadedModel, cache: EngineCache) -> tuple[tuple[FrameEncoder, ClipHead], str]:
    """Both halves on what `auto` takes, and its name."""
    encoders = EngineEncoders(lambda line: None, cache)(loaded, EncoderConfig(backend="auto", device="cpu"))
    card: BackendCard = encoders[0].backend  # type: ignore[attr-defined]
    return encoders, f"{card.name} {card.precision}"


def _clip(encodings: Encodings, rows: list[int]) -> Clip:
    return Clip(encodings.tokens[rows], encodings.class_rows[rows], encodings.part_weights[rows])


def _joined(kept: Clip, new: Clip) -> Clip:
    return Clip(
        torch.cat([kept.tokens, new.tokens]),
        torch.cat([kept.class_rows, new.class_rows]),
        torch.cat([kept.part_weights, new.part_weights]),
    )


def _at_least(name: str, value: float, unit: str, least: float) -> BenchRow:
    return BenchRow(name, value, unit, f"at least {least:.0f}", value >= least)


def _at_most(name: str, value: float, unit: str, most: float) -> BenchRow:
    return BenchRow(name, value, unit, f"at most {most:.0f}", value <= most)
