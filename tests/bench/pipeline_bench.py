"""Milliseconds per frame of every stage of the main job, on the four lab cameras."""

from __future__ import annotations

import os
import statistics
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from keyreid_stream.config import deployment
from keyreid_stream.pipeline import Pipeline
from keyreid_stream.sinks import EventLogSink, MotSink, VideoSink
from keyreid_stream.structures import Tick
from tests.bench.model_bench import BenchRow

WARM_UP_TICKS = 5


def run(ticks: int = 60) -> list[BenchRow]:
    """The median over ticks of each stage's time per frame, all output written; model tiny, tracker botsort.

    Raises:
        FileNotFoundError: the shared data is missing.
    """
    pipeline = _lab_pipeline()
    samples: defaultdict[str, list[float]] = defaultdict(list)
    before: dict[str, float] = {}

    def sample(tick: Tick) -> None:
        for name, stage in pipeline.times.stages.items():
            if tick.index >= WARM_UP_TICKS:
                samples[name].append(1000 * (stage.seconds - before[name]) / len(tick.cameras))
            before[name] = stage.seconds

    rates = {source.camera_id: source.fps for source in pipeline.stages.sources}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        out = Path(folder)
        sinks = [EventLogSink(out / "events.jsonl"), MotSink(out / "tracks"), VideoSink(out / "videos", rates)]
        opened = [stack.enter_context(sink) for sink in sinks]
        for tick in islice(pipeline, WARM_UP_TICKS + ticks):
            with pipeline.times.measure("sinks"):
                for sink in opened:
                    sink.write(tick)
            sample(tick)
    medians = {name: statistics.median(values) for name, values in samples.items()}
    rows = [BenchRow(f"stage: {name}, median", value, "ms/frame") for name, value in medians.items()]
    # Some stages come in bursts, which a median does not see: the whole is a mean.
    whole = sum(statistics.mean(values) for values in samples.values())
    return [
        *rows,
        BenchRow("all stages, mean", whole, "ms/frame"),
        BenchRow("all cameras together", 1000 / whole, "frames/s"),
    ]


def _lab_pipeline() -> Pipeline:
    data = Path(os.environ.get("KEYREID_DATA", "../shared/data"))
    cameras = sorted((data / "lab_4cam").glob("cam*.mp4"))
    if not cameras:
        raise FileNotFoundError(f"no lab cameras in {data}/lab_4cam; set KEYREID_DATA")
    return Pipeline.from_config(
        deployment(
            {
                "sources": {"cameras": [str(camera) for camera in cameras]},
                "pose": {"weights": str(data / "weights" / "yolov8n-pose.pt")},
            }
        )
    )
