"""What deciding who is who costs in a tick."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.association import AssociationConfig, OnlineAssociator
from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.association.similarity import signatures
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout, TrackEvidence, TrackKey
from tests.bench.model_bench import BenchRow

LAYOUT = EmbeddingLayout(192, 6, 64)
CAMERAS, PEOPLE_PER_CAMERA, PEOPLE = 16, 10, 40
TICKS, WARM_UP, STAY = 600, 300, 100
FIRST_CLIP, EMBED_EVERY = 4, 8
MAX_MS = 2.0
KNOWN = (0, 100, 1000, 10_000, 100_000)


def run(known: tuple[int, ...] = KNOWN) -> list[BenchRow]:
    """Milliseconds of a tick with 160 tracks in view, of whom one in a hundred leaves and is replaced each tick."""
    rows = []
    for count in known:
        milliseconds = 1e3 * np.array(ticks(count))[WARM_UP:]
        what = f"association, {CAMERAS} cameras × {PEOPLE_PER_CAMERA} people, {count} others known"
        mean = float(milliseconds.mean())
        rows += [
            BenchRow(f"{what}: median tick", float(np.median(milliseconds)), "ms"),
            BenchRow(f"{what}: mean tick, revisions among them", mean, "ms", f"≤ {MAX_MS:g}", mean <= MAX_MS),
            BenchRow(f"{what}: longest tick", float(milliseconds.max()), "ms"),
        ]
    return rows


def ticks(known: int) -> list[float]:
    """Seconds that each tick took, with a gallery that knows so many people who are not in view."""
    rng = np.random.default_rng(0)
    looks = rng.normal(size=(PEOPLE, LAYOUT.size)).astype(np.float32)
    left = rng.uniform(0, 1800, (CAMERAS, PEOPLE_PER_CAMERA))
    config = AssociationConfig(max_identities=max(1, 2 * known))
    associator = OnlineAssociator(config, gallery=filled_gallery(config, known))
    seconds = []
    for tick in range(TICKS):
        left += rng.normal(0, 4, left.shape)
        evidence, ended = [], []
        for camera, place in np.ndindex(CAMERAS, PEOPLE_PER_CAMERA):
            number = camera * PEOPLE_PER_CAMERA + place
            # They come and go one after the other, not all at once.
            generation, age = divmod(tick + number * STAY // (CAMERAS * PEOPLE_PER_CAMERA), STAY)
            key = TrackKey(f"camera {camera:02d}", generation * PEOPLE_PER_CAMERA + place)
            if age == 0 and tick:
                ended.append(TrackKey(key.camera_id, key.track_id - PEOPLE_PER_CAMERA))
            person = (number + 7 * generation) % PEOPLE
            is_due = age >= FIRST_CLIP and (age + place) % EMBED_EVERY == 0
            embedding = _embedding(looks[person], rng) if is_due else None
            x = float(left[camera, place])
            box = np.array([x, 0, x + 40, 100], np.float32)
            evidence.append(TrackEvidence(key, tick / 10, tick, box, age + 1, embedding))
        started = time.perf_counter()
        associator.update(tick / 10, evidence, ended)
        seconds.append(time.perf_counter() - started)
    return seconds


def filled_gallery(config: AssociationConfig, known: int) -> Gallery:
    """A gallery of people who were seen by one camera, and are not in view."""
    rng = np.random.default_rng(1)
    gallery = Gallery(config)
    for _ in range(known):
        signature = signatures([_embedding(rng.normal(size=LAYOUT.size), rng)], config.global_weight)
        gallery.add_exemplar(gallery.found(0.0), Exemplar(signature, "camera 00", 8, 0.0, 0.0))
    return gallery


def _embedding(look: NDArray[np.floating], rng: np.random.Generator) -> ClipEmbedding:
    vector = (look + 0.7 * rng.normal(size=LAYOUT.size)).astype(np.float32)
    return ClipEmbedding(vector, np.ones(LAYOUT.parts, np.float32), LAYOUT)
