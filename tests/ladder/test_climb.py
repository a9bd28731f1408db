"""Ladders over a small world: what they find, what they keep, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import pytest

from keyreid_stream.errors import ConfigError, InputError
from keyreid_stream.fakes import RecordingSink
from keyreid_stream.ladder import RUNGS, LadderRecord, read_ladder
from keyreid_stream.structures import Tick
from keyreid_stream.world.address import open_world
from keyreid_stream.world.film import Film
from keyreid_stream.world.writers import MotTruthWriter
from tests.ladder.ladders import careless_detector, climb, ladder, settings, yard_address

NAMES = [rung.name for rung in RUNGS]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return yard_address(tmp_path_factory.mktemp("yard"))


@pytest.fixture(scope="module", autouse=True)
def careless(address: str) -> Iterator[None]:
    """Whatever detector is configured is a careless one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keyreid_stream.pipeline.UltralyticsPose", careless_detector(address))
        yield


@pytest.fixture(scope="module")
def climbed(address: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, LadderRecord]:
    out = tmp_path_factory.mktemp("ladder") / "out"
    whole = ladder(settings(address), out)
    assert climb(whole) == NAMES
    return out, whole.record


def test_no_rung_is_below_the_one_before(climbed: tuple[Path, LadderRecord]) -> None:
    _, record = climbed
    figures = [rung.figures for rung in record.rungs]
    for below, above in pairwise(figures):
        for name in ("hota", "deta", "assa", "idf1", "mota"):
            assert above.mean[name] >= below.mean[name] - 1e-9, name
            assert above.together[name] >= below.together[name] - 1e-9, name
    lowest, highest = figures[0], figures[-1]
    assert lowest.together["idf1"] < 0.9  # the detector misses a quarter
    assert highest.together["idf1"] == highest.mean["idf1"] == 1.0
    assert highest.together["hota"] == pytest.approx(1.0, abs=1e-3)
    assert highest.mean["idsw"] == 0


def test_losses_are_the_steps_and_the_detectors_is_found(climbed: tuple[Path, LadderRecord]) -> None:
    _, record = climbed
    assert list(record.losses) == ["detector", "tracker", "association"]
    lowest, highest = record.rungs[0].figures, record.rungs[-1].figures
    for name in ("hota", "idf1", "mota"):
        lost = sum(one.together[name] for one in record.losses.values())
        assert lowest.together[name] + lost == pytest.approx(highest.together[name])
    assert record.losses["detector"].together["deta"] > 0.15


def test_every_rung_saw_the_same_frames(climbed: tuple[Path, LadderRecord]) -> None:
    out, record = climbed
    assert {tuple(rung.frames.items()) for rung in record.rungs} == {(("east", 20), ("west", 10))}
    truths = {tuple(path.read_bytes() for path in sorted((out / name / "truth").rglob("gt.txt"))) for name in NAMES}
    assert len(truths) == 1
    assert all(len(text) > 300 for text in truths.pop())


def test_who_is_given_identities_knows_them_at_once(climbed: tuple[Path, LadderRecord]) -> None:
    _, record = climbed
    clocks = [rung.clock for rung in record.rungs]
    assert clocks[-1].marks[0].visits > 2
    for mark in clocks[-1].marks:
        assert (mark.online, mark.undecided, mark.revised) == (mark.visits, 0, mark.visits)
    # The engine waits for a clip before it says anything.
    assert clocks[2].marks[0].online == 0
    assert clocks[2].marks[0].undecided == clocks[2].marks[0].visits


def test_the_record_tells_what_was_climbed(climbed: tuple[Path, LadderRecord], address: str) -> None:
    out, record = climbed
    assert read_ladder(out) == record
    content = json.loads((out / "ladder.json").read_text(encoding="utf-8"))
    assert (content["schema"], content["status"]) == ("keyreid.ladder/1", "finished")
    assert content["inputs"]["sources"] == [address]
    assert (content["inputs"]["seed"], content["inputs"]["min_visibility"]) == (6, 0.1)
    assert content["command"] == "keyreid eval ladder …"
    assert content["versions"]["torch"]
    assert content["settings"]["oracle"] == []
    assert [rung["oracle"] for rung in content["rungs"]] == [list(rung.oracle) for rung in RUNGS]
    assert not list(out.rglob("*.part"))


