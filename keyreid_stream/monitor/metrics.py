"""A run's figures, as Prometheus reads them.

They are put together when somebody asks, from what the run counts anyway; nothing waits for the one who asks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from types import TracebackType
from typing import Self

import torch
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from keyreid_stream.run_statistics import RunStatistics
from keyreid_stream.structures import LiveCounts, Tick
from keyreid_stream.timing import BUCKETS_S, StageTime, StageTimes

Gauges = Callable[[], Mapping[str, float]]
"""Figures of an output, by name: how much waits, how much was sent."""

_LIVE_COUNTERS = {
    "frames_in": "Frames decoded.",
    "dropped": "Decoded frames that nobody looked at because a newer one came first.",
    "reconnects": "Connections made anew.",
    "decode_errors": "Damaged frames, left out.",
    "repaired_timestamps": "Frames whose time was missing or wrong.",
}


class RunMetrics(Collector):
    """A sink that notes what only it can know, and a collector of Prometheus.

    Args:
        times: the pipeline's.
        statistics: the run's.
        live_counts: how the live cameras are doing, by camera.
        late: frames that came after newer ones of other cameras, by camera.
        outputs: figures of outputs, by output.
        crops: by camera, how many people were encoded, and for how many their track's own appearance stood in.
    """

    def __init__(
        self,
        times: StageTimes,
        statistics: RunStatistics,
        live_counts: Callable[[], Mapping[str, LiveCounts]] = dict,
        late: Callable[[], Mapping[str, int]] = dict,
        outputs: Mapping[str, Gauges] | None = None,
        crops: Callable[[], Mapping[str, tuple[int, int]]] = dict,
    ) -> None:
        self._times = times
        self._statistics = statistics
        self._live_counts = live_counts
        self._late = late
        self._outputs = dict(outputs or {})
        self._crops = crops
        self._latencies: dict[str, StageTime] = {}
        self._last_tick: float | None = None
        self._began = time.monotonic()
        self.registry = CollectorRegistry()
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Nothing to close."""

    def write(self, tick: Tick) -> None:
        """Note when a tick was done, and how old its live frames were by then."""
        self._last_tick = time.monotonic()
        live = self._live_counts()
        now_s = time.time()
        for seen in tick.cameras:
            if seen.frame.camera_id in live:
                latency_s = max(0.0, now_s - seen.frame.timestamp_s)
                self._latencies.setdefault(seen.frame.camera_id, StageTime()).add(latency_s)

    @property
    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self.registry)

    @property
    def since_tick_s(self) -> float:
        """Seconds since the last tick, or since the start while there was none."""
        return time.monotonic() - (self._began if self._last_tick is None else self._last_tick)

    @property
    def has_ticked(self) -> bool:
        """Whether the models are loaded and a first tick is done."""
        return self._last_tick is not None

    @property
    def streaming(self) -> tuple[int, int]:
        """How many of the live cameras stream now, and how many there are."""
        states = [counts.state for counts in self._live_counts().values()]
        return states.count("streaming"), len(states)

    def collect(self) -> Iterator[Metric]:
        """See `prometheus_client.registry.Collector`."""
        yield from self._of_cameras()
        yield from self._of_live_cameras()
        yield from self._of_times()
        ticks = CounterMetricFamily("keyreid_ticks", "Steps of the pipeline.", value=self._statistics.ticks)
        people = GaugeMetricFamily("keyreid_identities", "Different people so far.")
        people.add_metric([], len(self._statistics.identities))
        events = CounterMetricFamily("keyreid_events", "Decisions about identities.", labels=["kind"])
        for kind, count in sorted(self._statistics.events.items()):
            events.add_metric([kind], count)
        outputs = GaugeMetricFamily("keyreid_output", "Figures of outputs.", labels=["output", "figure"])
        for name, gauges in self._outputs.items():
            for figure, value in gauges().items():
                outputs.add_metric([name, figure], value)
        yield from (ticks, people, events, outputs)
        if torch.cuda.is_available():
            yield GaugeMetricFamily(
                "keyreid_gpu_memory_bytes", "Held by PyTorch on the GPU.", value=torch.cuda.memory_reserved()
            )

    def _of_cameras(self) -> Iterator[Metric]:
        frames = CounterMetricFamily("keyreid_frames", "Frames worked on.", labels=["camera"])
        tracks = CounterMetricFamily("keyreid_tracks", "Tracks begun.", labels=["camera"])
        people = GaugeMetricFamily("keyreid_people", "People in the newest frame.", labels=["camera"])
        for camera_id, camera in list(self._statistics.cameras.items()):
            frames.add_metric([camera_id], camera.frames)
            tracks.add_metric([camera_id], camera.tracks)
            people.add_metric([camera_id], camera.people_now)
        crops = CounterMetricFamily("keyreid_crops", "People encoded or not.", labels=["camera", "how"])
        for camera_id, (encoded, reused) in self._crops().items():
            crops.add_metric([camera_id, "encoded"], encoded)
            crops.add_metric([camera_id, "reused"], reused)
        yield from (frames, tracks, people, crops)

    def _of_live_cameras(self) -> Iterator[Metric]:
        live, now_s = self._live_counts(), time.time()
        for field, words in _LIVE_COUNTERS.items():
            counter = CounterMetricFamily(f"keyreid_camera_{field}", words, labels=["camera"])
            for camera_id, counts in live.items():
                counter.add_metric([camera_id], getattr(counts, field))
            yield counter
        late = CounterMetricFamily("keyreid_camera_late_frames", "Frames behind those of others.", labels=["camera"])
        for camera_id, count in self._late().items():
            late.add_metric([camera_id], count)
        up = GaugeMetricFamily("keyreid_camera_up", "1 while a camera streams.", labels=["camera"])
        epoch = GaugeMetricFamily("keyreid_camera_epoch", "Which connection this is, from 0.", labels=["camera"])
        age = GaugeMetricFamily("keyreid_camera_frame_age_seconds", "Since the newest frame came.", labels=["camera"])
        for camera_id, counts in live.items():
            up.add_metric([camera_id], float(counts.state == "streaming"))
            epoch.add_metric([camera_id], counts.epoch)
            if counts.last_arrival_s is not None:
                age.add_metric([camera_id], max(0.0, now_s - counts.last_arrival_s))
        latency = HistogramMetricFamily(
            "keyreid_latency_seconds", "From a live frame's own time to its results.", labels=["camera"]
        )
        for camera_id, times in list(self._latencies.items()):
            _add_histogram(latency, [camera_id], times)
        yield from (late, up, epoch, age, latency)

    def _of_times(self) -> Iterator[Metric]:
        stages = HistogramMetricFamily("keyreid_stage_seconds", "Of a stage in a tick.", labels=["stage"])
        for name, times in list(self._times.stages.items()):
            _add_histogram(stages, [name], times)
        glue = HistogramMetricFamily("keyreid_glue_seconds", "Of a tick, besides models and waiting.")
        _add_histogram(glue, [], self._times.glue)
        yield from (stages, glue)


def _add_histogram(family: HistogramMetricFamily, labels: list[str], times: StageTime) -> None:
    reached = list(accumulate(list(times.counts)))
    bounds = [*(f"{bound:g}" for bound in BUCKETS_S), "+Inf"]
    family.add_metric(labels, buckets=list(zip(bounds, reached, strict=True)), sum_value=times.seconds)
