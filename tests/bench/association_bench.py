"""What deciding who is who costs in a tick."""

from __future__ import annotations

import time

import numpy as np

from keyreid_stream.association import AssociationConfig, OnlineAssociator
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout, TrackEvidence, TrackKey
from tests.bench.model_bench import BenchRow

LAYOUT = EmbeddingLayout(192, 6, 64)
CAMERAS, PEOPLE_PER_CAMERA, PEOPLE = 16, 10, 40
TICKS, WARM_UP, STAY = 400, 100, 100
EMBED_EVERY = 8
MAX_MS = 2.0


def run() -> list[BenchRow]:
    """Milliseconds of a tick with 160 tracks in view, all of whom leave and are replaced every ten seconds."""
    milliseconds = 1e3 * np.array(ticks())[WARM_UP:]
    what = f"association, {CAMERAS} cameras × {PEOPLE_PER_CAMERA} people"
    return [
        BenchRow(
            f"{what}: median tick",
            float(np.median(milliseconds)),
            "ms",
            f"≤ {MAX_MS:g}",
            met=bool(np.median(milliseconds) <= MAX_MS),
        ),
        BenchRow(f"{what}: mean tick, revisions among them", float(milliseconds.mean()), "ms"),
        BenchRow(f"{what}: longest tick", float(milliseconds.max()), "ms"),
    ]


def ticks() -> list[float]:
    """Seconds that each tick took."""
    rng = np.random.default_rng(0)
    looks = rng.normal(size=(PEOPLE, LAYOUT.size)).astype(np.float32)
    left = rng.uniform(0, 1800, (CAMERAS, PEOPLE_PER_CAMERA))
    associator = OnlineAssociator(AssociationConfig())
    seconds = []
    for tick in range(TICKS):
        left += rng.normal(0, 4, left.shape)
        generation, age = divmod(tick, STAY)
        evidence = []
        for camera in range(CAMERAS):
            for place in range(PEOPLE_PER_CAMERA):
                embedding = None
                if age >= 4 and (age + place) % EMBED_EVERY == 0:
                    person = (camera * PEOPLE_PER_CAMERA + place + 7 * generation) % PEOPLE
                    vector = looks[person] + 0.7 * rng.normal(size=LAYOUT.size).astype(np.float32)
                    embedding = ClipEmbedding(vector.astype(np.float32), np.ones(LAYOUT.parts, np.float32), LAYOUT)
                x = float(left[camera, place])
                box = np.array([x, 0, x + 40, 100], np.float32)
                key = TrackKey(f"camera {camera:02d}", generation * PEOPLE_PER_CAMERA + place)
                evidence.append(TrackEvidence(key, tick / 10, tick, box, age + 1, embedding))
        ended = []
        if age == 0 and generation:
            last = range((generation - 1) * PEOPLE_PER_CAMERA, generation * PEOPLE_PER_CAMERA)
            ended = [TrackKey(f"camera {camera:02d}", track) for camera in range(CAMERAS) for track in last]
        started = time.perf_counter()
        associator.update(tick / 10, evidence, ended)
        seconds.append(time.perf_counter() - started)
    return seconds