def test_whole_rungs_are_kept(climbed: tuple[Path, LadderRecord], address: str) -> None:
    out, record = climbed
    before = {path: path.stat().st_mtime_ns for path in out.glob("*/run.json")}
    again = ladder(settings(address), out)
    assert climb(again) == []
    assert again.record == record
    assert {path: path.stat().st_mtime_ns for path in out.glob("*/run.json")} == before


def test_a_kept_rung_has_nothing_to_record(climbed: tuple[Path, LadderRecord], address: str) -> None:
    step = next(ladder(settings(address), climbed[0]).steps())
    with pytest.raises(InputError, match="0-measured is whole already"):
        step.record()


class StopAt(RecordingSink):
    """Ctrl-C after the tick of this index."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self._index = index

    def write(self, tick: Tick, /) -> None:
        if tick.index == self._index:
            raise KeyboardInterrupt


def test_an_interrupted_ladder_is_taken_up_again(
    climbed: tuple[Path, LadderRecord], address: str, tmp_path: Path
) -> None:
    out, first = tmp_path / "out", ladder(settings(address), tmp_path / "out")
    for step in first.steps():
        step.record([StopAt(5)] if step.rung.name == NAMES[1] else [])
    assert first.record.status == "unfinished"
    assert [rung.name for rung in first.record.rungs] == NAMES[:1]
    assert json.loads((out / NAMES[1] / "run.json").read_text())["status"] == "interrupted"
    assert read_ladder(out) == first.record
    second = ladder(settings(address), out)
    assert climb(second) == NAMES[1:]
    assert second.record.status == "finished"
    assert [rung.figures for rung in second.record.rungs] == [rung.figures for rung in climbed[1].rungs]
    assert [rung.clock for rung in second.record.rungs] == [rung.clock for rung in climbed[1].rungs]


def test_rungs_of_other_settings_are_not_kept(climbed: tuple[Path, LadderRecord], address: str) -> None:
    other = ladder(settings(address, association={"threshold": 0.9}), climbed[0])
    with pytest.raises(InputError, match=r"0-measured is a run with other settings; .*--overwrite"):
        climb(other)
    assert read_ladder(climbed[0]) is not None


def test_a_ladder_of_another_world_is_not_taken_up(climbed: tuple[Path, LadderRecord], address: str) -> None:
    with pytest.raises(InputError, match=r"other cameras or other truth .*--overwrite"):
        ladder(settings(address.replace("seed=6", "seed=7")), climbed[0])
    with pytest.raises(InputError, match="other cameras or other truth"):
        ladder(settings(address), climbed[0], min_visibility=0.2)


def test_a_scene_that_changed_under_its_name_is_another_world(tmp_path: Path) -> None:
    address = yard_address(tmp_path)
    next(ladder(settings(address), tmp_path / "out").steps())
    scene = tmp_path / "yard.toml"
    scene.write_text(scene.read_text(encoding="utf-8").replace("count = 3", "count = 2"), encoding="utf-8")
    with pytest.raises(InputError, match="other cameras or other truth"):
        ladder(settings(address), tmp_path / "out")


def test_overwriting_runs_everything_again(address: str, tmp_path: Path) -> None:
    out, first = tmp_path / "out", ladder(settings(address), tmp_path / "out")
    for step in first.steps():
        step.record([StopAt(3)] if step.rung.name == NAMES[1] else [])
    again = ladder(settings(address, association={"threshold": 0.9}), out, overwrite=True)
    step = next(again.steps())
    assert step.run is not None
    step.record([StopAt(3)])
    run = json.loads((out / NAMES[0] / "run.json").read_text(encoding="utf-8"))
    assert (run["status"], run["settings"]["association"]["threshold"]) == ("interrupted", 0.9)
    assert again.record.rungs == ()


def test_recordings_with_truth_in_files(address: str, tmp_path: Path) -> None:
    """The world once more, as pictures and MOT files: whoever is counted is found, and rungs rise."""
    cameras = open_world(address)
    films = {camera.camera_id: Film(camera.world, place) for place, camera in enumerate(cameras)}
    with MotTruthWriter(tmp_path / "mot", {one.camera_id: one.fps for one in cameras}, boxes="visible") as writer:
        for name, film in films.items():
            (tmp_path / name).mkdir()
            for index in range(len(film)):
                shot = film.shot(index)
                writer.write(shot)
                cv2.imwrite(str(tmp_path / name / f"{index:04d}.png"), shot.frame.image[:, :, ::-1])
    config = settings(*(f"{name}={tmp_path / name}" for name in films))
    whole = ladder(config, tmp_path / "out", truth=tmp_path / "mot")
    assert climb(whole) == NAMES
    figures = [rung.figures.together for rung in whole.record.rungs]
    assert figures[0]["idf1"] < 0.9
    assert figures[-1]["idf1"] == figures[-1]["mota"] == 1.0
    assert [one["hota"] for one in figures] == sorted(one["hota"] for one in figures)
    assert not (tmp_path / "out" / NAMES[0] / "truth").exists()
    assert whole.record.inputs.seed is None
    assert climb(ladder(config, tmp_path / "out", truth=tmp_path / "mot")) == []
    truth = tmp_path / "mot" / "east" / "gt" / "gt.txt"
    truth.write_text(truth.read_text(encoding="ascii").replace("\n1,", "\n2,", 1), encoding="ascii")
    with pytest.raises(InputError, match="other cameras or other truth"):
        ladder(config, tmp_path / "out", truth=tmp_path / "mot")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "oracles": ({"oracle": ["tracks"]}, "leave out `oracle`"),
    "a gallery": ({"association": {"gallery": "people.db"}}, "a gallery would tell one rung"),
    "no camera": ({"sources": {}}, "no camera was given"),
    "a recording": ({"sources": {"cameras": ["door.mp4"]}}, "for door.mp4 give --truth FOLDER"),
    "two worlds": ({"sources": {"cameras": ["world://plaza", "world://mall"]}}, "only one world:// address"),
    "a live world": ({"sources": {"cameras": ["world://plaza?live=true"]}}, "leave out live=true"),
}


@pytest.mark.parametrize(("tables", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_climbed(tables: dict[str, Any], told: str, address: str, tmp_path: Path) -> None:
    config = settings(address, **tables)
    with pytest.raises(InputError, match=told):
        ladder(config, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_rate_limit_with_truth_in_files(tmp_path: Path) -> None:
    (tmp_path / "mot").mkdir()
    with pytest.raises(ConfigError, match="every frame counts"):
        ladder(settings(sources={"cameras": ["a.mp4"], "max_fps": 5}), tmp_path / "out", truth=tmp_path / "mot")


def test_folders_that_hold_something_else(address: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        ladder(settings(address), tmp_path / "file")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.md").touch()
    for overwrite in (False, True):
        with pytest.raises(InputError, match="holds no ladder"):
            ladder(settings(address), tmp_path / "notes", overwrite=overwrite)
    (tmp_path / "notes" / "ladder.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=r"damaged or not keyreid\.ladder/1"):
        ladder(settings(address), tmp_path / "notes")


def test_another_films_rung_is_not_compared(address: str, tmp_path: Path) -> None:
    """A kept rung whose truth is not the others' (put there by hand, say) stops the ladder."""
    out = tmp_path / "out"
    mixed = ladder(settings(address), out)
    steps = mixed.steps()
    for _ in range(2):
        next(steps).record()
    truth = out / NAMES[1] / "truth" / "east" / "gt" / "gt.txt"
    truth.write_text("".join(truth.read_text(encoding="ascii").splitlines(keepends=True)[:-1]), encoding="ascii")
    with pytest.raises(InputError, match="1-detections saw other frames than 0-measured"):
        next(steps)
