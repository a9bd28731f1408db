"""Where the network looks: patches that its class tokens attend to, and crops that a clip's feature is made of."""

from __future__ import annotations

from typing import NamedTuple

import torch

from keyreid_stream.models.attention import class_attention
from keyreid_stream.models.frame_encoder import UNKNOWN_CAMERA
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.models.temporal import slot_frames
from keyreid_stream.structures import FloatArray, ImageArray


class Looks(NamedTuple):
    """What the network looks at in a clip of N crops.

    Attributes:
        patches: (N, M) float32, the attention of the global branch's class token to each patch, the mean of the heads;
            what is missing to 1 it pays to itself (and to registers).
        crops: (N,) float32, the temporal attention to each crop, sums to 1. A crop that fills several slots of a
            short clip has the sum of theirs.
    """

    patches: FloatArray
    crops: FloatArray


@torch.inference_mode()
def look(model: KeyReID, images: ImageArray) -> Looks:
    """Let the network look at a clip.

    Args:
        model: in evaluation mode.
        images: (N, H, W, 3) uint8 RGB crops of one person in the order of time, of the model's crop size.

    Raises:
        ValueError: there are no crops, or more than the model's clips have.
    """
    slots = slot_frames(len(images), model.config.frames)
    encoder = model.frame_encoder
    device = next(model.parameters()).device
    pixels = torch.from_numpy(images).to(device).permute(0, 3, 1, 2)
    offsets_ND = None
    if encoder.cameras is not None:
        offsets_ND = encoder.cameras(torch.full((len(images),), UNKNOWN_CAMERA, device=device))
    tokens, rope = encoder.backbone(encoder.normalised(pixels), offsets_ND)
    attention_NS = class_attention(encoder.global_block, tokens, rope)
    class_rows_ND = encoder(pixels).class_rows
    _, logits_1T = model.clip_head.temporal(class_rows_ND[slots][None])
    crops_N = torch.zeros(len(images), device=device).index_add_(
        0, torch.tensor(slots, device=device), logits_1T[0].softmax(dim=0).float()
    )
    return Looks(attention_NS[:, encoder.backbone.prefix_tokens :].float().cpu().numpy(), crops_N.cpu().numpy())
