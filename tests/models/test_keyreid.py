from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from keyreid_stream.encoders import TorchClipHead
from keyreid_stream.models.keyreid import KeyReID, classes_in
from keyreid_stream.models.temporal import slot_frames
from keyreid_stream.structures import Clip
from tests.models.small_models import CHANNELS, PATCHES, encoded, random_clips, small_model

MODES = ["aligned", "published"]


def close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    assert_close(actual, expected, rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module", params=MODES)
def model(request: pytest.FixtureRequest) -> KeyReID:
    return small_model(request.param, frames=3)


@pytest.fixture(scope="module")
def aligned() -> KeyReID:
    return small_model("aligned", frames=3)


@torch.inference_mode()
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("frames", range(1, 9))
def test_every_clip_length_gives_an_embedding_as_laid_out(mode: str, frames: int) -> None:
    model = small_model(mode, frames)
    features = model(*random_clips(model))
    part_dim = frames * CHANNELS if mode == "published" else 5
    assert (model.layout.global_dim, model.layout.parts, model.layout.part_dim) == (CHANNELS, 3, part_dim)
    assert features.embedding.shape == (2, model.layout.size) == (2, CHANNELS + 3 * part_dim)
    assert features.embedding.isfinite().all()
    assert_close(features.embedding[:, :CHANNELS], features.global_neck)
    scale = 1 / 3 if mode == "published" else 1
    assert_close(features.embedding[:, CHANNELS:], scale * features.part_necks.flatten(1))


@torch.inference_mode()
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("height", "width", "parts"), [(16, 32, 1), (64, 96, 6), (80, 32, 2)])
def test_any_crop_size_and_number_of_parts(mode: str, height: int, width: int, parts: int) -> None:
    model = small_model(mode, crop_height=height, crop_width=width, parts=parts)
    assert model.crop_spec.patches == height * width // 256
    features = model(*random_clips(model))
    assert features.visibility.shape == (2, parts)
    assert features.embedding.shape == (2, model.layout.size)


@torch.inference_mode()
def test_a_clip_alone_and_in_a_batch_agree(model: KeyReID) -> None:
    crops, weights = random_clips(model, clips=4)
    together = model(crops, weights)
    for row in range(4):
        alone = model(crops[row : row + 1], weights[row : row + 1])
        for field, batched in zip(alone, together, strict=True):
            close(field[0], batched[row])


@torch.inference_mode()
@given(frames=st.integers(1, 3), seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=10)
def test_a_still_person_has_the_global_part_of_one_frame(model: KeyReID, frames: int, seed: int) -> None:
    crops, weights = random_clips(model, clips=1, seed=seed)
    one = crops[:, [0] * 3]
    _, class_rows = encoded(model, one)
    appearance = model.clip_head.appearance(class_rows[:, 0])
    close(model(one, weights).global_neck, appearance)
    # However short the clip was before it was filled:
    close(model(crops[:, [0] * frames][:, slot_frames(frames, 3)], weights).global_neck, appearance)


@torch.inference_mode()
def test_a_short_clip_is_its_filled_clip(model: KeyReID) -> None:
    crops, weights = random_clips(model)
    tokens, class_rows = encoded(model, crops)
    short = [Clip(tokens[row, :2], class_rows[row, :2], weights[row, :2]) for row in range(2)]
    embedded = TorchClipHead(model).embed(short)
    filled = model(crops[:, [0, 0, 1]], weights[:, [0, 0, 1]])
    close(torch.from_numpy(embedded.vectors), filled.embedding)
    close(torch.from_numpy(embedded.visibility), filled.visibility)


@torch.inference_mode()
def test_clips_of_another_length_are_refused(model: KeyReID) -> None:
    crops, weights = random_clips(model)
    with pytest.raises(ValueError, match="must have 3 frames, got 2"):
        model(crops[:, :2], weights[:, :2])


