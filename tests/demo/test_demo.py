"""A whole demo of a small world whose stages are the truth: everything it leaves must agree with the world."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.demo import Demo, DemoResult, demo_config
from keyreid_stream.errors import InputError
from keyreid_stream.fakes import RecordingSink
from keyreid_stream.run_folder import ON_REQUEST, OUTPUTS
from keyreid_stream.sinks.palette import identity_colour
from keyreid_stream.structures import Tick
from keyreid_stream.world.film import Film
from keyreid_stream.world.scene import load_scene
from keyreid_stream.world.world import World
from tests.demo.demos import oracle_demo, yard_config
from tests.report.pages import Page

SECONDS = 3.0


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> DemoResult:
    folder = tmp_path_factory.mktemp("demo")
    return oracle_demo(yard_config(folder, SECONDS), folder / "out").record()


@pytest.fixture(scope="module")
def world(finished: DemoResult) -> World:
    return World(load_scene(finished.run.folder.parent / "yard.toml"), seed=6, seconds=SECONDS)


def test_everything_a_demo_promises_is_there_and_known_to_overwriting(finished: DemoResult) -> None:
    left = {path.name for path in finished.run.folder.iterdir()}
    assert left == set(OUTPUTS) - set(ON_REQUEST)
    assert finished.run.status == "finished"
    assert finished.report == finished.run.folder / "report.html"
    assert {path.stem for path in (finished.run.folder / "videos").iterdir()} == {"east", "west", "mosaic"}


def test_the_truth_is_the_worlds_frame_by_frame(finished: DemoResult, world: World) -> None:
    for place, camera_id in enumerate(("east", "west")):
        rows = np.loadtxt(finished.run.folder / "truth" / camera_id / "gt" / "gt.txt", delimiter=",", ndmin=2)
        film = Film(world, place)
        expected = {
            (index + 1, int(person_id)) for index in range(len(film)) for person_id in film.shot(index).truth.person_ids
        }
        assert {(int(frame), int(person_id)) for frame, person_id in rows[:, :2]} == expected


def test_a_run_on_the_truth_scores_full_marks(finished: DemoResult) -> None:
    assert finished.scores is not None
    for scores in (*finished.scores.cameras.values(), finished.scores.together):
        assert (scores.idf1, scores.fp, scores.fn, scores.idsw) == (1.0, 0, 0, 0)
        assert scores.hota == pytest.approx(1.0, abs=1e-3)
    written = json.loads((finished.run.folder / "scores.json").read_text(encoding="utf-8"))
    assert written["schema"] == "keyreid.scores/1"
    assert written["together"]["idf1"] == 1.0


def test_people_are_on_the_map_where_they_are_in_the_world(finished: DemoResult, world: World) -> None:
    assert finished.report is not None
    (text,) = [
        text for text in Page(finished.report.read_text(encoding="utf-8")).said("script") if text.startswith("{")
    ]
    trails = json.loads(text)["trails"]
    assert trails
    away_m = []
    for trail in trails:
        offset_s = 2.5 if trail["camera"] == "west" else 0.0  # of its clock, which its trail's times are on
        for time_s, x, y in zip(trail["t"], trail["x"], trail["y"], strict=True):
            state = world.state_at(time_s - offset_s)
            (body,) = [body for body in state.bodies if body.person.person_id == trail["identity"]]
            away_m.append(np.hypot(x - body.floor_xy[0], 8.0 - y - body.floor_xy[1]))
    # A box's lower edge is at the nearer shoe, and one pixel of these small pictures is several centimetres.
    assert np.median(away_m) < 0.35


def test_the_page_shows_everybody_and_loads_nothing(finished: DemoResult) -> None:
    assert finished.report is not None
    page = Page(finished.report.read_text(encoding="utf-8"))
    shown = {int(text[1:]) for text in page.said("span") if text[:1] == "P" and text[1:].isdigit()}
    assert shown == finished.run.statistics.identities
    # With the truth for an associator identities are people.
    verdicts = [text for text in page.said("span") if text.startswith("person ")]
    assert verdicts == [f"person {identity_id}" for identity_id in sorted(shown)]
    in_crops = [text for text in page.said("p") if text.startswith("person ")]
    assert in_crops == sorted(in_crops)  # cards come by identity, and every crop of one shows the same person
    assert set(in_crops) == set(verdicts)
    assert all(address.startswith("data:") for address in page.addresses)


def test_the_sheet_has_everybodys_colour(finished: DemoResult) -> None:
    sheet = cv2.imread(str(finished.run.folder / "gallery.jpg"))[:, :, ::-1].astype(int)
    for identity_id in finished.run.statistics.identities:
        assert (np.abs(sheet[:, 2] - identity_colour(identity_id)).max(axis=1) < 20).sum() > 150


def test_the_same_demo_twice_is_the_same_to_the_bit(finished: DemoResult, tmp_path: Path) -> None:
    again = oracle_demo(yard_config(finished.run.folder.parent, SECONDS), tmp_path / "out").record()
    for name in ("floor_map.png", "gallery.jpg", "events.jsonl"):
        assert (again.run.folder / name).read_bytes() == (finished.run.folder / name).read_bytes(), name


class StopAt(RecordingSink):
    """Ctrl-C after the tick of this index."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self._index = index

    def write(self, tick: Tick, /) -> None:
        if tick.index == self._index:
            raise KeyboardInterrupt


