from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.reid import (
    Entries,
    camera_to_camera,
    published_cameras,
    search,
)
from keyreid_stream.evaluation.reid.similarity import BLOCK_ROWS


def entries(people: list[int], cameras: list[int], vectors: list[tuple[float, float]]) -> Entries:
    return Entries.of(np.array(vectors, np.float32), np.array(people, np.int64), np.array(cameras, np.int64))


def test_the_published_rule_gives_another_figure_by_hand() -> None:
    queries = entries([1, 2], [1, 2], [(1, 0), (0, 1)])
    gallery = entries([1, 1, 2, 2], [1, 2, 2, 1], [(1, 0), (0.2, 1), (0, 1), (1, 0.2)])
    # By the true cameras each query's twin in its own camera goes. The first one is left with (0.2, 1), behind the
    # two of person 2 that are (1, 0.2) and, as close as (0.2, 1) is, before (0, 1): rank 2; the second one likewise.
    true = search(queries, gallery).score
    assert (true.rank1, true.mean_average_precision) == (0, 0.5)
    # Tracklets of 8, 4, 4 and 4 images: 1 1 1 1 1 1 1 1 are the first eight frames' cameras, so all of the gallery is
    # said to be of camera 1, and both queries too: nobody has anything to find in another camera.
    images = np.array([8, 4, 4, 4])
    mistaken = published_cameras(gallery.cameras, images)
    assert mistaken.tolist() == [1, 1, 1, 1]
    # Queries of 1 and 4 images: clips are filled up to 4, so the first four frames are of camera 1.
    assert published_cameras(queries.cameras, np.array([1, 4])).tolist() == [1, 1]
    with pytest.raises(InputError, match="no query has anything to find"):
        search(replace(queries, mistaken_cameras=np.array([1, 1])), replace(gallery, mistaken_cameras=mistaken))
    # Had the queries' first frames been of a third camera, nothing would go, and each would find its own twin first.
    wrong = search(replace(queries, mistaken_cameras=np.array([3, 3])), replace(gallery, mistaken_cameras=mistaken))
    assert wrong.score.rank1 == 1
    assert wrong.parts[0].ranking.same_camera == 2


def test_long_tracklets_count_with_41_clips() -> None:
    cameras = published_cameras(np.r_[1, np.full(200, 2)], np.r_[1000, np.full(200, 4)])
    assert (cameras[:164] == 1).all()
    assert (cameras[164:] == 2).all()


@pytest.mark.data
def test_mars_counts_by_both_rules(data: Path) -> None:
    """1,840 valid queries; by the published rule 1,518 and 4,660 finds in the query's own camera (method section 3)."""
    info = data / "mars_info"
    rows = loadmat(str(info / "tracks_test_info.mat"))["track_test_info"].astype(np.int64)
    asked = np.zeros(len(rows), bool)
    asked[loadmat(str(info / "query_IDX.mat"))["query_IDX"].ravel().astype(int) - 1] = True
    sides = []
    for chosen in (rows[asked], rows[~asked & (rows[:, 2] != -1)]):
        nothing = np.ones((len(chosen), 1), np.float32)
        mistaken = published_cameras(chosen[:, 3], chosen[:, 1] - chosen[:, 0] + 1)
        sides.append(Entries(nothing, np.arange(len(chosen)), chosen[:, 2], chosen[:, 3], mistaken_cameras=mistaken))
    queries, gallery = sides
    published = search(queries, gallery).parts[0].ranking
    assert (published.asked, len(gallery), len(published.places), published.same_camera) == (1980, 9330, 1518, 4660)
    true = search(replace(queries, mistaken_cameras=None), replace(gallery, mistaken_cameras=None)).parts[0].ranking
    assert (len(true.places), true.same_camera) == (1840, 0)


def test_every_camera_is_searched_in_every_other() -> None:
    one = entries([1, 2, 1, 2, 3], [5, 5, 8, 8, 8], [(1, 0), (0, 1), (1, 0.1), (1, 0), (-1, 0)])
    result = camera_to_camera(one, names={5: "door", 8: "hall"})  # type: ignore[arg-type]
    assert [part.name for part in result.parts] == ["door > hall", "hall > door"]
    assert [part.ranking.score.rank1 for part in result.parts] == [0, 0.5]
    assert result.score.rank1 == 0.25
    assert result.score.queries == 4
    with pytest.raises(InputError, match="no person is seen by two cameras"):
        camera_to_camera(entries([1, 2], [1, 2], [(1, 0), (0, 1)]))


def test_changed_queries_are_looked_for_in_the_unchanged_gallery() -> None:
    plain = entries([1, 2, 1, 2], [1, 1, 2, 2], [(1, 0), (0, 1), (1, 0.1), (0.1, 1)])
    swapped = entries([1, 2, 1, 2], [1, 1, 2, 2], [(0, 1), (1, 0), (0.1, 1), (1, 0.1)])
    assert camera_to_camera(plain).score.rank1 == 1
    assert camera_to_camera(plain, queries=swapped).score.rank1 == 0
    with pytest.raises(ValueError, match="entries themselves"):
        camera_to_camera(plain, queries=plain.select(np.array([1, 0, 2, 3])))


MEASURE = """
import json, resource, sys
import numpy as np
from keyreid_stream.evaluation.reid import Entries, search
count, size = 4000, 19_200
vectors = np.zeros((2 * count, size), np.float32)
vectors[:] = np.random.default_rng(0).standard_normal(size, np.float32)
vectors[:, 0] = np.arange(2 * count)
people = np.tile(np.arange(1, count + 1), 2)
sides = Entries.of(vectors, people, np.repeat([1, 2], count))
scale = 1 if sys.platform == "darwin" else 1024
before = scale * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
search(sides.select(np.arange(count)), sides.select(np.arange(count, 2 * count)))
after = scale * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([vectors.nbytes, before, after]))
"""


@pytest.mark.slow
def test_memory_stays_within_what_is_promised() -> None:
    """Beside the embeddings, 4 (Q + G) E bytes, blocks alone: see `similarity.BLOCK_ROWS`."""
    run = subprocess.run([sys.executable, "-c", MEASURE], check=True, capture_output=True, text=True)
    embeddings, before, after = json.loads(run.stdout)
    blocks = 2 * 3 * 4 * BLOCK_ROWS * 19_200 + 4 * BLOCK_ROWS * 4000
    assert before > embeddings
    assert after - before < blocks + 50e6
    # For 12,000 against 12,000 only the embeddings and one block of similarities grow.
    assert after - embeddings + 4 * (12_000 + 12_000) * 19_200 + 4 * BLOCK_ROWS * 12_000 < 4e9
