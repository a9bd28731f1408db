from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.errors import ConfigError, InputError
from keyreid_stream.structures import ClipEmbeddings, EmbeddingLayout
from keyreid_train.data.structures import Tracklet
from keyreid_train.embedders.interface import ClipImages, Half
from keyreid_train.embedders.tracklets import ClipPlan, embed_all


class Shades:
    """Embeds the shades of a clip's images, and the first keypoint's x; counts its calls."""

    name, sha256, frames = "shades", "0" * 64, 4
    layout = EmbeddingLayout(2, 1, 1)

    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    def embed(self, clips: Sequence[ClipImages], hidden: Half | None = None) -> ClipEmbeddings:
        self.calls.append([len(clip.images) for clip in clips])
        vectors = np.zeros((len(clips), 3), np.float32)
        for row, clip in enumerate(clips):
            vectors[row, 0] = np.mean([image[0, 0, 0] for image in clip.images])
            vectors[row, 1] = len(clip.images)
            vectors[row, 2] = 0 if clip.keypoints is None else clip.keypoints[:, 0, 0].sum()
        shown = np.full((len(clips), 1), 0.5 if hidden else 1, np.float32)
        return ClipEmbeddings(vectors, shown, self.layout)


def tracklet(folder: Path, name: str, shades: Sequence[int], *, keypoints: bool = False) -> Tracklet:
    paths = []
    for place, shade in enumerate(shades):
        paths.append(folder / f"{name}-{place}.png")
        cv2.imwrite(str(paths[-1]), np.full((8 + place, 4, 3), shade, np.uint8))
    points = np.zeros((len(shades), 17, 3), np.float32)
    points[:, 0, 0] = np.arange(len(shades))
    return Tracklet(name, "a", name, tuple(paths), points if keypoints else None)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (ClipPlan("dense", 4), [range(4), range(4, 8), range(8, 10)]),
        (ClipPlan("dense", 1, most=1), [range(place, place + 1) for place in range(10)]),
        (ClipPlan("capped", 4, most=2), [range(4), range(4, 8)]),
        (ClipPlan("spaced", 2, most=2), [range(2), range(4, 6)]),
        (ClipPlan("spaced", 2, most=9), [range(start, start + 2) for start in range(0, 10, 2)]),
        (ClipPlan("first", 1), [range(1)]),
    ],
)
def test_clips_of_ten_images(plan: ClipPlan, expected: list[range]) -> None:
    assert plan.clips(10) == expected


def test_an_embedding_is_the_mean_over_clips_whatever_goes_together(tmp_path: Path) -> None:
    many = [tracklet(tmp_path, "long", [10, 20, 30], keypoints=True), tracklet(tmp_path, "short", [80])]
    for at_once in (1, 2, 64):
        found = embed_all(Shades(), many, ClipPlan("dense", 2), clips_at_once=at_once)
        # Long: clips (10, 20) and (30): shades 15 and 30, lengths 2 and 1, keypoints 0 + 1 and 2.
        np.testing.assert_allclose(found.vectors, [[22.5, 1.5, 1.5], [80, 1, 0]])
        np.testing.assert_allclose(found.visibility, [[1], [1]])
        assert found.clips == 3


def test_clips_of_one_length_go_together(tmp_path: Path) -> None:
    embedder, told = Shades(), []
    many = [tracklet(tmp_path, "a", [1, 2, 3]), tracklet(tmp_path, "b", [4, 5, 6])]
    embed_all(embedder, many, ClipPlan("dense", 2), clips_at_once=2, progress=lambda done, of: told.append((done, of)))
    assert embedder.calls == [[2, 2], [1, 1]]
    assert told == [(2, 4), (4, 4)]


def test_what_cannot_be_embedded_is_refused(tmp_path: Path) -> None:
    one = tracklet(tmp_path, "a", [1, 2])
    with pytest.raises(ConfigError, match="shades embeds clips of at most 4, not 5"):
        embed_all(Shades(), [one], ClipPlan("dense", 5))
    one.images[1].write_bytes(b"no image")
    with pytest.raises(InputError, match=r"cannot read image .*a-1\.png"):
        embed_all(Shades(), [one], ClipPlan())
    with pytest.raises(InputError, match="tracklet 'none' is empty"):
        embed_all(Shades(), [Tracklet("a", "b", "none", ())], ClipPlan())
    with pytest.raises(ConfigError, match="unknown clips 'some'; choose from: dense, capped, spaced, first"):
        ClipPlan("some")  # type: ignore[arg-type]
