from __future__ import annotations

import pytest

from keyreid_train.schedule import ScheduleConfig, learning_rate_factor

SHAPE = ScheduleConfig(warmup=0.2, start=0.1, end=0.01)


def test_a_hundred_steps_by_hand() -> None:
    factors = [learning_rate_factor(step, 101, SHAPE) for step in range(101)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[10] == pytest.approx(0.55)
    assert factors[20] == pytest.approx(1)
    assert factors[60] == pytest.approx((1 + 0.01) / 2)
    assert factors[100] == pytest.approx(0.01)
    assert sorted(factors[:21]) == factors[:21]
    assert sorted(factors[20:], reverse=True) == factors[20:]


def test_a_training_of_one_step_has_a_learning_rate() -> None:
    assert learning_rate_factor(0, 1, SHAPE) == 1


@pytest.mark.parametrize("step", [-1, 5])
def test_there_are_no_other_steps(step: int) -> None:
    with pytest.raises(ValueError, match="step must be 0 to 4"):
        learning_rate_factor(step, 5, SHAPE)
