"""The pipeline: the only place that joins the stages.

    sources -> pose -> crops -> frame encoder -> tracker -> clip buffer -> clip head -> associator

What the associator is told of a track besides, its sightings' quality and its place on the floor, comes from the
detections and, where there are calibrations, from `geometry`.

Each step of it, a tick, takes at most one frame of every camera. People of all cameras go through one call of the
detector, one of the frame encoder and one of the clip head; trackers stay independent per camera.

Files are merged by time and every frame is used. Live cameras are asked for their newest frame: what comes while a tick
is worked on is dropped, so that delay stays bounded, and counted by its camera.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np

from keyreid_stream.association import AssociationConfig, open_associator
from keyreid_stream.config import DeploymentConfig
from keyreid_stream.encoders import EncoderConfig, torch_encoders
from keyreid_stream.errors import ConfigError, InputError
from keyreid_stream.geometry.calibration import Points
from keyreid_stream.geometry.calibrations import read_calibrations
from keyreid_stream.geometry.site import SiteGeometry
from keyreid_stream.geometry.zones import Zones
from keyreid_stream.interfaces import (
    Associator,
    ClipHead,
    FrameEncoder,
    LiveSource,
    PoseDetector,
    Sink,
    Source,
    Tracker,
)
from keyreid_stream.models.crops import crop_frames
from keyreid_stream.models.load import LoadedModel, ModelCard, load_model
from keyreid_stream.models.sighting_quality import sighting_quality
from keyreid_stream.oracle import OracleName, OracleStages
from keyreid_stream.pipeline_camera import PipelineCamera
from keyreid_stream.pose import UltralyticsPose
from keyreid_stream.sources import LiveMerge, merge, open_sources
from keyreid_stream.structures import (
    CameraTick,
    ClipEmbedding,
    Detections,
    Encodings,
    FloatArray,
    Frame,
    IntArray,
    LiveCounts,
    Tick,
    TrackEvidence,
    TrackKey,
    Tracks,
)
from keyreid_stream.timing import StageTimes
from keyreid_stream.tracking import BoxmotTracker, ClipBuffer, ClipConfig, EncodingPlan
from keyreid_stream.tracking.encoding_plan import AT_FIRST, NOBODY

NOT_GLUE = frozenset({"sources", "pose", "frame encoder", "clip head"})
"""Stages that wait for frames, decode or run a network; what a tick takes besides is ours."""

LIVE_ENCODE_EVERY = 5
"""See `ClipConfig.encode_every`; docs/decisions/0027-encoding-plan.md has what it costs and brings."""

MakeEncoders: TypeAlias = Callable[[LoadedModel, EncoderConfig], tuple[FrameEncoder, ClipHead]]
"""Puts a loaded model on a backend, as the settings ask."""


@dataclass(frozen=True, slots=True)
class Stages:
    """One implementation of every seam in `keyreid_stream.interfaces`; swap any with `dataclasses.replace`.

    `quality` says how much the picture of each of a frame's N people can tell, (N,) from 0 to 1; without it everyone
    counts in full.
    """

    sources: Sequence[Source]
    detector: PoseDetector
    encoder: FrameEncoder
    clip_head: ClipHead
    make_tracker: Callable[[Source], Tracker]
    associator: Associator
    quality: Callable[[Frame, Detections], FloatArray] | None = None


class Pipeline:
    """Iterate over it to get ticks, or let `run` hand them to sinks.

    A pipeline runs once. Everything it counts and remembers lives in it and its stages, so any number of pipelines
    can share a process.

    Attributes:
        stages: what it runs.
        model: what the KeyRe-ID model in it is; None for an encoder that brought no card.
        oracles: what is taken from the truth and not measured.
        geometry: where people stand; None without calibrations.
        live: what merges live cameras, for adding and removing them; None for files.
        times: seconds per stage so far.
    """

    def __init__(
        self,
        stages: Stages,
        *,
        clips: ClipConfig | None = None,
        merge_window_s: float | None = None,
        model: ModelCard | None = None,
        oracles: Sequence[OracleName] = (),
        geometry: SiteGeometry | None = None,
        zones: Zones | None = None,
        encode_first: int = AT_FIRST,
    ) -> None:
        """Join stages.

        Args:
            stages: one implementation of every seam.
            clips: how a track's crops become clips.
            merge_window_s: see `sources.merge`; of live cameras, how long a tick waits for the others.
            model: the card of the model behind the encoder and clip head.
            oracles: what these stages take from the truth, for reports.
            geometry: the calibrations of these cameras.
            zones: where in their pictures people count; None: everywhere.
            encode_first: of every track, so many sightings are encoded before any is passed over.

        Raises:
            ConfigError: two sources have the same camera id, or some are live and some are not.
            InputError: there is no source, or the merge window does not fit their frame rates.
        """
        self.stages = stages
        self.model = model
        self.oracles = tuple(oracles)
        self.geometry = geometry
        self._zones = zones
        self.times = StageTimes(not_glue=NOT_GLUE)
        self._clip_config = clips or ClipConfig()
        self._encode_first = encode_first
        self._cameras = {source.camera_id: self._camera(source) for source in stages.sources}
        if len(self._cameras) != len(stages.sources):
            raise ConfigError("two cameras have the same id; give each its own name")
        self._clips = ClipBuffer(self._clip_config, stages.clip_head.frames_per_clip)
        live = _all_live(stages.sources)
        self.live = LiveMerge(live, wait_s=merge_window_s) if live else None
        self._merged = (
            merge(list(self._cameras.values()), window_s=merge_window_s) if self.live is None else self.live.ticks()
        )
        self._now_s = 0.0
        self._joined: dict[str, float] = {}
        self._left: list[TrackKey] = []
        self._started = False

    @classmethod
    def from_config(
        cls,
        config: DeploymentConfig,
        *,
        sources: Sequence[Source] | None = None,
        detector: PoseDetector | None = None,
        encoders: tuple[FrameEncoder, ClipHead] | None = None,
        make_encoders: MakeEncoders | None = None,
        make_tracker: Callable[[Source], Tracker] | None = None,
        associator: Associator | None = None,
    ) -> Self:
        """Open cameras and load weights as the settings say; what is given here takes the place of its stage.

        A stage that is given is used as it is, also where the settings say that its results are the truth.
        `make_encoders` puts the model that the settings name on a backend of its own, instead of on PyTorch.

        Raises:
            InputError: a camera, weights file or setting is bad, or a camera has no truth to take.
        """
        card = None
        if config.association.gallery is not None and "identities" in config.oracle:
            raise ConfigError(
                "a gallery (association.gallery) needs the associator, whom the truth replaces; choose one"
            )
        given = {"detections": detector, "keypoints": detector, "tracks": make_tracker, "identities": associator}
        oracles = [name for name in config.oracle if given[name] is None]
        # Cameras first: a mistyped path should not cost the time it takes to load models.
        if sources is None:
            given_sources = config.sources
            sources = open_sources(
                given_sources.cameras,
                max_fps=given_sources.max_fps,
                keep_truth=bool(oracles),
                live=given_sources.live,
            )
        _all_live(sources)
        _check_retention(config.association, [source.camera_id for source in sources])
        zones = Zones(config.zones, [source.camera_id for source in sources]) if config.zones else None
        geometry = None
        if config.sources.calibration is not None:
            calibrations = read_calibrations(Path(config.sources.calibration).expanduser())
            geometry = SiteGeometry(
                calibrations, [source.camera_id for source in sources], live=bool(_all_live(sources))
            )
        oracle = OracleStages(oracles, sources)
        if encoders is None:
            loaded = load_model(config.model.name, config.model.weights, seed=config.model.seed)
            on_backend = make_encoders or _on_torch
            encoders, card = on_backend(loaded, config.model), loaded.card

        def make_boxmot(source: Source) -> Tracker:
            return BoxmotTracker(config.tracking, camera_id=source.camera_id, fps=source.fps)

        if detector is None:
            detector = oracle.detector(lambda: UltralyticsPose(config.pose))
        if associator is None:
            head = encoders[1]
            model = (card.name, card.sha256) if card else (type(head).__qualname__, "")
            associator = oracle.associator(lambda: open_associator(config.association, head.layout, *model))
        stages = Stages(
            sources=sources,
            detector=detector,
            encoder=encoders[0],
            clip_head=encoders[1],
            make_tracker=oracle.tracker_maker(make_boxmot) if make_tracker is None else make_tracker,
            associator=associator,
            quality=_quality,
        )
        return cls(
            stages,
            clips=config.clips,
            merge_window_s=config.sources.merge_window_s,
            model=card,
            oracles=oracle.names,
            geometry=geometry,
            zones=zones,
            encode_first=max(AT_FIRST, config.association.min_observations),
        )

    def __iter__(self) -> Iterator[Tick]:
        if self._started:
            raise InputError("a pipeline runs once, since its trackers remember; make another one")
        self._started = True
        with closing(self._merged):
            index = 0
            while True:
                with self.times.measure("sources"):
                    frames = next(self._merged, None)
                if frames is None:
                    return
                yield self._tick(index, frames)
                self.times.end_tick()  # after whoever took the tick has asked for the next one
                index += 1

    def run(self, sinks: Sequence[Sink]) -> None:
        """Hand every tick to the sinks, in their order; they are finished and closed whatever happens."""
        with ExitStack() as stack:
            opened = [stack.enter_context(sink) for sink in sinks]
            for tick in self:
                with self.times.measure("sinks"):
                    for sink in opened:
                        sink.write(tick)

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every camera of the run so far, also those that left."""
        return tuple(camera.source for camera in self._cameras.values())

    @property
    def encoded_and_reused(self) -> dict[str, tuple[int, int]]:
        """By camera: sightings that were encoded, and those that their track's own appearance stood in for."""
        return {name: (camera.encoded, camera.reused) for name, camera in self._cameras.items()}

    @property
    def live_counts(self) -> dict[str, LiveCounts]:
        """How the live cameras are doing that are in the run now."""
        return {} if self.live is None else {source.camera_id: source.counts for source in self.live.cameras}

    def join(self, source: LiveSource) -> None:
        """Take one more camera from the next tick on; call it in the pipeline's thread (`live.between_ticks`).

        A camera of the name of one that left goes on with its numbers: no track or frame has the same one twice.

        Raises:
            ConfigError: there is one of this name, or this run is of files.
        """
        if self.live is None:
            raise ConfigError("a run of files takes no more cameras; start another run")
        known = self._cameras.get(source.camera_id)
        camera = self._camera(source) if known is None else known
        self.live.add(source)
        if camera is known:
            known.come_back(source)
        self._cameras[source.camera_id] = camera
        self._joined[source.camera_id] = source.fps

    def leave(self, camera_id: str) -> None:
        """Close a live camera and end its tracks with the next tick; call it in the pipeline's thread.

        Raises:
            ConfigError: there is none of this name.
        """
        if self.live is None or camera_id not in {source.camera_id for source in self.live.cameras}:
            raise ConfigError(f"there is no live camera {camera_id!r} in this run")
        self.live.remove(camera_id)
        self._left += self._cameras[camera_id].end_all()

    def _tick(self, index: int, frames: list[Frame]) -> Tick:
        frames = [self._cameras[frame.camera_id].numbered(frame) for frame in frames]
        timestamp_s = self._begin(frames)
        joined, self._joined = self._joined, {}
        if not frames:
            with self.times.measure("associator"):
                events = self.stages.associator.update(timestamp_s, [], self._end_tracks(timestamp_s, [], []))
            return Tick(index, timestamp_s, (), tuple(events), joined)
        with self.times.measure("pose"):
            detections = self.stages.detector.detect(frames)
            if self._zones is not None:
                detections = [self._zones.keep(frame, found) for frame, found in zip(frames, detections, strict=True)]
        with self.times.measure("quality"):
            qualities = [self._quality(frame, found) for frame, found in zip(frames, detections, strict=True)]
            stand_ins = self._stand_ins(frames, detections, qualities)
        with self.times.measure("crops"):
            to_encode = [found.select(by == NOBODY) for found, by in zip(detections, stand_ins, strict=True)]
            crops = crop_frames(frames, to_encode, self.stages.encoder.crop_spec)
        with self.times.measure("frame encoder"):
            encodings = self.stages.encoder.encode(crops)
        with self.times.measure("tracker"):
            tracks = self._track(frames, detections, stand_ins, encodings, qualities)
            ended = self._end_tracks(timestamp_s, frames, tracks)
        with self.times.measure("clip head"):
            embeddings = self._embed(frames, tracks)
            self._write_back(frames, tracks, embeddings)
        self._judge(frames, tracks, qualities)
        places = self._places(timestamp_s, frames, detections)
        with self.times.measure("associator"):
            evidence = self._evidence(frames, tracks, embeddings, places)
            events = self.stages.associator.update(timestamp_s, evidence, ended)
        cameras = tuple(
            self._camera_tick(frame, found, shown, embeddings)
            for frame, found, shown in zip(frames, detections, tracks, strict=True)
        )
        return Tick(index, timestamp_s, cameras, tuple(events), joined)

    def _camera(self, source: Source) -> PipelineCamera:
        every = self._clip_config.encode_every
        if every is None:
            every = LIVE_ENCODE_EVERY if isinstance(source, LiveSource) else 1
        return PipelineCamera(source, self.stages.make_tracker, EncodingPlan(every, self._encode_first))

    def _begin(self, frames: list[Frame]) -> float:
        """The time of this tick. Live cameras' clocks differ: with them, a tick never begins before the one before."""
        if self.live is None:
            return min(frame.timestamp_s for frame in frames)
        self._now_s = max(self._now_s, min((frame.timestamp_s for frame in frames), default=time.time()))
        return self._now_s

    def _quality(self, frame: Frame, found: Detections) -> FloatArray:
        measure = self.stages.quality
        return np.ones(len(found), np.float32) if measure is None else measure(frame, found)

    def _stand_ins(
        self, frames: list[Frame], detections: list[Detections], qualities: list[FloatArray]
    ) -> list[IntArray]:
        """For each frame the tracks whose own appearance stands in for its people's (N,); `NOBODY` is encoded."""
        chosen = []
        for frame, found, quality in zip(frames, detections, qualities, strict=True):
            camera = self._cameras[frame.camera_id]
            chosen.append(camera.plan.choose(frame.timestamp_s, found, quality, epoch=frame.epoch))
            encoded = int((chosen[-1] == NOBODY).sum())
            camera.encoded += encoded
            camera.reused += len(found) - encoded
        return chosen

    def _track(
        self,
        frames: list[Frame],
        detections: list[Detections],
        stand_ins: list[IntArray],
        encodings: Encodings,
        qualities: list[FloatArray],
    ) -> list[Tracks]:
        """Update each camera's tracker and put the encoded crops behind its tracks into their clips."""
        tracks = []
        first_row = 0
        for frame, found, by, quality in zip(frames, detections, stand_ins, qualities, strict=True):
            camera = self._cameras[frame.camera_id]
            encoded = by == NOBODY
            rows = np.where(encoded, first_row + np.cumsum(encoded) - 1, -1)
            appearance = np.empty((len(found), encodings.appearance.shape[1]), np.float32)
            appearance[encoded] = encodings.appearance[rows[encoded]]
            for detection in np.flatnonzero(~encoded):
                appearance[detection] = camera.plan.appearance(int(by[detection]))
            shown = camera.tracker.update(frame, found, appearance)
            camera.plan.follow(frame.timestamp_s, shown, found, encoded, appearance, quality)
            for track_id, detection in zip(shown.track_ids, shown.detection_indices, strict=True):
                if detection >= 0 and encoded[detection]:
                    self._clips.push(TrackKey(frame.camera_id, int(track_id)), encodings, int(rows[detection]))
            tracks.append(shown)
            first_row += int(encoded.sum())
        return tracks

    def _end_tracks(self, timestamp_s: float, frames: list[Frame], tracks: list[Tracks]) -> list[TrackKey]:
        """Forget the crops of tracks that can no longer come back: their tracker says so, or their camera is gone."""
        ended, self._left = self._left, []
        for frame, shown in zip(frames, tracks, strict=True):
            self._cameras[frame.camera_id].live.update(int(track_id) for track_id in shown.track_ids)
            ended += [TrackKey(frame.camera_id, track_id) for track_id in shown.ended]
        in_this_tick = {frame.camera_id for frame in frames}
        for camera in self._cameras.values():
            gone = camera.has_ended or (self.live is not None and camera.is_silent(timestamp_s))
            if gone and camera.live and camera.camera_id not in in_this_tick:
                ended += camera.end_all()
        for key in ended:
            self._cameras[key.camera_id].forget(key.track_id)
            self._clips.drop(key)
        return ended

    def _embed(self, frames: list[Frame], tracks: list[Tracks]) -> dict[TrackKey, ClipEmbedding]:
        """New clip embeddings of the tracks in view that are due for one, all cameras in one batch."""
        in_view = [key for frame, shown in zip(frames, tracks, strict=True) for key in _keys(frame, shown)]
        due = [key for key in in_view if self._clips.is_due(key)]
        embedded = self.stages.clip_head.embed([self._clips.take(key) for key in due])
        return {key: embedded[row] for row, key in enumerate(due)}

    def _write_back(self, frames: list[Frame], tracks: list[Tracks], embeddings: dict[TrackKey, ClipEmbedding]) -> None:
        """Let trackers match by clips: every frame, since a tracker blends each frame's own appearance in."""
        for key, embedding in embeddings.items():
            self._cameras[key.camera_id].global_parts[key.track_id] = embedding.global_part
        for frame, shown in zip(frames, tracks, strict=True):
            camera = self._cameras[frame.camera_id]
            known = {int(i): camera.global_parts[int(i)] for i in shown.track_ids if int(i) in camera.global_parts}
            camera.tracker.write_back(known)

    def _places(self, timestamp_s: float, frames: list[Frame], detections: list[Detections]) -> list[Points] | None:
        """Where the people of each frame stand; None without calibrations."""
        if self.geometry is None:
            return None
        with self.times.measure("geometry"):
            return self.geometry.locate(timestamp_s, frames, detections)

    def _judge(self, frames: list[Frame], tracks: list[Tracks], qualities: list[FloatArray]) -> None:
        """Remember the quality of the newest sighting of each track."""
        for frame, shown, quality in zip(frames, tracks, qualities, strict=True):
            known = self._cameras[frame.camera_id].qualities
            for track_id, detection in zip(shown.track_ids, shown.detection_indices, strict=True):
                if detection >= 0:
                    known[int(track_id)] = float(quality[detection])

    def _evidence(
        self,
        frames: list[Frame],
        tracks: list[Tracks],
        embeddings: dict[TrackKey, ClipEmbedding],
        places: list[Points] | None,
    ) -> list[TrackEvidence]:
        """What the associator is told of every track in view; a predicted one stands nowhere."""
        evidence = []
        for camera_row, (frame, shown) in enumerate(zip(frames, tracks, strict=True)):
            qualities = self._cameras[frame.camera_id].qualities
            for row, key in enumerate(_keys(frame, shown)):
                detection = int(shown.detection_indices[row])
                evidence.append(
                    TrackEvidence(
                        key,
                        frame.timestamp_s,
                        frame.frame_index,
                        shown.boxes_xyxy[row],
                        self._clips.observations(key),
                        embeddings.get(key),
                        quality=qualities.get(key.track_id, 0.0),
                        floor_xy=None if places is None or detection < 0 else _place(places[camera_row][detection]),
                    )
                )
        return evidence

    def _camera_tick(
        self, frame: Frame, found: Detections, shown: Tracks, embeddings: dict[TrackKey, ClipEmbedding]
    ) -> CameraTick:
        keys = _keys(frame, shown)
        identity_ids = np.array([self.stages.associator.identity_of(key) or 0 for key in keys], np.int64)
        own = {key.track_id: embeddings[key] for key in keys if key in embeddings}
        return CameraTick(frame, found, shown, identity_ids, own)


