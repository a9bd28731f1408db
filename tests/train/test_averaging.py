from __future__ import annotations

import pytest
import torch

from keyreid_train.averaging import MovingAverage
from tests.models.small_models import shaken, small_model


def test_every_number_follows_by_hand() -> None:
    model = small_model()
    average = MovingAverage(model, decay=0.9)
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    shaken(model, seed=5)
    model.clip_head.global_norm.num_batches_tracked.fill_(7)
    average.update(model, step=1000)
    moved = 0
    for name, tensor in average.state_dict().items():
        target = model.state_dict()[name]
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, 0.9 * start[name] + 0.1 * target)
            moved += not torch.equal(target, start[name])
        else:
            assert torch.equal(tensor, target)
    assert moved > 100
    assert average.state_dict()["clip_head.global_norm.running_var"].ne(1).all()


@pytest.mark.parametrize(("step", "decay"), [(0, 0.1), (90, 0.91), (10_000, 0.95)])
def test_early_on_it_follows_faster(step: int, decay: float) -> None:
    model = small_model()
    average = MovingAverage(model, decay=0.95)
    name = "clip_head.temporal.reduce.weight"
    with torch.no_grad():
        average.network.state_dict()[name].zero_()
        model.state_dict()[name].fill_(1)
    average.update(model, step)
    torch.testing.assert_close(average.state_dict()[name], torch.full_like(model.state_dict()[name], 1 - decay))


def test_the_average_is_not_trained() -> None:
    average = MovingAverage(small_model().train(), decay=0.5)
    assert not average.network.training
    assert not any(parameter.requires_grad for parameter in average.network.parameters())
