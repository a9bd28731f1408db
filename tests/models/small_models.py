"""Models that are small enough for property tests, with parameters that hide nothing."""

from __future__ import annotations

import torch

from keyreid_stream.models.build import build_model
from keyreid_stream.models.config import ModelConfig
from keyreid_stream.models.keyreid import KeyReID

CHANNELS = 64
GRID = (4, 2)
PATCHES = 8


def small_config(mode: str = "aligned", frames: int = 2, **changes: object) -> ModelConfig:
    """timm's test network (D = 64, 6 blocks, 2 heads) on crops of 64x32."""
    settings: dict[str, object] = {
        "name": "small-test",
        "mode": mode,
        "backbone": "test_vit",
        "crop_height": 64,
        "crop_width": 32,
        "frames": frames,
        "parts": 3,
        "part_dim": frames * CHANNELS if mode == "published" else 5,
    }
    return ModelConfig.model_validate(settings | changes)


def small_model(mode: str = "aligned", frames: int = 2, *, classes: int = 0, **changes: object) -> KeyReID:
    """A small model whose every parameter and statistic is random, so that none can be left out unnoticed."""
    return shaken(build_model(small_config(mode, frames, **changes), classes=classes, seed=0))


def shaken(model: KeyReID, seed: int = 1) -> KeyReID:
    """Give biases, norms and statistics random values too: fresh ones are 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=generator)
        elif tensor.is_floating_point() and tensor.ndim == 1:
            tensor.add_(0.2 * torch.randn(tensor.shape, generator=generator))
        elif tensor.is_floating_point():
            tensor.add_(0.1 * torch.randn(tensor.shape, generator=generator))
    return model


def random_clips(model: KeyReID, clips: int = 2, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """uint8 crops (B, T, 3, H, W) and part weights (B, T, P, M) of the model's kind, some of them hidden."""
    spec, generator = model.crop_spec, torch.Generator().manual_seed(seed)
    frames = model.config.frames
    crops = torch.randint(0, 256, (clips, frames, 3, spec.height, spec.width), generator=generator, dtype=torch.uint8)
    weights = torch.rand(clips, frames, spec.parts, spec.patches, generator=generator)
    weights = weights * (torch.rand(weights.shape, generator=generator) < 0.7)
    return crops, 2 * weights - 1 if spec.weighting == "signed" else weights


def encoded(model: KeyReID, crops: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens (B, T, S, D) and class rows (B, T, D) of clips."""
    tokens, class_rows = model.frame_encoder(crops.flatten(0, 1))
    shape = crops.shape[:2]
    return tokens.unflatten(0, shape), class_rows.unflatten(0, shape)
