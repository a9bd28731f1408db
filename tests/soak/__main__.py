"""`make soak`: live cameras for minutes, as a user runs them; memory, delay, drops and the stop at the end.

`python -m tests.soak --minutes 2 --cameras 4` is a short one. Needs GStreamer's RTSP server (Debian packages).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
import requests
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from keyreid_stream.pipeline import NOT_GLUE
from keyreid_train.hardware import processor_name
from tests.soak.videos import people_videos
from tests.sources.live.rtsp import RtspServer, free_port, why_no_rtsp_server

WARM_UP_S = 60.0
SAMPLE_S = 1.0
READY_WITHIN_S = 120.0
MAX_SLOPE_MB_PER_MINUTE = 1.0
"""Below what chance and the allocator make of a flat line in nine minutes."""

MAX_GLUE_MS = 5.0
MAX_LATENCY_GROWTH = 1.3
"""A step of the histogram."""

MAX_STOP_S = 5.0
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and fail where a figure misses what it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Live cameras for minutes.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--cameras", type=int, default=8)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=360)
    given, options = parser.parse_known_args(arguments)  # the rest is for `keyreid track`
    if (missing := why_no_rtsp_server()) is not None:
        print(f"no soak: {missing}", file=sys.stderr)  # noqa: T201
        return 1
    with tempfile.TemporaryDirectory(prefix="keyreid-soak-") as folder:
        seconds = round(given.minutes * 60) + 120
        videos = people_videos(Path(folder), given.cameras, seconds=seconds, width=given.width, height=given.height)
        mounts = {f"camera{number}": {"file": str(video)} for number, video in enumerate(videos)}
        with RtspServer(mounts) as server:
            return _soak(server, list(mounts), Path(folder) / "run", given.minutes * 60, options)


def _soak(server: RtspServer, mounts: Sequence[str], out: Path, seconds: float, options: Sequence[str]) -> int:
    keyreid = Path(sys.executable).with_name("keyreid")
    cameras = [f"{mount}={server.address(mount)}" for mount in mounts]
    listen = f"127.0.0.1:{free_port()}"
    command = [str(keyreid), "track", *cameras, "--out", str(out), "--no-video", "--monitor", listen, *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as run:
        try:
            _wait_until_ready(run, f"http://{listen}/readyz")
            memory, latencies = _watch(run, seconds, f"http://{listen}/metrics")
        except BaseException:
            run.kill()
            raise
        began = time.monotonic()
        run.send_signal(signal.SIGINT)
        code = run.wait(60)
        stop_s = time.monotonic() - began
    report = json.loads((out / "run.json").read_text(encoding="utf-8"))
    return _tell(memory, latencies, report, code, stop_s)


def _wait_until_ready(run: subprocess.Popen[bytes], address: str) -> None:
    """Until models are loaded and cameras stream; what happens before is not measured."""
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and run.poll() is None:
        try:
            if requests.get(address, timeout=5).ok:
                return
        except requests.RequestException:
            pass  # not there yet
        time.sleep(SAMPLE_S)
    raise TimeoutError(f"the run was not ready within {READY_WITHIN_S:.0f} s")


def _watch(run: subprocess.Popen[bytes], seconds: float, metrics: str) -> tuple[np.ndarray, list[Counter[float]]]:
    """Memory, (n, 2): seconds since the start, and megabytes of the run and its decoders; and latencies after the warm
    up, at half time and at the end.
    """
    process, began = psutil.Process(run.pid), time.monotonic()
    samples: list[tuple[float, float]] = []
    latencies: list[Counter[float]] = []
    marks = [min(WARM_UP_S, seconds / 4), (min(WARM_UP_S, seconds / 4) + seconds) / 2, seconds - 2]
    while (elapsed := time.monotonic() - began) < seconds and run.poll() is None:
        samples.append((elapsed, _megabytes(process)))
        if len(latencies) < len(marks) and elapsed >= marks[len(latencies)]:
            latencies.append(_latencies(metrics))
        time.sleep(SAMPLE_S)
    return np.array(samples), latencies


def _latencies(metrics: str) -> Counter[float]:
    """Frames of all cameras so far, by the upper end of their latency's bucket, seconds."""
    reached: Counter[float] = Counter()
    for family in text_string_to_metric_families(requests.get(metrics, timeout=30).text):
        if family.name == "keyreid_latency_seconds":
            for sample in family.samples:
                if sample.name.endswith("_bucket"):
                    reached[float(sample.labels["le"])] += int(sample.value)
    return reached


