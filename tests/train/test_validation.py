from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from keyreid_stream.errors import InputError
from keyreid_stream.models.keyreid import KeyReID
from keyreid_train.data.structures import Tracklet, TrackletSet
from keyreid_train.validation import embed_tracklets, prepare
from tests.models.small_models import small_model


def painted(folder: Path, lengths: tuple[int, ...]) -> TrackletSet:
    generator = np.random.default_rng(0)
    tracklets = []
    for number, length in enumerate(lengths):
        paths = tuple(folder / f"{number}_{place}.png" for place in range(length))
        for path in paths:
            cv2.imwrite(str(path), generator.integers(0, 256, (80, 40, 3), np.uint8))
        keypoints = generator.uniform(0, 40, (length, 17, 3)).astype(np.float32)
        tracklets.append(Tracklet(f"person {number}", "a", f"tracklet {number}", paths, keypoints))
    return TrackletSet("painted", tuple(tracklets))


def embedded_alone(model: KeyReID, tracklets: TrackletSet, which: int, places: list[int]) -> torch.Tensor:
    """The clip of these images, filled to the model's slots by hand."""
    crops = prepare(tracklets, model.crop_spec).crops[which]
    images = torch.from_numpy(crops.images[places]).movedim(-1, 1)[None]
    return model(images, torch.from_numpy(crops.part_weights[places])[None]).embedding[0]


@pytest.fixture
def model() -> KeyReID:
    return small_model(frames=2).eval()


@torch.no_grad()
def test_an_embedding_is_the_mean_over_consecutive_clips(tmp_path: Path, model: KeyReID) -> None:
    tracklets = painted(tmp_path, (3, 1))
    embedded = embed_tracklets(model, prepare(tracklets, model.crop_spec), frames=2)
    clips = [embedded_alone(model, tracklets, 0, [0, 1]), embedded_alone(model, tracklets, 0, [2, 2])]
    np.testing.assert_allclose(embedded.embeddings[0].vector, torch.stack(clips).mean(0), rtol=1e-4, atol=1e-4)
    alone = embedded_alone(model, tracklets, 1, [0, 0])
    np.testing.assert_allclose(embedded.embeddings[1].vector, alone, rtol=1e-4, atol=1e-4)
    assert embedded.person_ids == ("person 0", "person 1")


@torch.no_grad()
def test_single_images_are_clips_of_one(tmp_path: Path, model: KeyReID) -> None:
    tracklets = painted(tmp_path, (2,))
    prepared = prepare(tracklets, model.crop_spec)
    images = [embedded_alone(model, tracklets, 0, [place, place]) for place in (0, 1)]
    mean = embed_tracklets(model, prepared).embeddings[0].vector
    np.testing.assert_allclose(mean, torch.stack(images).mean(0), rtol=1e-4, atol=1e-4)
    first = embed_tracklets(model, prepared.first_images()).embeddings[0].vector
    np.testing.assert_allclose(first, images[0], rtol=1e-4, atol=1e-4)


def test_how_many_clips_go_together_changes_nothing(tmp_path: Path, model: KeyReID) -> None:
    prepared = prepare(painted(tmp_path, (3, 1, 2)), model.crop_spec)
    model.train()
    several, single = (embed_tracklets(model, prepared, clips_at_once=count) for count in (64, 1))
    assert model.training
    for left, right in zip(several.embeddings, single.embeddings, strict=True):
        np.testing.assert_allclose(left.vector, right.vector, rtol=1e-4, atol=1e-4)


def test_long_tracklets_are_thinned_evenly(tmp_path: Path, model: KeyReID) -> None:
    tracklets = painted(tmp_path, (7, 2))
    thinned = prepare(tracklets, model.crop_spec, most=3).tracklets.tracklets
    whole = tracklets.tracklets[0]
    assert thinned[0].images == tuple(whole.images[place] for place in (0, 2, 4))
    assert thinned[0].keypoints is not None
    assert whole.keypoints is not None
    np.testing.assert_array_equal(thinned[0].keypoints, whole.keypoints[[0, 2, 4]])
    assert thinned[1] is tracklets.tracklets[1]


def test_what_cannot_be_read_is_named(tmp_path: Path, model: KeyReID) -> None:
    tracklets = painted(tmp_path, (2,))
    broken = tracklets.tracklets[0].images[1]
    broken.write_bytes(b"no image")
    with pytest.raises(InputError, match=f"cannot read image {broken}"):
        prepare(tracklets, model.crop_spec)
    with pytest.raises(InputError, match="tracklet 'nothing' is empty"):
        prepare(TrackletSet("none", (Tracklet("a", "b", "nothing", ()),)), model.crop_spec)
