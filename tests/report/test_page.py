"""The page as its reader's browser takes it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from keyreid_stream.report import FLOOR_MAP, GALLERY, REPORT, DemoRecord, Ingredient, write_report
from tests.report.pages import Page
from tests.report.records import RUN, SCENE, add_mosaic, record


def read(given: DemoRecord) -> Page:
    return Page(write_report(given).read_text(encoding="utf-8"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    add_mosaic(tmp_path)
    return tmp_path


def test_three_files_are_written_and_no_half_ones_stay(folder: Path) -> None:
    assert write_report(record(folder)) == folder / REPORT
    assert {path.name for path in folder.iterdir()} == {"videos", FLOOR_MAP, GALLERY, REPORT}


def test_the_page_holds_everything_and_loads_nothing(folder: Path) -> None:
    html = write_report(record(folder)).read_text(encoding="utf-8")
    page = Page(html)
    assert page.addresses
    assert all(address.startswith("data:") for address in page.addresses)
    kinds = [address.split(";")[0] for address in page.addresses]
    assert kinds.count("data:video/mp4") == 1
    assert kinds.count("data:image/jpeg") == 1 + 3  # the poster and three crops
    # No style sheet or script reaches out either; the one address in the page is a name: SVG's namespace.
    assert set(re.findall(r"https?://[^\s\"'<)]+", html)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|url\(", html)
    assert "default-src 'none'" in html
    assert len(page.ids) == len(set(page.ids))


def test_every_identity_camera_score_and_stage_is_there(folder: Path) -> None:
    page = read(record(folder))
    assert [text for text in page.said("span") if re.fullmatch(r"P\d+", text)] == ["P1", "P2"]
    for camera_id in ("east", "west"):
        assert camera_id in page.said("text")  # map and time line
        assert camera_id in page.said("figcaption")
        assert camera_id in page.said("th")
    cells = page.said("td")
    assert {"90.0", "80.0", "66.6", "-25.0"} <= set(cells)
    assert page.said("th")[page.said("th").index("east") + 1] == "west"
    assert "a new stage" in page.said("th")
    assert "50.0 %" in cells  # pose: 5 of 10 s
    assert "25.0 %" in cells  # 10 s less what the stages took
    assert "keyreid demo --scene yard.toml --seconds 2 --seed 7" in page.said("code")
    assert "Trained on drawn people." in page.said("p")
    assert "world-pose" in page.said("dd")
    assert "not seen" in page.said("div")  # west never saw P2
    assert "Two cameras in, one list of people out" in page.said("h1")


def test_the_truth_about_every_identity_is_told(folder: Path) -> None:
    true_people = {1: Counter({3: 50, 4: 30}), 2: Counter({5: 20})}
    in_crops = {1: {"east": 3, "west": 4}, 2: {"east": None}}
    page = read(record(folder, true_people=true_people, people_in_crops=in_crops))
    assert [text for text in page.said("span") if text.startswith("pe")] == ["people 3, 4", "person 5"]
    assert [text for text in page.said("p") if text.startswith("person ")] == ["person 3", "person 4"]


def test_trails_for_the_moving_map_are_the_drawn_ones(folder: Path) -> None:
    page = read(record(folder))
    (text,) = [text for text in page.said("script") if text.startswith("{")]
    data: dict[str, Any] = json.loads(text)
    assert data["length_s"] == 2.0
    assert [(one["identity"], one["camera"]) for one in data["trails"]] == [(1, "east"), (2, "east"), (1, "west")]
    first = data["trails"][0]
    assert (first["t"][0], first["t"][-1]) == (0.0, 0.9)
    # Metres of the plan with y downwards: the yard is 8 m deep, the person walks along y = 2 m.
    assert set(first["y"]) == {6.0}
    assert first["x"][5] == pytest.approx(4.5, abs=0.02)


def test_times_count_from_the_first_clock(folder: Path) -> None:
    late = tuple(
        view.model_copy(update={"sensor": view.sensor.model_copy(update={"clock_offset_s": 100.0})})
        for view in SCENE.cameras
    )
    paths = tuple(dataclasses.replace(path, times_s=path.times_s + 100) for path in record(folder).paths)
    run = RUN | {"cameras": {"east": {"last_timestamp_s": 101.9}, "west": {"last_timestamp_s": 102.0}}}
    page = read(record(folder, scene=SCENE.model_copy(update={"cameras": late}), paths=paths, run=run))
    (text,) = [text for text in page.said("script") if text.startswith("{")]
    data = json.loads(text)
    assert data["length_s"] == 2.0
    assert data["trails"][0]["t"][0] == 0.0


def test_what_users_named_is_text_and_never_markup(folder: Path) -> None:
    hostile = "</script><script>alert(1)</script>"
    scene = SCENE.model_copy(update={"name": f"yard {hostile}"})
    html = write_report(record(folder, scene=scene, detector=Ingredient(hostile, hostile), command=hostile)).read_text(
        encoding="utf-8"
    )
    assert "<script>alert" not in html
    assert html.count("</script>") == 2
    Page(html)


def test_an_interrupted_run_without_video_people_and_scores_says_so(tmp_path: Path) -> None:
    run = RUN | {"status": "interrupted"}
    page = read(record(tmp_path, run=run, paths=(), crops={}, scores=None, why_no_scores="nobody came"))
    said = " ".join(page.said())
    for words in ("This run was interrupted.", "There is no video.", "Nobody was found.", "nobody came"):
        assert words in said
    assert all(address.startswith("data:") for address in page.addresses)


def test_stages_nobody_configured_are_left_out(folder: Path) -> None:
    page = read(record(folder, run=RUN | {"settings": None, "model": None, "pose_weights": None}))
    assert "Tracker" not in page.said("dt")
    assert "world-pose" in page.said("dd")
