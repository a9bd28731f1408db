from __future__ import annotations

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer

from keyreid_stream.models.backbone import split_backbone
from keyreid_stream.models.frame_encoder import CameraEmbedding, FrameEncoder
from tests.models.small_models import small_model


def random_images(count: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, 64, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@torch.inference_mode()
def test_uint8_is_normalised_and_floating_point_taken_as_normalised() -> None:
    encoder = small_model().frame_encoder
    images = random_images(2)
    from_pixels, from_normalised = encoder(images), encoder((images / 255 - 0.5) / 0.5)
    torch.testing.assert_close(from_pixels.tokens, from_normalised.tokens)
    torch.testing.assert_close(from_pixels.class_rows, from_normalised.class_rows)


@torch.inference_mode()
def test_a_crop_alone_and_in_a_batch_agree() -> None:
    encoder = small_model().frame_encoder
    images = random_images(5)
    together = encoder(images)
    for row in range(5):
        alone = encoder(images[row : row + 1])
        torch.testing.assert_close(together.tokens[row], alone.tokens[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(together.class_rows[row], alone.class_rows[0], rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_registers_are_attended_to_but_stand_for_no_patch() -> None:
    torch.manual_seed(0)
    vit = VisionTransformer(img_size=(64, 32), embed_dim=32, depth=2, num_heads=2, reg_tokens=4, num_classes=0).eval()
    encoder = FrameEncoder(*split_backbone(vit, "registers", 64, 32))
    images = torch.randn(2, 3, 64, 32)
    all_tokens, _ = encoder.backbone(images)
    features = encoder(images)
    assert all_tokens.shape == (2, 1 + 4 + 8, 32)
    assert torch.equal(features.tokens, all_tokens[:, [0, *range(5, 13)]])
    # The class row sees the registers: it changes with them although no patch does (one block has run before).
    whole = encoder.global_norm(encoder.global_block(all_tokens))[:, 0]
    torch.testing.assert_close(features.class_rows, whole, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_a_camera_embedding_is_added_to_every_token() -> None:
    encoder = small_model(cameras=3).frame_encoder
    assert encoder.cameras is not None
    images = random_images(2)
    with_camera = encoder(images, torch.tensor([2, 0]))
    offsets = encoder.cameras.weight[[2, 0]]
    encoder.cameras = None
    vit = encoder.backbone.vit
    vit.pos_embed.data = vit.pos_embed + offsets[:1, None]
    torch.testing.assert_close(with_camera.tokens[0], encoder(images[:1]).tokens[0], rtol=1e-4, atol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize(("neutral", "scale"), [("zero", 1.0), ("mean", 3.0)])
def test_an_unknown_camera_gets_the_neutral_vector(neutral: str, scale: float) -> None:
    cameras = CameraEmbedding(3, 4, scale=scale, neutral=neutral)
    rows = cameras(torch.tensor([1, -1, 3, 9999]))
    torch.testing.assert_close(rows[0], scale * cameras.weight[1])
    expected = torch.zeros(4) if neutral == "zero" else scale * cameras.weight.mean(dim=0)
    for row in rows[1:]:
        torch.testing.assert_close(row, expected)


@torch.inference_mode()
@pytest.mark.parametrize("mode", ["aligned", "published"])
def test_no_cameras_given_means_all_unknown(mode: str) -> None:
    encoder = small_model(mode, cameras=3).frame_encoder
    images = random_images(2)
    assert torch.equal(encoder(images).tokens, encoder(images, torch.tensor([-1, -1])).tokens)


@torch.inference_mode()
def test_a_model_without_camera_embeddings_ignores_cameras() -> None:
    encoder = small_model().frame_encoder
    images = random_images(2)
    assert torch.equal(encoder(images).tokens, encoder(images, torch.tensor([4, 7])).tokens)
