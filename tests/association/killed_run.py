"""A run on a stored gallery, for tests that kill it: prints every tick after it was acknowledged.

python -m tests.association.killed_run FILE UPDATES [SLEEP_S]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from keyreid_stream.association import AssociationConfig
from keyreid_stream.association.store import EmbeddingSpace, GalleryStore
from keyreid_stream.association.stored import StoredAssociator
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout, TrackEvidence, TrackKey

LAYOUT = EmbeddingLayout(global_dim=16, parts=2, part_dim=4)
SPACE = EmbeddingSpace(LAYOUT, "of a test", "0" * 64)
CONFIG = AssociationConfig(min_observations=3, window_s=2, exemplars=3)
PEOPLE = 5
PERIOD = 12


def run(path: Path, updates: int, pause_s: float) -> None:
    """People come and go, one after the other, in two cameras; a line a tick: its number, then track=identity."""
    rng = np.random.default_rng(7)
    looks = 3 * np.random.default_rng(1).normal(size=(PEOPLE, LAYOUT.size))
    with GalleryStore(path, CONFIG, SPACE) as store:
        associator = StoredAssociator(store, CONFIG)
        for tick in range(updates):
            evidence, ended = [], []
            for person in range(PEOPLE):
                visit, age = divmod(tick + 2 * person, PERIOD)
                key = TrackKey("ab"[visit % 2], PEOPLE * visit + person)
                if age >= 8:
                    if age == 8:
                        ended.append(key)
                    continue
                vector = (looks[person] + 0.1 * rng.normal(size=LAYOUT.size)).astype(np.float32)
                box = np.array([100 * person, 0, 100 * person + 40, 100], np.float32)
                clip = ClipEmbedding(vector, np.ones(2, np.float32), LAYOUT)
                evidence.append(TrackEvidence(key, tick / 4, tick, box, age + 1, clip))
            associator.update(tick / 4, evidence, ended)
            who = {one.key.track_id % PEOPLE: associator.identity_of(one.key) for one in evidence}
            said = (f" {person}={identity}" for person, identity in sorted(who.items()) if identity)
            sys.stdout.write(f"{tick}{''.join(said)}\n")
            sys.stdout.flush()
            time.sleep(pause_s)


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0.0)