def test_an_interrupted_demo_reports_on_what_there_is(tmp_path: Path) -> None:
    result = oracle_demo(yard_config(tmp_path), tmp_path / "out").record([StopAt(7)])
    assert result.run.status == "interrupted"
    assert result.scores is not None
    assert result.scores.together.idf1 == 1.0
    assert result.report is not None
    assert "This run was interrupted." in Page(result.report.read_text(encoding="utf-8")).said("strong")


def test_a_demo_stopped_before_its_first_frame_has_no_report(tmp_path: Path) -> None:
    class StopAtOnce(RecordingSink):
        def __enter__(self) -> StopAtOnce:
            raise KeyboardInterrupt

    result = oracle_demo(yard_config(tmp_path), tmp_path / "out").record([StopAtOnce()])
    assert (result.run.status, result.scores, result.report) == ("interrupted", None, None)
    assert not (tmp_path / "out" / "report.html").exists()


def test_a_world_in_which_nobody_is_seen_has_a_report_that_says_so(tmp_path: Path) -> None:
    config = yard_config(tmp_path, seconds=0.5)
    scene = tmp_path / "yard.toml"
    text = scene.read_text(encoding="utf-8")
    # Both cameras look at the ground beside the yard.
    for old in ("look_at = [3.0, 4.0, 0.5]", "look_at = [7.0, 4.0, 0.5]"):
        text = text.replace(old, "look_at = [-40.0, -40.0, 90.0]")
    scene.write_text(text, encoding="utf-8")
    result = oracle_demo(config, tmp_path / "out").record()
    assert result.scores is None
    assert result.report is not None
    said = " ".join(Page(result.report.read_text(encoding="utf-8")).said())
    assert "Nobody was found." in said
    assert "There are no scores:" in said
    assert not (tmp_path / "out" / "scores.json").exists()


def test_overwriting_replaces_all_of_an_earlier_demo(tmp_path: Path) -> None:
    config, out = yard_config(tmp_path, seconds=0.5), tmp_path / "out"
    oracle_demo(config, out).record()
    for stale in ("truth/stale.txt", "scores.json", "report.html"):
        (out / stale).write_text("stale", encoding="utf-8")
    (out / "notes.md").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="--overwrite"):
        oracle_demo(config, out)
    oracle_demo(config, out, overwrite=True).record()
    assert not (out / "truth" / "stale.txt").exists()
    assert (out / "report.html").read_text(encoding="utf-8") != "stale"
    assert (out / "notes.md").read_text(encoding="utf-8") == "mine"


def test_weights_in_the_folder_that_would_be_replaced_are_not_deleted(tmp_path: Path) -> None:
    config, out = yard_config(tmp_path, seconds=0.5), tmp_path / "out"
    oracle_demo(config, out).record()
    weights = out / "videos" / "net.pt"
    weights.touch()
    with pytest.raises(InputError, match="would be replaced"):
        Demo.from_config(demo_config(scene=config.scene, pose=str(weights)), out, overwrite=True)
    assert weights.exists()