def _all_live(sources: Sequence[Source]) -> list[LiveSource]:
    """The sources, if they are live; none of files and worlds."""
    live = [source for source in sources if isinstance(source, LiveSource)]
    if live and len(live) < len(sources):
        file = next(source.camera_id for source in sources if not isinstance(source, LiveSource))
        raise ConfigError(
            f"live cameras and files have different clocks and cannot share a run: {live[0].camera_id!r} is live, "
            f"{file!r} is not; run them apart"
        )
    return live


def _check_retention(config: AssociationConfig, camera_ids: Sequence[str]) -> None:
    """What a mistyped camera saw would be kept too long; a gallery's file may know cameras of other runs."""
    unknown = sorted(set(config.camera_retention_s) - set(camera_ids))
    if unknown and config.gallery is None:
        raise ConfigError(
            f"association.camera_retention_s names {', '.join(map(repr, unknown))}, but the cameras are "
            f"{', '.join(map(repr, camera_ids))}; name one of these"
        )


def _on_torch(loaded: LoadedModel, config: EncoderConfig) -> tuple[FrameEncoder, ClipHead]:
    return torch_encoders(loaded.model, config)


def _quality(frame: Frame, found: Detections) -> FloatArray:
    return sighting_quality(frame.image, found.boxes_xyxy, found.keypoints)


def _place(floor_xy: Points) -> tuple[float, float] | None:
    x, y = floor_xy.tolist()
    return (x, y) if np.isfinite(floor_xy).all() else None


def _keys(frame: Frame, shown: Tracks) -> list[TrackKey]:
    return [TrackKey(frame.camera_id, int(track_id)) for track_id in shown.track_ids]
