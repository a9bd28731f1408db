"""What cameras of a small yard see, against real renderings."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.evaluation.boxes import iou
from keyreid_stream.simulation.sightings import FPS, HEIGHT, WIDTH, Sightings, sightings_of
from keyreid_stream.world.address import WorldAddress
from keyreid_stream.world.render.renderer import Renderer
from keyreid_stream.world.truth import FrameTruth, frame_truth
from keyreid_stream.world.world import World
from tests.world.small_worlds import yard_toml

SECONDS = 12.0


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scene") / "yard.toml"
    path.write_text(yard_toml() + "\n[[pillars]]\ncentre = [5.0, 4.0]\nradius = 0.4\n")
    return path


@pytest.fixture(scope="module")
def sightings(scene: Path) -> Sightings:
    return sightings_of(str(scene), 5, SECONDS)


@pytest.fixture(scope="module")
def rendered(scene: Path) -> dict[tuple[int, int], FrameTruth]:
    """Both cameras' truth of every tenth frame, from whole bodies."""
    address = WorldAddress.of(scene=str(scene), fps=FPS, width=WIDTH, height=HEIGHT)
    world = World(address.described(), 5, SECONDS)
    found = {}
    for place, (view, camera) in enumerate(zip(world.scene.cameras, world.cameras, strict=True)):
        renderer = Renderer(world.scene, view, camera)
        for frame in range(0, int(SECONDS * FPS), 10):
            state = world.state_at(frame / FPS)
            found[place, frame] = frame_truth(state, camera, renderer.render(state))
    return found


def test_rows_are_in_order_and_numbered_by_time(sightings: Sightings) -> None:
    assert len(sightings) > 50
    keys = list(zip(sightings.time_s, sightings.camera, sightings.person_id, strict=True))
    assert keys == sorted(set(keys))
    assert np.allclose(sightings.time_s, sightings.frame_index / FPS)
    assert sightings.camera_ids == ("east", "west")
    assert len(sightings.frame_times_s) == SECONDS * FPS


def test_stick_figures_are_seen_where_whole_bodies_are(
    sightings: Sightings, rendered: dict[tuple[int, int], FrameTruth]
) -> None:
    overlaps, disagreements, clear = [], 0, 0
    for (camera, frame), truth in rendered.items():
        own = np.flatnonzero((sightings.camera == camera) & (sightings.frame_index == frame))
        seen = dict(zip(sightings.person_id[own].tolist(), own.tolist(), strict=True))
        assert set(seen) <= set(truth.person_ids.tolist())
        for row, person in enumerate(truth.person_ids.tolist()):
            if truth.visible_pixels[row] > 200 and truth.occlusion[row] < 0.6:
                clear += 1
                disagreements += person not in seen
            if person in seen and truth.visible_pixels[row]:
                boxes = truth.visible_boxes_xyxy[[row]], sightings.boxes_xyxy[[seen[person]]]
                overlaps.append(float(iou(*(one.astype(np.float64) for one in boxes))[0, 0]))
                assert np.array_equal(truth.floor_xy[row], sightings.floor_xy[seen[person]])
    assert clear > 10
    assert disagreements == 0
    assert np.mean(overlaps) > 0.75


def test_a_pillar_hides_people(scene: Path, tmp_path: Path) -> None:
    wide = tmp_path / "yard.toml"
    wide.write_text(scene.read_text().replace("radius = 0.4", "radius = 0.05"))
    behind, free = (sightings_of(str(path), 5, SECONDS).share.min() for path in (scene, wide))
    assert behind < 0.7
    assert behind < free


def test_a_kept_table_is_the_same_and_another_world_is_not_taken_for_it(scene: Path, tmp_path: Path) -> None:
    made = sightings_of(str(scene), 5, 2.0, cache=tmp_path)
    (file,) = tmp_path.iterdir()
    kept = sightings_of(str(scene), 5, 2.0, cache=tmp_path)
    for field in fields(Sightings):
        assert np.array_equal(getattr(made, field.name), getattr(kept, field.name)), field.name
    before = file.read_bytes()
    sightings_of(str(scene), 6, 2.0, cache=tmp_path)
    sightings_of(str(scene), 5, 2.4, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    assert file.read_bytes() == before


def test_a_moment_without_anybody_is_an_empty_table(tmp_path: Path) -> None:
    path = tmp_path / "away.toml"
    path.write_text(
        'floor = { size = [10.0, 8.0] }\nentrances = [{ name = "gate", at = [0.6, 4.0] }]\n'
        '[[cameras]]\nname = "sky"\nat = [9.8, 4.0, 3.0]\nlook_at = [20.0, 4.0, 9.0]\n'
    )
    table = sightings_of(str(path), 1, 1.0)
    assert len(table) == 0
    assert table.parts.shape == (0, 6)
    assert len(table.frame_times_s) == FPS
