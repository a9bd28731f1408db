"""Tracks of real networks against truth, from the command: in a world, and on MOT17's pictures."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from keyreid_stream.cli.main import main
from tests.world.small_worlds import yard_toml

SHARES = ("hota", "deta", "assa", "idf1", "mota")

EAGER = """
[association]
min_observations = 1
min_quality = 0.0
[clips]
min_crops = 1
embed_every = 1
[tracking]
tracker = "bytetrack"
"""
"""A few frames are enough for a decision."""


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_rungs_rise_in_a_world(tmp_path: Path) -> None:
    """The shipped networks in a small world: what each stage loses, none of it less than nothing."""
    scene, out = tmp_path / "yard.toml", tmp_path / "out"
    scene.write_text(yard_toml(), encoding="utf-8")
    address = f"world://{scene}?seconds=2&seed=6&width=320&height=240"
    assert main(["eval", "ladder", address, "--imgsz", "320", "--out", str(out)]) == 0
    ladder = read(out / "ladder.json")
    rungs = [rung["figures"] for rung in ladder["rungs"]]
    for below, above in pairwise(rungs):
        for scope in ("mean", "together"):
            for name in SHARES:
                assert above[scope][name] >= below[scope][name] - 1e-9, (scope, name)
    assert 0.3 < rungs[0]["together"]["hota"] < 0.95
    assert rungs[-1]["together"]["idf1"] > 0.99
    assert ladder["losses"]["detector"]["together"]["deta"] > 0.02
    assert ladder["model"]["name"] == "keyreid-tiny"
    assert ladder["pose_weights"]["path"].endswith("world-pose.pt")


@pytest.mark.data
def test_mot17_is_tracked_and_scored(data: Path, pose_weights: Path, tmp_path: Path) -> None:
    """From pictures to figures: by `track` and `eval track`, and rung by rung."""
    name = "MOT17-04-FRCNN"
    sequence = data / "mot17_mini" / "train" / name
    (tmp_path / "mot").mkdir()
    (tmp_path / "mot" / name).symlink_to(sequence)
    (tmp_path / "eager.toml").write_text(EAGER, encoding="utf-8")
    common = [str(sequence), "--config", str(tmp_path / "eager.toml"), "--pose", str(pose_weights), "--imgsz", "960"]
    truth, out = ["--truth", str(tmp_path / "mot")], tmp_path / "ladder"
    assert main(["track", *common, "--no-video", "--out", str(tmp_path / "run")]) == 0
    scores = tmp_path / "scores.json"
    assert main(["eval", "track", "--results", str(tmp_path / "run" / "tracks"), *truth, "--json", str(scores)]) == 0
    measured = read(scores)["cameras"][name]
    assert measured["truth_boxes"] > 250
    assert 0.1 < measured["deta"] < 0.9
    assert main(["eval", "ladder", *common, *truth, "--out", str(out)]) == 0
    rungs = [rung["figures"] for rung in read(out / "ladder.json")["rungs"]]
    # The lowest rung is the very run that `track` makes.
    assert rungs[0]["mean"] == {one: pytest.approx(measured[one]) for one in (*SHARES, "idsw")}
    assert [rung["mean"]["deta"] for rung in rungs] == sorted(rung["mean"]["deta"] for rung in rungs)
    assert [rung["together"]["hota"] for rung in rungs] == sorted(rung["together"]["hota"] for rung in rungs)
    assert rungs[-1]["mean"]["mota"] == rungs[-1]["mean"]["idf1"] == 1.0
