from __future__ import annotations

import torch

from keyreid_train.losses.attention import attention_loss


def test_attention_to_erased_frames_by_hand() -> None:
    logits = torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
    erased = torch.tensor([[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.5]])
    assert attention_loss(logits, erased).item() == ((2 + 4) + 4) / 2
