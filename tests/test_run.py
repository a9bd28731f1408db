"""Recorded runs with fake stages and the real folder: what is left behind, however a run ends."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from keyreid_stream.association import (
    AssociationConfig,
    GalleryStore,
    OnlineAssociator,
    open_associator,
    read_decisions,
)
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
from keyreid_stream.models.load import ModelCard
from keyreid_stream.pipeline import Pipeline, Stages
from keyreid_stream.run import RecordedRun
from keyreid_stream.sinks import crops_by_identity, final_identities, read_events
from keyreid_stream.structures import Tick, TrackKey

RED = Walker(colour=(200, 0, 0), start=(10, 20), step=(2, 0))
BLUE = Walker(colour=(0, 0, 200), start=(100, 60), step=(-2, 0))
FRAMES = 12


def pipeline(card: ModelCard | None = None) -> Pipeline:
    stages = Stages(
        sources=[FakeSource("a", [RED, BLUE], frame_count=FRAMES), FakeSource("b", [RED], frame_count=FRAMES - 2)],
        detector=FakeDetector(),
        encoder=FakeFrameEncoder(),
        clip_head=FakeClipHead(),
        make_tracker=lambda _: FakeTracker(),
        associator=OnlineAssociator(AssociationConfig(threshold=0.9)),
    )
    return Pipeline(stages, model=card)


def report(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return loaded


class StopAt(RecordingSink):
    """Ends the run after the tick of this index was written."""

    def __init__(self, index: int, error: type[BaseException]) -> None:
        super().__init__()
        self._index = index
        self._kind = error

    def write(self, tick: Tick, /) -> None:
        if tick.index == self._index:
            raise self._kind("stop")


def frames_in(video: Path) -> int:
    with av.open(str(video)) as container:
        return sum(1 for _ in container.decode(video=0))


def share_that_differs(first: Path, second: Path) -> float:
    """Of all samples of two videos' pictures, brightness and colours."""
    differ = total = 0
    with av.open(str(first)) as one, av.open(str(second)) as other:
        for mine, theirs in zip(one.decode(video=0), other.decode(video=0), strict=True):
            assert mine.pts == theirs.pts
            differ += int((mine.to_ndarray() != theirs.to_ndarray()).sum())
            total += mine.to_ndarray().size
    return differ / total


def test_a_finished_run_leaves_events_tracks_videos_and_a_report_that_agree(tmp_path: Path) -> None:
    result = RecordedRun(pipeline(), tmp_path / "run").record()
    assert result.status == "finished"
    identities = final_identities(read_events(tmp_path / "run" / "events.jsonl"))
    assert identities == {TrackKey("a", 1): ((0, 1),), TrackKey("a", 2): ((0, 2),), TrackKey("b", 1): ((0, 1),)}
    rows = np.loadtxt(tmp_path / "run" / "tracks" / "a.txt", delimiter=",")
    assert sorted(rows[:, 0]) == sorted(list(range(1, FRAMES + 1)) * 2)
    assert set(rows[:, 1]) == {1, 2}
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"events.jsonl", "tracks", "videos", "run.json"}
    videos = {path.stem: frames_in(path) for path in (tmp_path / "run" / "videos").iterdir()}
    assert videos == {"a": FRAMES, "b": FRAMES - 2, "mosaic": FRAMES}
    said = report(tmp_path / "run")
    assert said["schema"] == "keyreid.run/1"
    assert said["status"] == "finished"
    assert said["counts"]["frames"] == 2 * FRAMES - 2
    assert said["counts"]["identities"] == 2
    assert said["cameras"]["b"]["identities"] == [1]
    assert said["stages"]["pose"]["calls"] == FRAMES
    assert said["settings"] is None  # nobody configured these stages
    assert said["pose_weights"] is None
    assert said["stage_classes"]["detector"] == "keyreid_stream.fakes.FakeDetector"
    assert said["versions"]["boxmot"].startswith("25.")


