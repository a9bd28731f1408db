from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.reid import Similarity
from keyreid_stream.structures import ClipEmbeddings, EmbeddingLayout
from keyreid_stream.world.address import WorldAddress
from keyreid_stream.world.filming import film
from keyreid_stream.world.world import World
from keyreid_stream.world.writers import CropWriter
from keyreid_train.data.structures import Tracklet, TrackletSet
from keyreid_train.embedders.choose import open_embedder
from keyreid_train.embedders.interface import ClipImages, Half, half_black
from keyreid_train.embedders.tracklets import ClipPlan
from keyreid_train.reid_evaluation import EvaluationOptions, evaluate
from keyreid_train.searches import load_searches, searches_of

DENSE = EvaluationOptions(ClipPlan())


class Colours:
    """Embeds the mean colour of the upper and of the lower half: what a hidden half takes away is known."""

    name, sha256, frames = "colours", "0" * 64, 1

    def __init__(self) -> None:
        self.clips = 0

    def embed(self, clips: Sequence[ClipImages], hidden: Half | None = None) -> ClipEmbeddings:
        self.clips += len(clips)
        rows = []
        for clip in clips:
            image = half_black(clip.images[0], hidden) if hidden else clip.images[0]
            middle = len(image) // 2
            rows.append(np.r_[image[:middle].mean((0, 1)), image[middle:].mean((0, 1))])
        return ClipEmbeddings(
            np.array(rows, np.float32), np.zeros((len(rows), 0), np.float32), EmbeddingLayout(6, 0, 0)
        )


def seen(folder: Path, person: str, camera: str, upper: tuple[int, int, int], lower: tuple[int, int, int]) -> Tracklet:
    image = np.zeros((8, 4, 3), np.uint8)
    image[:4], image[4:] = upper[::-1], lower[::-1]
    path = folder / f"{person}-{camera}.png"
    cv2.imwrite(str(path), image)
    return Tracklet(person, camera, f"{person}/{camera}", (path,))


RED, BLUE, GREEN = (200, 0, 0), (0, 0, 200), (0, 200, 0)


@pytest.fixture
def people(tmp_path: Path) -> TrackletSet:
    """Two people with the same trousers and other shirts, in two cameras."""
    tracklets = [seen(tmp_path, "ann", camera, RED, GREEN) for camera in "ab"]
    tracklets += [seen(tmp_path, "bob", camera, BLUE, GREEN) for camera in "ab"]
    return TrackletSet("people", tuple(tracklets))


def test_a_hidden_half_is_hidden_in_queries_alone(people: TrackletSet) -> None:
    searches = searches_of("folder", lambda _: people)
    whole = evaluate(Colours(), searches, DENSE)
    assert whole.rows[0].figures.rank1 == 1
    assert whole.tracklets == 4
    lower = evaluate(Colours(), searches, EvaluationOptions(ClipPlan(), hidden="lower"))
    assert lower.rows[0].figures.rank1 == 1
    upper = evaluate(Colours(), searches, EvaluationOptions(ClipPlan(), hidden="upper"))
    assert upper.rows[0].figures.rank1 == 0  # equally close to both, and equals go worst first
    part = upper.rows[0].splits[0].parts[0]
    assert (part.name, part.queries, part.first_ranks) == ("a > b", ("ann/a", "bob/a"), (1, 1))


def test_splits_share_embeddings_and_have_deviations(people: TrackletSet) -> None:
    strangers = TrackletSet("s", (*people.tracklets[:2], *(_as(people.tracklets[at], "cleo") for at in (0, 3))))

    def read(part: str) -> TrackletSet:
        return strangers if part == "ilids-2-test" else TrackletSet(part, people.tracklets)

    embedder = Colours()
    evaluation = evaluate(embedder, searches_of("ilids", read), DENSE)
    row = evaluation.rows[0]
    # Split 2: cleo is ann in camera a and bob in camera b: of two queries one is right; the other splits are.
    assert row.splits[1].parts[0].first_ranks == (0, 1)
    assert row.figures.rank1 == pytest.approx((9 + 0.5) / 10)
    assert row.deviations is not None
    assert row.deviations.rank1 == pytest.approx(np.std([1] * 9 + [0.5], ddof=1))
    assert embedder.clips == evaluation.tracklets == 6


