"""The page's live mosaic: pictures a second that a browser gets, and what a tick costs with and without a viewer.

Four cameras of 640 x 360 with six people each, 30 ticks a second, one viewer over HTTP on this machine. Run and page
are one process here and share an interpreter: with a run's process of its own it is better.
"""

from __future__ import annotations

import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import requests
import uvicorn
from fastapi import FastAPI

from keyreid_demos.live_pictures import LivePictures, PictureFeed
from keyreid_demos.live_route import PREFIX, live_router
from keyreid_demos.visits import Visits
from keyreid_stream.structures import CameraTick, Detections, Frame, Tick, Tracks
from tests.bench.model_bench import BenchRow
from tests.sources.live.rtsp import free_port

CAMERAS = ("north", "east", "south", "west")
TICKS_PER_S = 30
SECONDS = 6.0
LEAST_PER_S = 10.0


def run() -> list[BenchRow]:
    """Pictures a second of a browser, and milliseconds that the sink takes of a tick."""
    ours, theirs = Pipe()
    pictures = LivePictures(ours)
    with PictureFeed(theirs, dict.fromkeys(CAMERAS, 15.0)) as feed, _served(pictures) as address:
        alone, _ = _ticks(feed)
        stop = threading.Event()
        with requests.get(address, stream=True, timeout=10) as stuck:  # asks, and never reads on
            held_up, _ = _ticks(feed)
            stuck.close()
        seen: list[int] = []
        viewer = threading.Thread(target=_look, args=(address, seen, stop))
        viewer.start()
        watched, seconds = _ticks(feed)
        stop.set()
        pictures.close()  # ends the viewer's pictures
        viewer.join(10)
    rate = len(seen) / seconds
    return [
        BenchRow("live mosaic, 2 x 2 of 640 x 360", rate, "pictures/s", f">= {LEAST_PER_S:g}", rate >= LEAST_PER_S),
        BenchRow("live mosaic, a tick while nobody looks, mean", alone, "ms"),
        BenchRow("live mosaic, a tick while somebody looks, mean", watched, "ms"),
        BenchRow("live mosaic, a tick while a viewer is stuck, mean", held_up, "ms"),
        BenchRow("live mosaic, a picture", statistics.median(seen or [0]) / 1000, "kB"),
    ]


def _ticks(feed: PictureFeed) -> tuple[float, float]:
    """Milliseconds a tick, the mean; and seconds in all."""
    ticks = [_tick(index) for index in range(TICKS_PER_S)]
    began, spent = time.perf_counter(), []
    for index in range(round(SECONDS * TICKS_PER_S)):
        before = time.perf_counter()
        feed.write(ticks[index % len(ticks)])
        spent.append(time.perf_counter() - before)
        time.sleep(max(0.0, began + (index + 1) / TICKS_PER_S - time.perf_counter()))
    return 1000 * statistics.mean(spent), time.perf_counter() - began


def _tick(index: int) -> Tick:
    rng = np.random.default_rng(index)
    return Tick(index, index / TICKS_PER_S, tuple(_camera(name, index, rng) for name in CAMERAS), ())


def _camera(name: str, index: int, rng: np.random.Generator) -> CameraTick:
    coarse = rng.integers(0, 255, (18, 32, 3)).astype(np.uint8)
    image = coarse.repeat(20, axis=0).repeat(20, axis=1)
    corners = rng.uniform((0, 0), (560, 200), (6, 2)).astype(np.float32)
    boxes = np.concatenate([corners, corners + np.float32([50, 140])], axis=1)
    keypoints = np.concatenate(
        [rng.uniform(0, 1, (6, 17, 2)) * [50, 140] + corners[:, None], np.ones((6, 17, 1))], axis=2
    ).astype(np.float32)
    confidence = np.full(6, 0.9, np.float32)
    ids = np.arange(1, 7)
    return CameraTick(
        Frame(name, index, index / TICKS_PER_S, image),
        Detections(boxes, confidence, keypoints),
        Tracks(ids, boxes, confidence, np.arange(6)),
        ids,
        {},
    )


def _look(address: str, seen: list[int], stop: threading.Event) -> None:
    """Take parts of the body one after the other; note their sizes."""
    with requests.get(address, stream=True, timeout=10) as answer:
        rest = b""
        for chunk in answer.iter_content(1 << 14):
            rest += chunk
            *parts, rest = rest.split(b"--keyreid\r\n")
            seen += [len(part) for part in parts if part]
            if stop.is_set():
                return


@contextmanager
def _served(pictures: LivePictures) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        visits = Visits(Path(folder))
        token = visits.enter(None)
        visits.visit(token).job = SimpleNamespace(pictures=pictures, is_running=False, stop=lambda: None)  # type: ignore[assignment]
        app, port = FastAPI(), free_port()
        app.include_router(live_router(visits))
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        try:
            yield f"http://{socket.gethostbyname('localhost')}:{port}{PREFIX}/{token}"
        finally:
            server.should_exit = True
            thread.join(10)