def test_an_interrupted_run_is_complete_up_to_the_interruption_and_says_so(tmp_path: Path) -> None:
    result = RecordedRun(pipeline(), tmp_path / "run").record([StopAt(7, KeyboardInterrupt)])
    assert result.status == report(tmp_path / "run")["status"] == "interrupted"
    assert {path.suffix for path in (tmp_path / "run" / "tracks").iterdir()} == {".txt"}
    assert np.loadtxt(tmp_path / "run" / "tracks" / "a.txt", delimiter=",")[:, 0].max() == 8
    assert frames_in(tmp_path / "run" / "videos" / "mosaic.mp4") == 8
    assert final_identities(read_events(tmp_path / "run" / "events.jsonl"))


def test_a_failed_run_says_so_and_the_error_is_not_swallowed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        RecordedRun(pipeline(), tmp_path / "run").record([StopAt(7, ZeroDivisionError)])
    assert report(tmp_path / "run")["status"] == "failed"
    assert frames_in(tmp_path / "run" / "videos" / "a.mp4") == 8


def test_without_video_no_picture_is_written(tmp_path: Path) -> None:
    RecordedRun(pipeline(), tmp_path / "run", deployment({"output": {"video": False}})).record()
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"events.jsonl", "tracks", "run.json"}


def test_plain_videos_show_plain_ground(tmp_path: Path) -> None:
    RecordedRun(pipeline(), tmp_path / "run", deployment({"output": {"background": "plain"}})).record()
    with av.open(str(tmp_path / "run" / "videos" / "a.mp4")) as container:
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert first[-10:, :60].min() > 20  # the fake cameras' own ground is black


