from __future__ import annotations

import time

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from keyreid_stream.monitor import RunMetrics
from keyreid_stream.run_statistics import RunStatistics
from keyreid_stream.structures import CameraTick, Detections, Event, Frame, LiveCounts, Tick, Tracks
from keyreid_stream.timing import StageTimes

IMAGE = np.zeros((4, 4, 3), np.uint8)


def tick(camera_id: str, timestamp_s: float) -> Tick:
    seen = CameraTick(
        Frame(camera_id, 0, timestamp_s, IMAGE), Detections.empty(), Tracks.empty(), np.zeros(0, np.int64), {}
    )
    return Tick(0, timestamp_s, (seen,), (Event("new", 7, timestamp_s, camera_id, 1),))


def samples(metrics: RunMetrics) -> dict[tuple[str, tuple[str, ...]], float]:
    """Value by name and sorted labels, as Prometheus itself reads them."""
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(metrics.text.decode())
        for sample in family.samples
    }


def test_a_runs_figures_are_told() -> None:
    statistics, times = RunStatistics(["door"]), StageTimes(not_glue={"pose"})
    live = {
        "door": LiveCounts("streaming", 2, 100, 30, 2, 1, 4, time.time() - 1.5),
        "yard": LiveCounts("waiting", reason="connection refused"),
    }
    metrics = RunMetrics(
        times,
        statistics,
        lambda: live,
        lambda: {"door": 3},
        {"mqtt": lambda: {"waiting": 12.0, "sent": 5.0}},
        lambda: {"door": (40, 60)},
    )
    for stage in ("pose", "tracker"):
        with times.measure(stage):
            time.sleep(0.003)
    one = tick("door", time.time() - 0.02)
    statistics.write(one)
    metrics.write(one)
    times.end_tick()

    told = samples(metrics)
    assert told["keyreid_frames_total", ("door",)] == 1
    assert told["keyreid_ticks_total", ()] == 1
    assert told["keyreid_identities", ()] == 1
    assert told["keyreid_events_total", ("new",)] == 1
    assert told["keyreid_camera_frames_in_total", ("door",)] == 100
    assert told["keyreid_camera_dropped_total", ("door",)] == 30
    assert told["keyreid_camera_reconnects_total", ("door",)] == 2
    assert told["keyreid_camera_decode_errors_total", ("door",)] == 1
    assert told["keyreid_camera_repaired_timestamps_total", ("door",)] == 4
    assert told["keyreid_camera_late_frames_total", ("door",)] == 3
    assert (told["keyreid_camera_up", ("door",)], told["keyreid_camera_up", ("yard",)]) == (1, 0)
    assert told["keyreid_camera_epoch", ("door",)] == 2
    assert told["keyreid_camera_frame_age_seconds", ("door",)] == pytest.approx(1.5, abs=0.5)
    assert ("keyreid_camera_frame_age_seconds", ("yard",)) not in told
    assert told["keyreid_stage_seconds_count", ("pose",)] == 1
    assert told["keyreid_stage_seconds_sum", ("pose",)] >= 0.003
    assert told["keyreid_stage_seconds_bucket", ("0.002", "pose")] == 0
    assert told["keyreid_stage_seconds_bucket", ("+Inf", "pose")] == 1
    assert told["keyreid_glue_seconds_count", ()] == 1
    assert told["keyreid_latency_seconds_count", ("door",)] == 1
    assert told["keyreid_latency_seconds_bucket", ("0.016", "door")] == 0
    assert told["keyreid_output", ("mqtt", "waiting")] == 12
    crops = [told["keyreid_crops_total", ("door", how)] for how in ("encoded", "reused")]
    assert crops == [40, 60]
    assert told["process_resident_memory_bytes", ()] > 1e6


def test_of_files_there_is_no_latency() -> None:
    metrics = RunMetrics(StageTimes(), RunStatistics(["a"]))
    metrics.write(tick("a", 0.1))
    assert not [name for name, _ in samples(metrics) if name.startswith("keyreid_latency_seconds_")]


def test_two_runs_in_a_process_do_not_share_figures() -> None:
    one, other = (RunMetrics(StageTimes(), RunStatistics([name])) for name in ("a", "b"))
    assert ("keyreid_frames_total", ("a",)) in samples(one)
    assert ("keyreid_frames_total", ("a",)) not in samples(other)
