"""The pipeline with fakes at every seam: what joins the stages is the only real component."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pytest

from keyreid_stream.association import AssociationConfig, OnlineAssociator
from keyreid_stream.config import deployment
from keyreid_stream.errors import ConfigError, InputError
from keyreid_stream.fakes import (
    FakeAssociator,
    FakeClipHead,
    FakeDetector,
    FakeFrameEncoder,
    FakeSource,
    FakeTracker,
    RecordingSink,
    Walker,
)
from keyreid_stream.geometry.zones import Zone, Zones
from keyreid_stream.interfaces import Source, Tracker
from keyreid_stream.pipeline import Pipeline, Stages
from keyreid_stream.structures import (
    Clip,
    ClipEmbeddings,
    Crops,
    Detections,
    Encodings,
    FloatArray,
    Frame,
    Tick,
    TrackKey,
    Tracks,
)
from keyreid_stream.tracking import ClipConfig

RED = Walker(colour=(200, 0, 0), start=(10, 20), step=(2, 0))
BLUE = Walker(colour=(0, 0, 200), start=(100, 60), step=(-2, 0))


def stages(sources: Sequence[Source], make_tracker: Callable[[Source], Tracker] | None = None) -> Stages:
    return Stages(
        sources=sources,
        detector=FakeDetector(),
        encoder=FakeFrameEncoder(),
        clip_head=FakeClipHead(),
        make_tracker=make_tracker or (lambda _: FakeTracker()),
        associator=OnlineAssociator(AssociationConfig(threshold=0.9)),
    )


def two_cameras(frame_count: int = 12) -> list[FakeSource]:
    return [
        FakeSource("a", [RED, BLUE], frame_count=frame_count),
        FakeSource("b", [BLUE, RED], frame_count=frame_count),
    ]


def identity_by_colour(tick: Tick) -> dict[str, dict[str, int]]:
    """Per camera, the identity shown where each colour is."""
    shown: dict[str, dict[str, int]] = {}
    for camera in tick.cameras:
        for box, identity_id in zip(camera.tracks.boxes_xyxy, camera.identity_ids, strict=True):
            x, y = int(box[0]) + 2, int(box[1]) + 2
            colour = "red" if camera.frame.image[y, x, 0] else "blue"
            shown.setdefault(camera.frame.camera_id, {})[colour] = int(identity_id)
    return shown


def test_the_same_people_in_two_cameras_get_the_same_identities() -> None:
    last = list(Pipeline(stages(two_cameras())))[-1]
    shown = identity_by_colour(last)
    assert shown["a"] == shown["b"]
    assert shown["a"]["red"] != shown["a"]["blue"]
    assert 0 not in shown["a"].values()


def test_a_tick_carries_everything_that_was_found() -> None:
    ticks = list(Pipeline(stages(two_cameras())))
    assert [tick.index for tick in ticks] == list(range(12))
    assert [tick.timestamp_s for tick in ticks] == pytest.approx([index / 10 for index in range(12)])
    tick = ticks[3]  # the fourth crop completes the first full clip
    assert [camera.frame.camera_id for camera in tick.cameras] == ["a", "b"]
    for camera in tick.cameras:
        assert len(camera.detections) == len(camera.tracks) == 2
        assert camera.detections.keypoints is not None
        assert sorted(camera.embeddings) == [1, 2]
        assert camera.embeddings[1].layout == FakeClipHead().layout
    assert [event.kind for event in tick.events] == ["new", "new", "matched", "matched"]


def test_nobody_has_an_identity_before_enough_was_seen() -> None:
    ticks = list(Pipeline(stages(two_cameras())))
    assert all((camera.identity_ids == 0).all() for tick in ticks[:3] for camera in tick.cameras)


def test_each_detection_goes_to_the_clip_of_its_own_track_across_cameras() -> None:
    class SpyClipHead(FakeClipHead):
        def __init__(self) -> None:
            super().__init__()
            self.clips: list[Clip] = []

        def embed(self, clips: Sequence[Clip]) -> ClipEmbeddings:
            self.clips += clips
            return super().embed(clips)

    head = SpyClipHead()
    list(Pipeline(dataclasses.replace(stages(two_cameras()), clip_head=head)))
    for clip in head.clips:
        red, blue = clip.class_rows[:, 0], clip.class_rows[:, 2]
        assert bool((red > blue).all()) or bool((blue > red).all()), "a clip mixes two people"


def test_all_cameras_share_one_call_of_detector_encoder_and_clip_head_per_tick() -> None:
    calls: list[tuple[str, int]] = []

    class SpyDetector(FakeDetector):
        def detect(self, frames: Sequence[Frame]) -> list[Detections]:
            calls.append(("detect", len(frames)))
            return super().detect(frames)

    class SpyFrameEncoder(FakeFrameEncoder):
        def encode(self, crops: Crops) -> Encodings:
            calls.append(("encode", len(crops)))
            return super().encode(crops)

    class SpyClipHead(FakeClipHead):
        def embed(self, clips: Sequence[Clip]) -> ClipEmbeddings:
            calls.append(("embed", len(clips)))
            return super().embed(clips)

    spied = dataclasses.replace(
        stages(two_cameras(4)), detector=SpyDetector(), encoder=SpyFrameEncoder(), clip_head=SpyClipHead()
    )
    list(Pipeline(spied, clips=ClipConfig(min_crops=4)))
    tick = [("detect", 2), ("encode", 4)]
    assert calls == [*tick, ("embed", 0)] * 3 + [*tick, ("embed", 4)]


def test_clips_are_written_back_to_the_tracker_of_their_camera_in_every_frame() -> None:
    class SpyTracker(FakeTracker):
        def __init__(self) -> None:
            super().__init__()
            self.history: list[dict[int, FloatArray]] = []

        def write_back(self, embeddings: Mapping[int, FloatArray]) -> None:
            self.history.append(dict(embeddings))

    trackers: dict[str, SpyTracker] = {}

    def make_tracker(source: Source) -> Tracker:
        trackers[source.camera_id] = SpyTracker()
        return trackers[source.camera_id]

    list(Pipeline(stages([FakeSource("a", [RED]), FakeSource("b", [BLUE])], make_tracker)))
    for camera_id, channel in (("a", 0), ("b", 2)):
        history = trackers[camera_id].history
        assert history[0] == {}  # one crop is no clip yet
        assert all(sorted(written) == [1] for written in history[1:])
        assert all(np.argmax(written[1]) == channel for written in history[1:])


def test_a_track_that_ended_is_told_and_its_clips_are_dropped() -> None:
    leaver = dataclasses.replace(RED, leaves=6)
    ticks = list(Pipeline(stages([FakeSource("a", [leaver], frame_count=15)])))
    left = [event for tick in ticks for event in tick.events if event.kind == "left"]
    assert [(event.camera_id, event.track_id) for event in left] == [("a", 1)]


def test_predictions_without_a_detection_give_no_crop() -> None:
    class Coasting(FakeTracker):
        def update(self, frame: Frame, detections: Detections, appearance: FloatArray) -> Tracks:
            shown = super().update(frame, detections, appearance)
            return dataclasses.replace(shown, detection_indices=np.full(len(shown), -1, np.int64))

    ticks = list(Pipeline(stages([FakeSource("a", [RED])], lambda _: Coasting())))
    assert all(not camera.embeddings for tick in ticks for camera in tick.cameras)
    assert all((camera.identity_ids == 0).all() for tick in ticks for camera in tick.cameras)


def test_cameras_of_different_rates_and_lengths_give_every_frame() -> None:
    slow, fast = FakeSource("slow", [RED], frame_count=5, fps=5), FakeSource("fast", [RED], frame_count=20, fps=20)
    ticks = list(Pipeline(stages([slow, fast])))
    seen = [(camera.frame.camera_id, camera.frame.frame_index) for tick in ticks for camera in tick.cameras]
    assert sorted(seen) == sorted([("slow", i) for i in range(5)] + [("fast", i) for i in range(20)])


def test_two_pipelines_in_one_process_do_not_influence_each_other() -> None:
    def outcome(ticks: Sequence[Tick]) -> list[object]:
        return [(tick.events, [camera.identity_ids.tolist() for camera in tick.cameras]) for tick in ticks]

    alone = outcome(list(Pipeline(stages(two_cameras()))))
    first, second = Pipeline(stages(two_cameras())), Pipeline(stages(two_cameras()))
    together = list(zip(first, second, strict=True))
    assert outcome([one for one, _ in together]) == alone
    assert outcome([other for _, other in together]) == alone


def test_sinks_get_every_tick_in_their_order_and_are_closed() -> None:
    first = RecordingSink()
    written: list[int] = []

    class Second(RecordingSink):
        def write(self, tick: Tick, /) -> None:
            written.append(len(first.ticks))

    second = Second()
    Pipeline(stages(two_cameras())).run([first, second])
    assert written == list(range(1, 13))
    assert not first.is_open
    assert not second.is_open


def test_a_pipeline_runs_once() -> None:
    pipeline = Pipeline(stages(two_cameras()))
    pipeline.run([])
    with pytest.raises(InputError, match="runs once"):
        next(iter(pipeline))


def test_the_tracks_of_a_camera_that_ends_early_end_with_it() -> None:
    short, long = FakeSource("short", [RED], frame_count=6), FakeSource("long", [BLUE], frame_count=12)
    ticks = list(Pipeline(stages([short, long])))
    left = [(tick.index, event.camera_id) for tick in ticks for event in tick.events if event.kind == "left"]
    assert left == [(6, "short")]


def test_a_tick_s_time_is_that_of_its_earliest_frame_and_never_runs_back() -> None:
    slow, fast = FakeSource("slow", [RED], frame_count=7, fps=7), FakeSource("fast", [RED], frame_count=20, fps=20)
    times = [tick.timestamp_s for tick in Pipeline(stages([slow, fast]))]
    assert times == sorted(times)
    assert len(set(times)) == len(times)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_sinks_and_cameras_are_closed_when_something_stops_the_run(error: type[BaseException]) -> None:
    closed: list[str] = []

    class WatchedSource(FakeSource):
        def frames(self) -> Iterator[Frame]:
            try:
                yield from super().frames()
            finally:
                closed.append(self.camera_id)

    class Stop(RecordingSink):
        def write(self, tick: Tick, /) -> None:
            if tick.index == 3:
                raise error

    sink = RecordingSink()
    with pytest.raises(error):
        Pipeline(stages([WatchedSource("a", [RED]), WatchedSource("b", [RED])])).run([sink, Stop()])
    assert len(sink.ticks) == 4
    assert isinstance(sink.error, error)
    assert sorted(closed) == ["a", "b"]


def test_every_stage_is_timed_once_per_tick() -> None:
    pipeline = Pipeline(stages(two_cameras(5)))
    pipeline.run([RecordingSink()])
    calls = {name: stage.calls for name, stage in pipeline.times.stages.items()}
    assert calls == {
        "sources": 6,  # the sixth call finds the end
        "pose": 5,
        "crops": 5,
        "frame encoder": 5,
        "tracker": 5,
        "clip head": 5,
        "quality": 5,
        "associator": 5,
        "sinks": 5,
    }


def test_a_merge_window_that_does_not_fit_is_refused_before_anything_runs() -> None:
    with pytest.raises(InputError, match="window"):
        Pipeline(stages(two_cameras()), merge_window_s=5.0)
    with pytest.raises(InputError, match="source"):
        Pipeline(stages([]))


def test_two_cameras_with_one_id_are_refused() -> None:
    with pytest.raises(ConfigError, match="same id"):
        Pipeline(stages([FakeSource("a", [RED]), FakeSource("a", [BLUE])]))


def test_own_stages_take_the_place_of_the_configured_ones_and_nothing_else_is_opened() -> None:
    settings = deployment({"pose": {"weights": "does-not-exist.pt"}, "sources": {"cameras": ["nor-this.mp4"]}})
    pipeline = Pipeline.from_config(
        settings,
        sources=two_cameras(),
        detector=FakeDetector(),
        encoders=(FakeFrameEncoder(), FakeClipHead()),
    )
    shown = identity_by_colour(list(pipeline)[-1])
    assert shown["a"] == shown["b"]
    assert pipeline.model is None


def test_an_own_stage_that_is_falsy_is_used_all_the_same() -> None:
    class Empty(FakeAssociator):
        def __len__(self) -> int:
            return 0

    associator = Empty()
    pipeline = Pipeline.from_config(
        deployment({}),
        sources=two_cameras(),
        detector=FakeDetector(),
        encoders=(FakeFrameEncoder(), FakeClipHead()),
        associator=associator,
    )
    list(pipeline)
    assert pipeline.stages.associator is associator
    assert associator.identity_of(TrackKey("a", 1)) is not None


def test_cameras_are_checked_before_models_are_loaded() -> None:
    settings = deployment({"pose": {"weights": "does-not-exist.pt"}, "sources": {"cameras": ["nor-this.mp4"]}})
    with pytest.raises(InputError, match=r"nor-this\.mp4"):
        Pipeline.from_config(settings)


def test_a_camera_that_is_none_of_the_run_s_cannot_be_kept_for_less() -> None:
    with pytest.raises(ConfigError, match=r"names 'yrad', but the cameras are 'cam1', 'cam2'"):
        Pipeline.from_config(
            deployment({"association": {"camera_retention_s": {"yrad": 60, "cam1": 60}}}),
            sources=[FakeSource("cam1", [RED]), FakeSource("cam2", [RED])],
        )


def test_most_sightings_of_people_who_are_easy_to_follow_need_no_encoding() -> None:
    every, few = (
        Pipeline(stages(two_cameras(60)), clips=ClipConfig(encode_every=encode_every)) for encode_every in (1, 6)
    )
    all_ticks, few_ticks = list(every), list(few)
    assert identity_by_colour(few_ticks[-1]) == identity_by_colour(all_ticks[-1])
    for one, other in zip(all_ticks, few_ticks, strict=True):
        for seen, seen_too in zip(one.cameras, other.cameras, strict=True):
            assert seen.tracks.track_ids.tolist() == seen_too.tracks.track_ids.tolist()
    encoded_of_all = sum(encoded for encoded, _ in every.encoded_and_reused.values())
    encoded_of_few = sum(encoded for encoded, _ in few.encoded_and_reused.values())
    reused = sum(reused for _, reused in few.encoded_and_reused.values())
    assert encoded_of_all == encoded_of_few + reused
    assert encoded_of_few < 0.5 * encoded_of_all
    assert all(reused == 0 for _, reused in every.encoded_and_reused.values())


def test_whoever_stands_where_nobody_counts_is_not_there() -> None:
    lower = ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0))
    zones = Zones([Zone(camera="a", kind="exclude", polygon=lower)], ["a", "b"])  # BLUE stands at 92 of 120, RED at 52
    last = list(Pipeline(stages(two_cameras()), zones=zones))[-1]
    shown = identity_by_colour(last)
    assert set(shown["a"]) == {"red"}
    assert set(shown["b"]) == {"red", "blue"}
    assert len(last.cameras[0].detections) == 1
