"""What deciding who is who costs in a tick."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from keyreid_stream.association import AssociationConfig, OnlineAssociator
from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.association.similarity import signatures
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout, TrackEvidence, TrackKey
from tests.bench.model_bench import BenchRow

LAYOUT = EmbeddingLayout(192, 6, 64)
CAMERAS, PEOPLE_PER_CAMERA, PEOPLE = 16, 10, 40
TICKS, WARM_UP = 1000, 600
STAY, BUSY_STAY = 400, 100
FIRST_CLIP, EMBED_EVERY = 4, 8
TICKS_PER_S = 10
MAX_MS = 2.0
KNOWN = (0, 100, 1000, 10_000, 100_000)


def run(known: tuple[int, ...] = KNOWN) -> list[BenchRow]:
    """Milliseconds of a tick, ten a second, with 160 tracks in view, each of which is replaced after 40 s or 10 s."""
    rows: list[BenchRow] = []
    for count, stay in [*((count, STAY) for count in known), (0, BUSY_STAY)]:
        with threadpool_limits(1, user_api="blas"):  # as in `keyreid track`
            milliseconds = 1e3 * np.array(ticks(count, stay))[WARM_UP:]
        median = float(np.median(milliseconds))
        what = _what(count, stay)
        needed = (f"≤ {MAX_MS:g}", median <= MAX_MS) if (count, stay) == (0, STAY) else ("", True)
        rows += [
            BenchRow(f"{what}: median tick", median, "ms", *needed),
            BenchRow(f"{what}: mean tick", float(milliseconds.mean()), "ms"),
            BenchRow(f"{what}: longest tick", float(milliseconds.max()), "ms"),
        ]
    return rows


def plot(rows: Sequence[BenchRow], picture: Path) -> None:
    """Draw what a tick costs against how many others are known, from the figures of `run`."""
    values = {row.name: row.value for row in rows}
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name in ("median", "mean", "longest"):
        axes.plot(KNOWN, [values[f"{_what(count, STAY)}: {name} tick"] for count in KNOWN], marker="o", label=name)
    axes.axhline(MAX_MS, color="grey", linestyle="dashed", linewidth=1)
    axes.set_xscale("symlog", linthresh=KNOWN[1])
    axes.set_xlim(left=-KNOWN[1] / 10)
    axes.set_yscale("log")
    axes.set_xlabel("people known who are not in view")
    axes.set_ylabel("ms per tick")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(picture, dpi=110, metadata={"Software": None})


def _what(known: int, stay: int) -> str:
    seconds = f"{stay / TICKS_PER_S:g} s each"
    return f"association, {CAMERAS} cameras × {PEOPLE_PER_CAMERA} people for {seconds}, {known} others known"


def ticks(known: int, stay: int) -> list[float]:
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
            generation, age = divmod(tick + number * stay // (CAMERAS * PEOPLE_PER_CAMERA), stay)
            key = TrackKey(f"camera {camera:02d}", generation * PEOPLE_PER_CAMERA + place)
            if age == 0 and tick:
                ended.append(TrackKey(key.camera_id, key.track_id - PEOPLE_PER_CAMERA))
            person = (number + 7 * generation) % PEOPLE
            is_due = age >= FIRST_CLIP and (age + place) % EMBED_EVERY == 0
            embedding = _embedding(looks[person], rng) if is_due else None
            x = float(left[camera, place])
            box = np.array([x, 0, x + 40, 100], np.float32)
            evidence.append(TrackEvidence(key, tick / TICKS_PER_S, tick, box, age + 1, embedding))
        started = time.perf_counter()
        associator.update(tick / TICKS_PER_S, evidence, ended)
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