def test_decisions_and_crops_are_kept_when_asked_for_and_agree_with_the_events(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    config = deployment({"output": {"video": False, "decisions": True, "crops": "whole"}})
    RecordedRun(pipeline(), folder, config).record()
    events = list(read_events(folder / "events.jsonl"))
    decided = [event for event in events if event.kind in ("new", "matched", "merged", "split")]
    decisions = list(read_decisions(folder / "decisions.jsonl"))
    assert [(one.kind, one.identity_id, one.camera_id, one.track_id) for one in decisions] == [
        (one.kind, one.identity_id, one.camera_id, one.track_id) for one in decided
    ]
    assert len(decisions) == 3
    crops = crops_by_identity(folder / "crops", events)
    assert {identity_id: {crop.key for crop in kept} for identity_id, kept in crops.items()} == {
        1: {TrackKey("a", 1), TrackKey("b", 1)},
        2: {TrackKey("a", 2)},
    }
    assert {path.name for path in folder.iterdir()} == {
        "events.jsonl",
        "decisions.jsonl",
        "crops",
        "tracks",
        "run.json",
    }
    RecordedRun(pipeline(), folder, deployment({"output": {"video": False}}), overwrite=True).record()
    assert {path.name for path in folder.iterdir()} == {"events.jsonl", "tracks", "run.json"}


def test_decisions_of_another_associator_than_ours_cannot_be_recorded(tmp_path: Path) -> None:
    given = pipeline()
    given.stages = dataclasses.replace(given.stages, associator=FakeAssociator())
    with pytest.raises(ConfigError, match=r"output\.decisions"):
        RecordedRun(given, tmp_path / "run", deployment({"output": {"decisions": True}}))
    assert not (tmp_path / "run").exists()


def test_the_tick_at_which_a_sink_stops_the_run_is_counted_as_it_was_written(tmp_path: Path) -> None:
    RecordedRun(pipeline(), tmp_path / "run").record([StopAt(5, KeyboardInterrupt)])
    rows = np.loadtxt(tmp_path / "run" / "tracks" / "a.txt", delimiter=",")
    assert report(tmp_path / "run")["cameras"]["a"]["frames"] == rows[:, 0].max() == 6


def test_a_run_says_that_it_is_running_so_that_a_killed_one_can_be_overwritten(tmp_path: Path) -> None:
    class Look(RecordingSink):
        def write(self, tick: Tick, /) -> None:
            assert report(tmp_path / "run")["status"] == "running"

    RecordedRun(pipeline(), tmp_path / "run").record([Look()])
    assert report(tmp_path / "run")["status"] == "finished"


def test_a_run_is_recorded_once(tmp_path: Path) -> None:
    run = RecordedRun(pipeline(), tmp_path / "run", overwrite=True)
    run.record()
    with pytest.raises(InputError, match="recorded already"):
        run.record()


def test_a_folder_that_another_run_took_meanwhile_is_left_alone(tmp_path: Path) -> None:
    first, second = RecordedRun(pipeline(), tmp_path / "run"), RecordedRun(pipeline(), tmp_path / "run")
    first.record()
    before = report(tmp_path / "run")
    with pytest.raises(InputError, match="--overwrite"):
        second.record()
    assert report(tmp_path / "run") == before


def test_a_camera_that_cannot_be_a_file_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    stages = dataclasses.replace(pipeline().stages, sources=[FakeSource("mosaic", [RED])])
    with pytest.raises(InputError, match="mosaic"):
        RecordedRun(Pipeline(stages), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_overwriting_replaces_an_earlier_run_and_nothing_else(tmp_path: Path) -> None:
    RecordedRun(pipeline(), tmp_path / "run").record()
    (tmp_path / "run" / "tracks" / "stale.txt").touch()
    (tmp_path / "run" / "notes.md").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="--overwrite"):
        RecordedRun(pipeline(), tmp_path / "run")
    RecordedRun(pipeline(), tmp_path / "run", overwrite=True).record([StopAt(2, KeyboardInterrupt)])
    assert not (tmp_path / "run" / "tracks" / "stale.txt").exists()
    assert (tmp_path / "run" / "notes.md").read_text(encoding="utf-8") == "mine"
    assert report(tmp_path / "run")["counts"]["ticks"] == 3


CARD = ModelCard("tiny", "aligned", 12, trained=False, sha256="0" * 64, weights=None)


@pytest.mark.parametrize("trained", [False, True])
def test_an_untrained_model_is_named_as_one(tmp_path: Path, trained: bool) -> None:
    RecordedRun(pipeline(dataclasses.replace(CARD, trained=trained)), tmp_path / "run").record()
    said = report(tmp_path / "run")
    assert said["model"]["trained"] is trained
    assert (said["notice"] is None) is trained
    if not trained:
        assert "untrained" in said["notice"]


def test_the_same_input_gives_the_same_files_bit_for_bit_and_the_same_videos(tmp_path: Path) -> None:
    """FFmpeg and x264 seldom, not never, encode a block of the same picture in another way."""
    for name in ("first", "second"):
        RecordedRun(pipeline(), tmp_path / name).record()
    files = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*.*"))
    assert len(files) == 7
    for file in files:
        first, second = (tmp_path / name / file for name in ("first", "second"))
        if file.suffix == ".mp4":
            assert share_that_differs(first, second) < 0.001
        elif file.name != "run.json":
            assert first.read_bytes() == second.read_bytes(), file


def test_a_run_with_a_gallery_says_so_is_known_to_it_and_lets_it_go(tmp_path: Path) -> None:
    config = AssociationConfig(threshold=0.9, gallery=str(tmp_path / "people.gallery"))
    known = []
    for name in ("first", "second"):
        with_fakes = pipeline()
        associator = open_associator(config, with_fakes.stages.clip_head.layout, "fake", "0" * 64)
        stages = dataclasses.replace(with_fakes.stages, associator=associator)
        RecordedRun(Pipeline(stages), tmp_path / name, deployment({"output": {"video": False}})).record()
        known.append(report(tmp_path / name)["gallery"])
    assert [one["known_before"] for one in known] == [0, 2]
    assert known[0]["path"] == str(tmp_path / "people.gallery")
    assert {one.identity_id for one in read_events(tmp_path / "second" / "events.jsonl")} == {1, 2}
    with GalleryStore(tmp_path / "people.gallery") as store:
        assert [run.folder for run in store.runs()] == [tmp_path / "first", tmp_path / "second"]


def test_a_gallery_beside_true_identities_is_a_contradiction(tmp_path: Path) -> None:
    settings = {
        "association": {"gallery": str(tmp_path / "people.gallery")},
        "oracle": "identities",
        "sources": {"cameras": ["world://plaza"]},
    }
    with pytest.raises(ConfigError, match="gallery"):
        Pipeline.from_config(deployment(settings))
    assert not list(tmp_path.iterdir())