@torch.inference_mode()
def test_hiding_a_part_changes_only_that_part(aligned: KeyReID) -> None:
    crops, weights = random_clips(aligned)
    before = aligned(crops, weights)
    weights[:, :, 1] = 0
    after = aligned(crops, weights)
    close(after.global_neck, before.global_neck)
    close(after.part_necks[:, [0, 2]], before.part_necks[:, [0, 2]])
    assert not torch.allclose(after.part_necks[:, 1], before.part_necks[:, 1], atol=1e-3)
    assert after.part_necks.isfinite().all()
    assert after.visibility[:, 1].tolist() == [0, 0]


@torch.inference_mode()
def test_a_hidden_part_does_not_depend_on_any_patch(aligned: KeyReID) -> None:
    crops, weights = random_clips(aligned)
    tokens, class_rows = encoded(aligned, crops)
    weights[:, :, 1] = 0
    before = aligned.clip_head(tokens, class_rows, weights)
    tokens[:, :, 1:] = torch.randn_like(tokens[:, :, 1:])
    after = aligned.clip_head(tokens, class_rows, weights)
    close(after.part_necks[:, 1], before.part_necks[:, 1])
    assert not torch.allclose(after.part_necks[:, 0], before.part_necks[:, 0], atol=1e-3)


@torch.inference_mode()
def test_a_patch_that_weighs_0_in_every_frame_does_not_change_the_part(aligned: KeyReID) -> None:
    crops, weights = random_clips(aligned)
    tokens, class_rows = encoded(aligned, crops)
    weights[:, :, 0, 5] = 0
    weights[:, :, 1, 5] = 1
    before = aligned.clip_head(tokens, class_rows, weights)
    tokens[:, :, 1 + 5] = -tokens[:, :, 1 + 5]
    after = aligned.clip_head(tokens, class_rows, weights)
    close(after.part_necks[:, 0], before.part_necks[:, 0])
    assert not torch.allclose(after.part_necks[:, 1], before.part_necks[:, 1], atol=1e-3)


@torch.inference_mode()
@given(order=st.permutations(range(PATCHES)))
@settings(deadline=None, max_examples=10)
def test_patches_may_come_in_any_order_if_weights_follow(aligned: KeyReID, order: list[int]) -> None:
    crops, weights = random_clips(aligned)
    tokens, class_rows = encoded(aligned, crops)
    reordered = torch.cat([tokens[:, :, :1], tokens[:, :, 1:][:, :, order]], dim=2)
    before, after = (
        aligned.clip_head(tokens, class_rows, weights),
        aligned.clip_head(reordered, class_rows, weights[..., order]),
    )
    close(after.embedding, before.embedding)


@torch.inference_mode()
def test_a_row_is_one_patch_through_time(aligned: KeyReID) -> None:
    """The local branch sees [patch m in frame 0, 1, 2], and the weights' mean over the frames."""
    crops, weights = random_clips(aligned)
    tokens, class_rows = encoded(aligned, crops)
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    hook = aligned.clip_head.local.register_forward_pre_hook(lambda _, given: seen.append(given))
    aligned.clip_head(tokens, class_rows, weights)
    hook.remove()
    ((rows, part_weights),) = seen
    for clip, row in [(0, 0), (0, 3), (1, 8)]:
        assert torch.equal(rows[clip, row], torch.cat([tokens[clip, frame, row] for frame in range(3)]))
    close(part_weights, (weights[:, 0] + weights[:, 1] + weights[:, 2]) / 3)


@torch.inference_mode()
@pytest.mark.parametrize(("mode", "hidden", "shown"), [("aligned", 0.0, 0.01), ("published", -1.0, -0.99)])
def test_visibility_is_the_share_of_frames_that_show_a_part(mode: str, hidden: float, shown: float) -> None:
    model = small_model(mode, frames=4)
    crops, weights = random_clips(model, clips=1)
    weights[:] = hidden
    weights[0, :, 0, 3] = shown
    weights[0, 1, 1, 7] = shown
    assert model(crops, weights).visibility.tolist() == [[1.0, 0.25, 0.0]]


