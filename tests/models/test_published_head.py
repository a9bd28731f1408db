from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.models.published_head import heatmaps_to_part_weights, weights_in_row_order
from keyreid_stream.structures import CropSpec


@given(half=st.integers(3, 64))
def test_each_row_meets_the_weight_that_the_published_order_gives_it(half: int) -> None:
    patches = 2 * half
    rows = list(range(patches))
    shifted = rows[4:] + rows[:4]
    dealt = [row for pair in zip(shifted[:half], shifted[half:], strict=True) for row in pair]
    weights = torch.arange(patches, dtype=torch.float32)
    met = weights_in_row_order(weights[None, None])[0, 0]
    assert met.tolist() == [float(dealt.index(row)) for row in rows]


def test_a_heatmap_becomes_the_mean_of_each_patch() -> None:
    spec = CropSpec(height=4, width=6, grid_rows=2, grid_columns=3, parts=1)
    heatmap = torch.zeros(1, 1, 1, 4, 6)
    heatmap[0, 0, 0, 0, 0] = 1.0
    heatmap[0, 0, 0, 2:, 4:] = -1.0
    weights = heatmaps_to_part_weights(heatmap, spec)
    assert weights.tolist() == [[[[0.25, 0.0, 0.0, 0.0, 0.0, -1.0]]]]
