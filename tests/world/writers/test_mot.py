from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.world.writers import MotTruthWriter
from tests.world.staged import shot


def test_rows_and_settings(tmp_path: Path) -> None:
    with MotTruthWriter(tmp_path, {"door": 12.5, "hall": 10}) as writer:
        writer.write(shot(0, {7: (-10, 5, 30, 45.5), 9: (50, 10, 60, 40)}))
        writer.write(shot(1))
        writer.write(shot(2, {7: (-8, 5, 32, 45)}, occlusion=0.25))
    assert (tmp_path / "door" / "gt" / "gt.txt").read_text() == (
        "1,7,-10.00,5.00,40.00,40.50,1,1,1.0000\n"
        "1,9,50.00,10.00,10.00,30.00,1,1,1.0000\n"
        "3,7,-8.00,5.00,40.00,40.00,1,1,0.7500\n"
    )
    settings = configparser.ConfigParser()
    settings.read(tmp_path / "door" / "seqinfo.ini")
    assert dict(settings["Sequence"]) == {
        "name": "door",
        "imdir": "img1",
        "framerate": "12.5",
        "seqlength": "3",
        "imwidth": "80",
        "imheight": "60",
        "imext": ".jpg",
    }
    assert (tmp_path / "hall" / "gt" / "gt.txt").read_text() == ""


def test_frames_without_people_count(tmp_path: Path) -> None:
    with MotTruthWriter(tmp_path, {"door": 10}) as writer:
        for index in range(4):
            writer.write(shot(index))
    assert "seqLength=4\n" in (tmp_path / "door" / "seqinfo.ini").read_text()


def test_what_was_written_is_whole_after_an_error(tmp_path: Path) -> None:
    def stopped() -> None:
        with MotTruthWriter(tmp_path, {"door": 10}) as writer:
            writer.write(shot(0, {1: (1, 2, 30, 40)}))
            assert not (tmp_path / "door" / "gt" / "gt.txt").exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert (tmp_path / "door" / "gt" / "gt.txt").read_text() == "1,1,1.00,2.00,29.00,38.00,1,1,1.0000\n"
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("name", ["../door", "a/b", "", "..", "c:d"])
def test_a_camera_s_name_stays_in_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"camera name {re.escape(repr(name))}"):
        MotTruthWriter(tmp_path, {name: 10})


def test_boxes_of_what_is_visible(tmp_path: Path) -> None:
    """A person beyond the picture's edge is cut there; one of whom nothing is seen keeps the whole box."""
    people = {7: (-10.0, 5.0, 30.0, 45.5)}
    with MotTruthWriter(tmp_path, {"door": 10}, boxes="visible") as writer:
        writer.write(shot(0, people))
        writer.write(shot(1, people, occlusion=1.0))
    assert (tmp_path / "door" / "gt" / "gt.txt").read_text() == (
        "1,7,0.00,5.00,30.00,40.50,1,1,1.0000\n2,7,-10.00,5.00,40.00,40.50,1,1,0.0000\n"
    )
