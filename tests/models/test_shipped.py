"""The re-ID weights that come with the package."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from keyreid_stream.encoders import EncoderConfig, torch_encoders
from keyreid_stream.models.crops import make_crops
from keyreid_stream.models.known_weights import resolve_weights, shipped_names
from keyreid_stream.models.load import load_model
from keyreid_stream.oracle.people import true_people
from keyreid_stream.world.film import Film
from keyreid_stream.world.scene import load_scene
from keyreid_stream.world.world import World


@pytest.mark.parametrize("name", shipped_names())
def test_they_are_small_enough_to_ship_and_say_how_they_were_made(name: str) -> None:
    assert resolve_weights(name).stat().st_size <= 15_000_000
    loaded = load_model(weights=name)
    assert loaded.card.trained
    assert loaded.card.data_sets


def test_drawn_people_of_another_seed_are_told_apart_across_cameras() -> None:
    cv2.setNumThreads(1)
    world = World(load_scene("plaza"), seed=611, seconds=12)
    encoder, _ = torch_encoders(load_model().model, EncoderConfig(device="cpu"))
    vectors: list[np.ndarray] = []
    owners: list[tuple[int, int]] = []
    for camera in range(2):
        film = Film(world, camera)
        for index in (20, 60, 100):
            shot = film.shot(index)
            people = true_people(shot.truth, min_visible_pixels=800)
            crops = make_crops(shot.frame.image, people.boxes_xyxy, people.keypoints, encoder.crop_spec)
            vectors += list(encoder.encode(crops).appearance)
            owners += [(camera, int(person_id)) for person_id in people.person_ids]
    unit = np.array(vectors) / np.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = unit @ unit.T
    cameras, persons = np.array(owners).T
    right = []
    for row in range(len(owners)):
        others = np.flatnonzero(cameras != cameras[row])
        if persons[row] in persons[others]:
            right.append(persons[others[similarity[row, others].argmax()]] == persons[row])
    assert len(right) >= 10
    assert np.mean(right) >= 0.8
