from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from keyreid_stream.models.build import build_skeleton
from keyreid_stream.models.config import named_model


def test_a_published_clip_costs_at_most_94_gflop() -> None:
    model = build_skeleton(named_model("published"))
    crops = torch.zeros(1, 4, 3, 256, 128, device="meta")
    weights = torch.zeros(1, 4, 6, 128, device="meta")
    with FlopCounterMode(display=False) as counter:
        model(crops, weights, torch.zeros(1, 4, dtype=torch.long, device="meta"))
    # The backbone alone must be seen, so that the counter cannot pass by counting nothing.
    assert 80e9 < counter.get_total_flops() <= 94e9