def _p95_s(before: Counter[float], after: Counter[float]) -> float:
    """Latency within which 95 % of the frames between two moments were done."""
    total = after[math.inf] - before[math.inf]
    return next((le for le in sorted(after) if after[le] - before[le] >= 0.95 * total), math.nan)


def _megabytes(process: psutil.Process) -> float:
    """Memory that is the run's own: anonymous pages of all its processes, and once what they share with one another.

    Pages of libraries are left out: how many of them count depends on who else on the machine has them open.
    """
    own, shared = 0.0, 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            status = Path(f"/proc/{one.pid}/status").read_text(encoding="ascii")
        except OSError:  # it has just ended
            continue
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in status.splitlines() if line.startswith("Rss")}
        own += kilobytes["RssAnon"] / 1e3
        shared = max(shared, kilobytes["RssShmem"] / 1e3)
    return own + shared


def _tell(
    memory: np.ndarray, latencies: list[Counter[float]], report: dict[str, object], code: int, stop_s: float
) -> int:
    settled = memory[memory[:, 0] > WARM_UP_S]
    slope = float(np.polyfit(settled[:, 0] / 60, settled[:, 1], 1)[0]) if len(settled) > 2 else float("nan")
    rows = [
        ("memory after a minute", f"{settled[0, 1]:.0f} MB" if len(settled) else "-", "", True),
        ("memory at the end", f"{memory[-1, 1]:.0f} MB", "", True),
        ("growth", f"{slope:+.2f} MB/min", f"< {MAX_SLOPE_MB_PER_MINUTE:g}", slope < MAX_SLOPE_MB_PER_MINUTE),
        ("stopped by Ctrl-C within", f"{stop_s:.1f} s", f"< {MAX_STOP_S:g}", stop_s < MAX_STOP_S),
        ("exit code", str(code), str(INTERRUPTED), code == INTERRUPTED),
        *_latency_rows(latencies),
        *_counts(report),
    ]
    table = Table("figure", "value", "must be", title=f"{processor_name()}, {os.cpu_count()} threads")
    for name, value, needed, met in rows:
        table.add_row(name, value, f"{needed} ({'met' if met else 'MISSED'})" if needed else "")
    Console(width=120).print(table)
    return 0 if all(met for *_, met in rows) else 1


def _latency_rows(latencies: list[Counter[float]]) -> list[tuple[str, str, str, bool]]:
    """Frames dropped under overload must not make those that are worked on later and later."""
    if len(latencies) < 3:  # noqa: PLR2004: warm up, half time, end
        return [("latency", "the run ended too soon", "", False)]
    warm, half, end = latencies
    first_s, second_s = _p95_s(warm, half), _p95_s(half, end)
    stable = second_s <= MAX_LATENCY_GROWTH * first_s
    return [
        ("latency, p95, first half", f"{first_s:g} s", "", True),
        ("latency, p95, second half", f"{second_s:g} s", f"<= {MAX_LATENCY_GROWTH:g} x the first", stable),
    ]


def _counts(report: dict[str, object]) -> list[tuple[str, str, str, bool]]:
    counts, cameras, glue = report["counts"], report["cameras"], report["glue"]
    assert isinstance(counts, dict)
    assert isinstance(cameras, dict)
    assert isinstance(glue, dict)
    live = [camera["live"] for camera in cameras.values()]
    decoded, dropped = (sum(one[name] for one in live) for name in ("frames_in", "dropped"))
    p95_ms = glue["p95_ms"] or float("inf")
    return [
        ("glue of a tick, p50", f"{glue['p50_ms']} ms", "", True),
        ("glue of a tick, p95", f"{p95_ms} ms", f"<= {MAX_GLUE_MS:g}", p95_ms <= MAX_GLUE_MS),
        *_glue_rows(report),
        ("frames decoded", str(decoded), "", True),
        ("frames dropped", f"{dropped} ({100 * dropped / max(decoded, 1):.0f} %)", "", True),
        ("frames worked on", str(counts["frames"]), "", True),
        ("ticks", str(counts["ticks"]), "", True),
        ("identities", str(counts["identities"]), "", True),
        ("reconnects", str(sum(one["reconnects"] for one in live)), "", True),
    ]


def _glue_rows(report: dict[str, object]) -> list[tuple[str, str, str, bool]]:
    """What the glue is made of."""
    stages = report["stages"]
    assert isinstance(stages, dict)
    means = {name: 1000 * one["total_s"] / max(one["calls"], 1) for name, one in stages.items() if name not in NOT_GLUE}
    ordered = sorted(means.items(), key=lambda one: -one[1])
    return [(f"of it: {name}, mean", f"{milliseconds:.1f} ms", "", True) for name, milliseconds in ordered]


if __name__ == "__main__":
    sys.exit(main())
