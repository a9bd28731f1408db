import math
import time

import pytest

from keyreid_stream.timing import BUCKETS_S, StageTime, StageTimes


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


def test_quantiles_are_the_upper_ends_of_buckets() -> None:
    stage = StageTime()
    assert math.isnan(stage.quantile_s(0.5))
    for milliseconds in [1.1] * 90 + [4.5] * 6 + [700] * 4:
        stage.add(milliseconds / 1000)
    assert stage.quantile_s(0.5) == 0.00125
    assert stage.quantile_s(0.90) == 0.00125
    assert stage.quantile_s(0.95) == 0.005
    assert stage.quantile_s(0.99) == 0.8
    stage.add(60.0)
    assert stage.quantile_s(1.0) == math.inf
    assert sum(stage.counts) == stage.calls == 101


def test_buckets_rise_and_a_bound_belongs_to_its_bucket() -> None:
    assert list(BUCKETS_S) == sorted(set(BUCKETS_S))
    stage = StageTime()
    stage.add(BUCKETS_S[7])
    assert stage.counts[7] == 1


def test_glue_is_what_a_tick_takes_besides_models_and_waiting() -> None:
    times = StageTimes(not_glue={"pose", "sources"})
    for _ in range(2):
        for stage in ("sources", "pose"):
            with times.measure(stage):
                time.sleep(0.03)
        for stage in ("tracker", "sinks"):
            with times.measure(stage):
                time.sleep(0.002)
        times.end_tick()
    assert times.glue.calls == 2
    assert 0.004 * 2 <= times.glue.seconds < 0.03 * 2
