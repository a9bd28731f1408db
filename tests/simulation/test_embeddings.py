from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from keyreid_stream.association.similarity import signatures, similarity
from keyreid_stream.errors import ConfigError
from keyreid_stream.simulation.embeddings import LAYOUT, EmbeddingModel, synthetic_embeddings
from keyreid_stream.simulation.error_rate import noise_for, rank1_error
from keyreid_stream.simulation.recording import clips_of
from keyreid_stream.simulation.sightings import Sightings
from keyreid_stream.simulation.tracks import simulated_tracks
from keyreid_stream.structures import ClipEmbedding, FloatArray
from tests.simulation.tables import table, walk

PEOPLE, CAMERAS = 12, 3


def crowd() -> Sightings:
    """Everyone in every camera, twice, each time for 8 frames."""
    return table(
        [
            row
            for visit in range(2)
            for camera in range(CAMERAS)
            for person in range(1, PEOPLE + 1)
            for row in walk(range(20 * visit, 20 * visit + 8), camera, person)
        ]
    )


def embedded(
    sightings: Sightings, noise: float, *, seed: int = 1, look_alikes: bool = False, model: EmbeddingModel | None = None
) -> tuple[list[ClipEmbedding], np.ndarray, np.ndarray]:
    """Embeddings, and the person and camera of each."""
    tracks = simulated_tracks(sightings)
    clips = clips_of(sightings, tracks)
    found = synthetic_embeddings(
        sightings, tracks.stretch, clips, noise, seed=seed, look_alikes=look_alikes, model=model
    )
    return found, sightings.person_id[clips.last], sightings.camera[clips.last]


def mean_similarities(found: list[ClipEmbedding], people: np.ndarray) -> tuple[float, float]:
    """Of one person's clips, and of different people's."""
    rows = signatures(found, 0.5)
    closeness = similarity(rows, rows, 0.5)
    same = people[:, None] == people
    own = same & ~np.eye(len(people), dtype=np.bool_)
    return float(closeness[own].mean()), float(closeness[~same].mean())


def test_without_noise_one_person_is_one_vector_and_nobody_is_mistaken() -> None:
    found, people, cameras = embedded(crowd(), 0.0)
    for person in range(1, PEOPLE + 1):
        own = [one.vector for one, whose in zip(found, people, strict=True) if whose == person]
        assert np.ptp(np.stack(own), axis=0).max() < 1e-5
    assert rank1_error(found, people, cameras) == 0


def test_more_noise_means_more_errors_up_to_chance() -> None:
    sightings = crowd()
    rates = [rank1_error(*embedded(sightings, noise)) for noise in (0.5, 1.0, 1.5, 2.5, 1000.0)]
    assert rates == sorted(rates)
    assert rates[0] < 0.05
    assert rates[-1] == pytest.approx(1 - 1 / PEOPLE, abs=0.06)


def test_noise_of_a_stretch_stays_and_noise_of_a_clip_does_not() -> None:
    sightings = crowd()
    calm = {"camera": 0.0, "common": 0.0}
    of_stretch, _, _ = embedded(sightings, 1.0, model=EmbeddingModel(stretch=1, clip=0, **calm))
    of_clip, _, _ = embedded(sightings, 1.0, model=EmbeddingModel(stretch=0, clip=1, **calm))
    tracks = simulated_tracks(sightings)
    rows = clips_of(sightings, tracks).last
    first, second, *_ = np.flatnonzero(tracks.stretch[rows] == 0)

    def changes(found: list[ClipEmbedding]) -> FloatArray:
        return np.abs(found[first].vector - found[second].vector)

    assert changes(of_stretch).max() < 1e-5
    assert changes(of_clip).mean() > 0.1


def test_a_camera_is_biased_the_same_way_for_everyone() -> None:
    found, people, cameras = embedded(crowd(), 1.0, model=EmbeddingModel(stretch=0, clip=0, camera=1))
    of = {(p, c): one.vector for one, p, c in zip(found, people, cameras, strict=True)}
    assert np.allclose(of[1, 0] - of[1, 1], of[2, 0] - of[2, 1], atol=1e-5)
    assert np.linalg.norm(of[1, 0] - of[1, 1]) > 0.5


def test_look_alikes_are_more_alike_in_all_but_their_heads() -> None:
    sightings = crowd()
    _, varied = mean_similarities(*embedded(sightings, 0.0)[:2])
    alike, people, _ = embedded(sightings, 0.0, look_alikes=True)
    _, uniform = mean_similarities(alike, people)
    assert uniform > varied + 0.2
    model = EmbeddingModel(common=0)
    found, people, _ = embedded(sightings, 0.0, look_alikes=True, model=model)
    first, second = found[int(np.argmax(people == 1))], found[int(np.argmax(people == 2))]
    cosine = (first.part_rows * second.part_rows).sum(axis=1) / (
        np.linalg.norm(first.part_rows, axis=1) * np.linalg.norm(second.part_rows, axis=1)
    )
    assert cosine[0] < cosine[1:].mean()


def test_hidden_parts_are_garbage_of_no_visibility_and_half_hidden_ones_count_half() -> None:
    sightings = table(walk(range(4), 0, 1))
    parts = np.ones((4, 6), np.bool_)
    parts[:, 4] = False
    parts[:2, 5] = False
    (_, hidden), _, _ = embedded(replace(sightings, parts=parts), 0.0)
    (_, whole), _, _ = embedded(sightings, 0.0)
    assert hidden.visibility.tolist() == [1, 1, 1, 1, 0, 0.5]
    assert np.allclose(hidden.part_rows[[0, 1, 2, 3, 5]], whole.part_rows[[0, 1, 2, 3, 5]], atol=1e-6)
    assert np.abs(hidden.part_rows[4] - whole.part_rows[4]).max() > 0.05


def test_a_clip_of_two_people_is_between_them() -> None:
    sightings = table([*walk(range(4), 0, 1), *walk(range(4), 0, 2)])
    stretch = simulated_tracks(sightings).stretch
    clips = clips_of(sightings, simulated_tracks(sightings))
    mixed = replace(clips, last=clips.last[:1], rows=np.array([[0, 1, 2, 3]]))  # two sightings of each
    one, other = (replace(mixed, rows=np.array([rows])) for rows in ([0, 2, -1, -1], [1, 3, -1, -1]))
    vectors = [synthetic_embeddings(sightings, stretch, rows, 0.0, seed=4)[0].vector for rows in (mixed, one, other)]
    assert np.allclose(vectors[0], (vectors[1] + vectors[2]) / 2, atol=1e-6)


def test_the_same_seed_gives_the_same_embeddings_and_another_seed_others() -> None:
    sightings = crowd()
    first, again, other = (np.stack([one.vector for one in embedded(sightings, 1.0, seed=s)[0]]) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert first.shape == (len(first), LAYOUT.size)
    assert not np.allclose(first, other)


def test_noise_is_found_between_what_was_measured() -> None:
    assert noise_for(0.0, lambda noise: noise / 5) == 0
    assert noise_for(0.25, lambda noise: noise / 5) == pytest.approx(1.25)
    with pytest.raises(ConfigError, match=r"no noise up to 2\.5 gives an error rate of 0\.8, the most is 0\.50"):
        noise_for(0.8, lambda noise: noise / 5)


def test_people_whom_one_camera_alone_has_seen_are_no_queries() -> None:
    found, people, cameras = embedded(table(walk(range(8), 0, 1)), 1.0)
    assert rank1_error(found, people, cameras) == 0
    assert rank1_error([], np.zeros(0, np.int64), np.zeros(0, np.int64)) == 0
