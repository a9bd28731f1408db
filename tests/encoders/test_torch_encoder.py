from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from keyreid_stream.encoders import TorchClipHead, TorchFrameEncoder
from keyreid_stream.interfaces import ClipHead, FrameEncoder
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.structures import Clip, Crops, Encodings
from tests.models.small_models import CHANNELS, PATCHES, random_clips, small_model

FRAMES = 3


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(params=["aligned", "published"])
def model(request: pytest.FixtureRequest) -> KeyReID:
    return small_model(request.param, FRAMES)


def random_crops(model: KeyReID, count: int) -> Crops:
    crops, weights = random_clips(model, clips=-(-count // FRAMES) + 1)
    images = crops.flatten(0, 1)[:count].permute(0, 2, 3, 1).contiguous()
    return Crops(images.numpy(), weights.flatten(0, 1)[:count].numpy())


def clip_of(encodings: Encodings, rows: list[int]) -> Clip:
    return Clip(encodings.tokens[rows], encodings.class_rows[rows], encodings.part_weights[rows])


def test_encodings_are_what_the_model_computes(model: KeyReID) -> None:
    encoder: FrameEncoder = TorchFrameEncoder(model)
    crops = random_crops(model, 4)
    encodings = encoder.encode(crops)
    with torch.inference_mode():
        tokens, class_rows = model.frame_encoder(torch.from_numpy(crops.images).permute(0, 3, 1, 2))
    torch.testing.assert_close(encodings.tokens, tokens, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(encodings.class_rows, class_rows, rtol=1e-4, atol=1e-5)
    assert np.array_equal(encodings.part_weights, crops.part_weights)
    assert encoder.crop_spec == model.crop_spec


def test_appearance_is_the_global_part_of_a_clip_of_one_crop(model: KeyReID) -> None:
    encodings = TorchFrameEncoder(model).encode(random_crops(model, 5))
    embedded = TorchClipHead(model).embed([clip_of(encodings, [row]) for row in range(5)])
    for row in range(5):
        np.testing.assert_allclose(embedded[row].global_part, encodings.appearance[row], rtol=1e-4, atol=1e-5)


def test_a_clip_embeds_as_in_the_whole_model(model: KeyReID) -> None:
    head: ClipHead = TorchClipHead(model)
    crops = random_crops(model, FRAMES)
    embedded = head.embed([clip_of(TorchFrameEncoder(model).encode(crops), [0, 1, 2])])
    with torch.inference_mode():
        images = torch.from_numpy(crops.images).permute(0, 3, 1, 2)
        features = model(images[None], torch.from_numpy(crops.part_weights)[None])
    np.testing.assert_allclose(embedded.vectors, features.embedding, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(embedded.visibility, features.visibility)
    assert embedded.layout == head.layout == model.layout
    assert head.frames_per_clip == FRAMES


def test_short_clips_are_filled_by_repeating_frames(model: KeyReID) -> None:
    encodings = TorchFrameEncoder(model).encode(random_crops(model, 2))
    head = TorchClipHead(model)
    short = head.embed([clip_of(encodings, [0, 1]), clip_of(encodings, [1])])
    filled = head.embed([clip_of(encodings, [0, 0, 1]), clip_of(encodings, [1, 1, 1])])
    np.testing.assert_array_equal(short.vectors, filled.vectors)


def test_too_long_clips_are_refused(model: KeyReID) -> None:
    encodings = TorchFrameEncoder(model).encode(random_crops(model, 4))
    with pytest.raises(ValueError, match="1 to 3 frames, got 4"):
        TorchClipHead(model).embed([clip_of(encodings, [0, 1, 2, 3])])


@pytest.mark.parametrize("batch_size", [1, 2, 7])
def test_the_batch_size_does_not_change_results(model: KeyReID, batch_size: int) -> None:
    crops = random_crops(model, 7)
    whole = TorchFrameEncoder(model).encode(crops)
    split = TorchFrameEncoder(model, batch_size=batch_size).encode(crops)
    torch.testing.assert_close(split.tokens, whole.tokens, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(split.appearance, whole.appearance, rtol=1e-4, atol=1e-5)
    clips = [clip_of(whole, rows) for rows in ([0, 1, 2], [3], [4, 5], [6, 0, 1], [2])]
    together = TorchClipHead(model).embed(clips)
    apart = TorchClipHead(model, batch_size=batch_size).embed(clips)
    np.testing.assert_allclose(apart.vectors, together.vectors, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(apart.visibility, together.visibility)


def test_the_same_crops_give_the_same_bits(model: KeyReID) -> None:
    encoder, crops = TorchFrameEncoder(model), random_crops(model, 5)
    first, second = encoder.encode(crops), encoder.encode(crops)
    assert torch.equal(first.tokens, second.tokens)
    assert np.array_equal(first.appearance, second.appearance)


def test_nobody_in_view_and_no_clips_due(model: KeyReID) -> None:
    encodings = TorchFrameEncoder(model).encode(random_crops(model, 0))
    assert encodings.tokens.shape == (0, 1 + PATCHES, CHANNELS)
    assert encodings.class_rows.shape == (0, CHANNELS)
    assert encodings.appearance.shape == (0, CHANNELS)
    assert TorchClipHead(model).embed([]).vectors.shape == (0, model.layout.size)


def test_bfloat16_runs_and_stays_close(model: KeyReID) -> None:
    crops = random_crops(model, 4)
    exact = TorchClipHead(model).embed([clip_of(TorchFrameEncoder(model).encode(crops), [0, 1, 2])])
    encodings = TorchFrameEncoder(model, dtype=torch.bfloat16).encode(crops)
    assert encodings.tokens.dtype == torch.bfloat16
    assert encodings.appearance.dtype == np.float32
    rough = TorchClipHead(model, dtype=torch.bfloat16).embed([clip_of(encodings, [0, 1, 2])])
    cosine = (exact.vectors * rough.vectors).sum() / np.linalg.norm(exact.vectors) / np.linalg.norm(rough.vectors)
    assert cosine > 0.99


def test_encoders_put_the_model_into_evaluation_mode() -> None:
    model = small_model("aligned", FRAMES).train()
    encoder, head = TorchFrameEncoder(model), TorchClipHead(model)
    encodings = encoder.encode(random_crops(model, 3))
    clips = [clip_of(encodings, [0, 1, 2])] * 8
    vectors = head.embed(clips).vectors  # TCSS and batch statistics would make them differ
    np.testing.assert_allclose(vectors, np.broadcast_to(vectors[0], vectors.shape), rtol=1e-4, atol=1e-5)
    assert not any(module.training for module in (*model.frame_encoder.modules(), *model.clip_head.modules()))


def test_other_crops_are_refused(model: KeyReID) -> None:
    encoder = TorchFrameEncoder(model)
    weights = np.zeros((1, 3, PATCHES), np.float32)
    with pytest.raises(ValueError, match="64x32 pixels, got 32x64"):
        encoder.encode(Crops(np.zeros((1, 32, 64, 3), np.uint8), weights))
    with pytest.raises(ValueError, match="3 parts of 8 patches, got 2 of 8"):
        encoder.encode(Crops(np.zeros((1, 64, 32, 3), np.uint8), weights[:, :2]))


@pytest.mark.parametrize("batch_size", [0, -3])
def test_batch_sizes_must_be_positive(model: KeyReID, batch_size: int) -> None:
    with pytest.raises(ValueError, match=f"got {batch_size}"):
        TorchFrameEncoder(model, batch_size=batch_size)
    with pytest.raises(ValueError, match=f"got {batch_size}"):
        TorchClipHead(model, batch_size=batch_size)


def test_read_only_pictures_are_fine_and_stay_untouched(model: KeyReID) -> None:
    crops = random_crops(model, 2)
    crops.images.flags.writeable = False
    TorchFrameEncoder(model).encode(crops)
