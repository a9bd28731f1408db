"""All that concerns the T frames of a clip: attention over them, short clips, and TCSS.

Letters: B clips, T frames, M patches, D channels, G groups of patches.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import relu


def slot_frames(frames: int, slots: int) -> list[int]:
    """Which frame fills each slot of a clip that is too short: slot t takes frame floor(t · frames / slots).

    Frames are repeated, never reordered or dropped. The one definition, for running and for training.

    Raises:
        ValueError: there are no frames, or more than slots.
    """
    if not 1 <= frames <= slots:
        raise ValueError(f"a clip holds 1 to {slots} frames, got {frames}")
    return [slot * frames // slots for slot in range(slots)]


class TemporalAttention(nn.Module):
    """Weighs the frames of a clip by their class rows (method section 1 step 2)."""

    def __init__(self, channels: int, hidden: int = 256) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, hidden)
        self.score = nn.Conv1d(hidden, 1, kernel_size=3, padding=1)

    def forward(self, class_rows_BTD: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The weighted mean (B, D) of a clip's class rows, and the attention logits (B, T) before the softmax."""
        hidden_BTh = relu(self.reduce(class_rows_BTD))
        logits_BT = relu(self.score(hidden_BTh.transpose(1, 2))).squeeze(1)
        mean_BD = (logits_BT.softmax(dim=1)[..., None] * class_rows_BTD).sum(dim=1)
        return mean_BD, logits_BT


class TCSS(nn.Module):
    """Temporal clip shift and shuffle (method section 4): in training, perturb which frame's token fills which slot.

    The patches, in row-major order, form `groups` contiguous groups. In a share `probability` of the clips, each group
    is either shifted circularly in time by a random amount or shuffled in time. The class row is not touched. In
    evaluation nothing happens.

    Part weights need not move along with their tokens: the clip head averages them over the frames, and a mean over
    time does not depend on the order.
    """

    def __init__(self, groups: int = 4, probability: float = 0.5) -> None:
        super().__init__()
        self.groups = groups
        self.probability = probability

    def forward(self, patches_BTMD: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """(B, T, M, D) patch tokens, each moved in time only.

        Args:
            patches_BTMD: patch tokens, without class tokens.
            generator: where the randomness comes from; None for torch's own.
        """
        if not self.training:
            return patches_BTMD
        clips, frames, patches, _ = patches_BTMD.shape
        orders_BGT = self._draw_orders(clips, frames, patches_BTMD.device, generator)
        group_of_patch = torch.arange(patches, device=patches_BTMD.device) * self.groups // patches
        source_BTM = orders_BGT[:, group_of_patch].transpose(1, 2)
        return patches_BTMD.gather(1, source_BTM[..., None].expand_as(patches_BTMD))

    def _draw_orders(
        self, clips: int, frames: int, device: torch.device, generator: torch.Generator | None
    ) -> torch.Tensor:
        """(B, G, T): the frame that fills slot t of each group of each clip."""
        drawn_on = device if generator is None else generator.device
        shape = (clips, self.groups)

        def uniform(*size: int) -> torch.Tensor:
            return torch.rand(size, generator=generator, device=drawn_on)

        unchanged = torch.arange(frames, device=drawn_on).expand(*shape, frames)
        shifted = (unchanged + (uniform(*shape, 1) * frames).long()) % frames
        shuffled = uniform(*shape, frames).argsort(dim=-1)
        moved = torch.where(uniform(*shape, 1) < 0.5, shifted, shuffled)
        return torch.where(uniform(clips, 1, 1) < self.probability, moved, unchanged).to(device)