@torch.inference_mode()
@pytest.mark.parametrize("mode", MODES)
def test_cameras_change_the_embedding_and_unknown_ones_have_a_defined_one(mode: str) -> None:
    model = small_model(mode, cameras=3)
    crops, weights = random_clips(model)
    unknown = model(crops, weights).embedding
    assert torch.equal(model(crops, weights, torch.full((2, 2), -1)).embedding, unknown)
    known = model(crops, weights, torch.tensor([[0, 0], [2, 2]])).embedding
    assert not torch.allclose(known, unknown, atol=1e-3)
    alone = model(crops[1:], weights[1:], torch.tensor([[2, 2]])).embedding
    close(alone[0], known[1])


def test_classifiers_score_the_necks() -> None:
    model = small_model(classes=7)
    features = model(*random_clips(model))
    scores = model.classifiers(features)
    assert scores.global_scores.shape == (2, 7)
    assert scores.part_scores.shape == (2, 3, 7)
    assert model.classifiers is not None
    close(scores.global_scores, features.global_neck @ model.classifiers.on_global.weight.T)
    close(scores.part_scores[:, 2], features.part_necks[:, 2] @ model.classifiers.on_parts[2].weight.T)


def test_a_model_knows_its_classes_and_so_does_its_state_dict() -> None:
    with_classifiers, without = small_model(classes=7), small_model()
    assert (with_classifiers.classes, without.classes) == (7, 0)
    assert (classes_in(with_classifiers.state_dict()), classes_in(without.state_dict())) == (7, 0)
    assert classes_in({"classifiers.on_global.weight": torch.tensor(7.0)}) == 0


@pytest.mark.parametrize("mode", MODES)
def test_training_reaches_every_parameter(mode: str) -> None:
    model = small_model(mode, frames=2, classes=4, cameras=2).train()
    torch.nn.init.ones_(model.clip_head.temporal.score.bias)  # keeps its ReLU alive
    crops, weights = random_clips(model, clips=4)
    features = model(crops, weights, torch.tensor([[0, 0], [1, 1], [0, 1], [-1, -1]]))
    scores = model.classifiers(features)
    loss = sum(output.square().mean() for output in (*scores, features.embedding, features.attention_logits))
    loss.backward()
    starved = [
        name for name, parameter in model.named_parameters() if parameter.grad is None or not parameter.grad.any()
    ]
    # The bias of an attention's keys shifts all logits alike: its gradient is 0 but for rounding.
    assert [name for name in starved if not name.endswith("qkv.bias")] == []
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters() if parameter.grad is not None)


def test_tcss_perturbs_training_only_and_never_the_global_part() -> None:
    model = small_model("aligned", frames=4)
    crops, weights = random_clips(model, clips=8)
    with torch.no_grad():
        calm = model(crops, weights)
        again = model(crops, weights)
        assert torch.equal(calm.embedding, again.embedding)
        model.clip_head.tcss.train()
        first = model(crops, weights, generator=torch.Generator().manual_seed(1))
        second = model(crops, weights, generator=torch.Generator().manual_seed(1))
    assert torch.equal(first.embedding, second.embedding)
    close(first.global_neck, calm.global_neck)
    assert torch.equal(first.visibility, calm.visibility)
    moved = (first.part_features - calm.part_features).abs().amax(dim=(1, 2)) > 1e-4
    assert moved.any()


@pytest.mark.parametrize("mode", MODES)
def test_both_halves_export_for_any_batch(mode: str) -> None:
    model = small_model(mode, frames=2)
    crops, weights = random_clips(model, clips=3)
    batch = torch.export.Dim("batch")

    def check(half: torch.nn.Module, arguments: tuple[Any, ...], others: tuple[Any, ...], dynamic: Any) -> None:
        with torch.no_grad():
            exported = torch.export.export(half, arguments, dynamic_shapes=dynamic, strict=False).module()
            for actual, expected in zip(exported(*others), half(*others), strict=True):
                close(actual, expected)

    images = crops.flatten(0, 1)
    check(model.frame_encoder, (images,), (images[:5],), ({0: batch},))
    with torch.no_grad():
        head = (*encoded(model, crops), weights)
    check(model.clip_head, head, tuple(argument[:2] for argument in head), ({0: batch}, {0: batch}, {0: batch}))