def _as(tracklet: Tracklet, person: str) -> Tracklet:
    return Tracklet(person, tracklet.camera_id, f"{person}/{tracklet.camera_id}", tracklet.images)


def test_mars_has_the_published_rule_beside_the_correct_one(tmp_path: Path) -> None:
    """By hand: the query is found only in its own camera once frames are counted as tracklets."""
    own = seen(tmp_path, "0001", "c1", RED, RED)
    long = Tracklet("0002", "c2", "long", own.images * 8)
    twin = Tracklet("0001", "c1", "twin", own.images)
    other = seen(tmp_path, "0001", "c2", GREEN, RED)
    parts = {
        "mars-query": TrackletSet("mars-query", (own,)),
        "mars-gallery": TrackletSet("mars-gallery", (long, twin, other)),
    }
    evaluation = evaluate(Colours(), searches_of("mars", parts.__getitem__), DENSE)
    correct, wrong = evaluation.rows
    # Correct: the twin goes; the long tracklet, which looks like the query, is before the right one: AP 1/2.
    assert correct.figures.mean_average_precision == 0.5
    # Wrong: the long tracklet's eight frames make all of the gallery camera 2, so the twin stays and ties: right ones
    # are second (equals go worst first) and third: AP (1/2 + 2/3) / 2.
    assert wrong.figures.mean_average_precision == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert wrong.splits[0].parts[0].same_camera == 1
    assert (correct.rule, wrong.rule[:5]) == ("same camera removed", "WRONG")


def test_bad_embeddings_and_ways_are_refused(people: TrackletSet) -> None:
    searches = searches_of("folder", lambda _: people)

    class Broken(Colours):
        def embed(self, clips: Sequence[ClipImages], hidden: Half | None = None) -> ClipEmbeddings:
            found = super().embed(clips, hidden)
            found.vectors[0, 0] = np.inf
            return found

    with pytest.raises(InputError, match="1 of 4 embeddings hold NaN or infinity"):
        evaluate(Broken(), searches, DENSE)
    with pytest.raises(InputError, match="needs parts"):
        evaluate(Colours(), searches, EvaluationOptions(ClipPlan(), (Similarity("visible"),)))


def test_a_world_scene(tmp_path: Path) -> None:
    """Drawn people, from the renderer to the figures, by the weights that were trained on such."""
    address = WorldAddress.of(scene="plaza", cameras=2, people=4, seconds=8.0, fps=1.0, width=480, height=270, seed=31)
    with CropWriter(tmp_path / "plaza/crops") as writer:
        for shot in film(World(address.described(), address.seed, address.seconds)):
            writer.write(shot)
    searches = load_searches("worlds", None, {"worlds": tmp_path})
    network = open_embedder("keyreid:keyreid-tiny", "cpu")
    plan = ClipPlan("spaced", 1, 2)
    rows = evaluate(network, searches, EvaluationOptions(plan)).rows
    assert [row.similarity for row in rows] == ["cosine", "global", "visible-0.5"]
    assert rows[0].figures.queries >= 4
    assert min(row.figures.mean_average_precision for row in rows) > 0.7


@pytest.mark.data
@pytest.mark.parametrize(
    ("plan", "rank1", "precision"), [(ClipPlan(), 0.625, 0.736), (ClipPlan("first"), 0.505, 0.629)]
)
def test_the_osnet_baseline(data: Path, plan: ClipPlan, rank1: float, precision: float) -> None:
    pytest.importorskip("onnxruntime")
    network = open_embedder(f"onnx:{data / 'weights' / 'osnet_x0_25_msmt17.onnx'}")
    evaluation = evaluate(network, load_searches("cuhk03-val", data / "reid", {}), EvaluationOptions(plan))
    figures = evaluation.rows[0].figures
    assert figures.queries == 200
    assert figures.rank1 == pytest.approx(rank1, abs=0.003)
    assert figures.mean_average_precision == pytest.approx(precision, abs=0.003)
