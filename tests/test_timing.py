import time

import pytest

from keyreid_stream.timing import StageTimes


def test_time_and_calls_add_up_per_stage_in_order_of_first_use() -> None:
    times = StageTimes()
    for stage in ("pose", "tracker", "pose"):
        with times.measure(stage):
            time.sleep(0.002)
    assert list(times.stages) == ["pose", "tracker"]
    assert times.stages["pose"].calls == 2
    assert times.stages["pose"].seconds >= 0.004


def test_a_failing_stage_is_timed_and_its_error_passes() -> None:
    times = StageTimes()
    with pytest.raises(KeyError), times.measure("pose"):
        raise KeyError
    assert times.stages["pose"].calls == 1
