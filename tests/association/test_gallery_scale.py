"""A gallery of 1e5 people over 1e6 updates: the memory it takes must not grow."""

from __future__ import annotations

import numpy as np
import psutil
import pytest

from keyreid_stream.association import AssociationConfig
from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.association.similarity import Signatures

SIZE, PARTS = 576, 6


def memory_growth(people: int, updates: int) -> float:
    """Megabytes by which the process grows: people are seen again, and come and go."""
    rng = np.random.default_rng(0)
    looks = rng.standard_normal((1000, 1, SIZE)).astype(np.float32)
    shown = np.ones((1, PARTS), np.float32)
    gallery = Gallery(AssociationConfig(exemplars=1, max_identities=people, retention_s=1e9))

    def see(identity_id: int, look: int, now_s: float) -> None:
        gallery.add_exemplar(identity_id, Exemplar(Signatures(looks[look % 1000], shown), "a", 1, now_s, now_s))
        gallery.touch(identity_id, now_s)

    for number in range(people):
        see(gallery.found(0.0), number, 0.0)

    def update(times: int, start: int) -> None:
        for step in range(start, start + times):
            now_s = float(step)
            if step % 4:
                newest = gallery.state.next_id
                see(int(rng.integers(max(1, newest - people // 2), newest)), step, now_s)
            else:
                see(gallery.found(now_s), step, now_s)
            if step % 1000 == 0:
                gallery.expire(now_s, ())
                gallery.nearest(Signatures(looks[0], shown), 16)

    # Dictionaries that lose as many as they gain are laid out anew now and then; once done, that is what they take.
    update(updates // 2, 1)
    before = psutil.Process().memory_info().rss
    update(updates, 1 + updates // 2)
    gallery.expire(float(2 * updates), ())
    assert len(gallery) == people
    return float(psutil.Process().memory_info().rss - before) / 1e6


def test_memory_stays_flat_under_updates() -> None:
    assert memory_growth(people=2000, updates=10_000) < 5.0  # 2,000 exemplars are 5 MB


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_memory_stays_flat_over_a_million_updates_of_a_hundred_thousand() -> None:
    assert memory_growth(people=100_000, updates=1_000_000) < 25.0  # of some 1,000 MB
