"""Pictures of a run while it goes on: the newest one, at the viewer's pace, and no work while nobody looks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from keyreid_demos import live_pictures as module
from keyreid_demos.live_pictures import LivePictures, PictureFeed
from keyreid_demos.live_route import PREFIX, live_router, parts
from keyreid_demos.visits import Visits
from keyreid_stream.structures import CameraTick, Detections, Frame, ImageArray, Tick, Tracks

WITHIN_S = 10.0


def tick(index: int, grey: int, camera_id: str = "door", joined: Mapping[str, float] | None = None) -> Tick:
    frame = Frame(camera_id, index, index / 10, np.full((48, 64, 3), grey, np.uint8))
    nobody = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    no_tracks = Tracks(
        np.zeros(0, np.int64), np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
    )
    return Tick(index, index / 10, (CameraTick(frame, nobody, no_tracks, np.zeros(0, np.int64), {}),), (), joined or {})


@pytest.fixture
def ends() -> Iterator[tuple[PictureFeed, LivePictures]]:
    """Both ends in one process."""
    ours, theirs = Pipe()
    feed, pictures = PictureFeed(theirs, {"door": 10.0}, most_per_s=1000), LivePictures(ours)
    with feed:
        yield feed, pictures
        pictures.close()


def wait_for(pictures: LivePictures, feed: PictureFeed, grey: int, after: int) -> int:
    """Run the pipeline until a picture newer than this one has come; its number."""
    deadline = time.monotonic() + WITHIN_S
    for index in range(10**6):
        feed.write(tick(index, grey))
        picture = pictures.newest()
        if picture.number > after:
            return picture.number
        assert time.monotonic() < deadline, "no picture came"
        time.sleep(0.002)
    raise AssertionError


def shade(jpeg: bytes) -> float:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return float(np.median(image))


def test_whoever_looks_sees_what_is_now(ends: tuple[PictureFeed, LivePictures]) -> None:
    feed, pictures = ends
    first = wait_for(pictures, feed, 50, 0)
    assert shade(pictures.newest().jpeg) == pytest.approx(50, abs=4)
    # At most one picture was under way when the scene changed.
    second = wait_for(pictures, feed, 200, first)
    wait_for(pictures, feed, 200, second)
    assert shade(pictures.newest().jpeg) == pytest.approx(200, abs=4)


def test_while_nobody_looks_no_mosaic_is_composed(monkeypatch: pytest.MonkeyPatch) -> None:
    _, theirs = Pipe()
    feed = PictureFeed(theirs, {"door": 10.0})
    monkeypatch.setattr(feed._mosaic, "update", lambda _tick: pytest.fail("composed for nobody"))
    with feed:
        for index in range(50):
            feed.write(tick(index, 0))


def test_a_viewer_who_takes_nothing_leaves_one_picture_waiting_and_holds_nothing_up(
    ends: tuple[PictureFeed, LivePictures],
) -> None:
    feed, pictures = ends
    wait_for(pictures, feed, 50, 0)
    # The page's end is stuck: whoever looks does not take the next pictures out of the pipe.
    longest_s = 0.0
    for index in range(300):
        began = time.perf_counter()
        feed.write(tick(index, 90))
        longest_s = max(longest_s, time.perf_counter() - began)
    held = feed._newest
    assert held is None or held.nbytes < 10**6
    assert longest_s < 1.0  # a tick never waits for a viewer: that would be for ever


def test_whoever_joined_and_was_seen_while_nobody_looked_is_in_the_next_picture() -> None:
    _, theirs = Pipe()
    feed = PictureFeed(theirs, {"door": 10.0})
    feed.write(tick(0, 50, joined={"yard": 10.0}))
    feed.write(tick(1, 200, "yard"))
    feed._asked_s = time.monotonic()
    feed.write(tick(2, 50))
    assert feed._newest is not None
    left, right = np.split(feed._newest, 2, axis=1)
    assert np.median(left) == pytest.approx(50, abs=4)
    assert np.median(right) == pytest.approx(200, abs=4)


def test_cameras_that_come_in_turns_are_all_kept_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    _, theirs = Pipe()
    feed = PictureFeed(theirs, {"door": 10.0, "yard": 10.0}, most_per_s=10)
    feed._asked_s = 1e9
    composed: list[str] = []
    update = feed._mosaic.update

    def noted(tick: Tick) -> ImageArray | None:
        composed.extend(one.frame.camera_id for one in tick.cameras)
        return update(tick)

    monkeypatch.setattr(feed._mosaic, "update", noted)
    for index in range(100):  # twice as many ticks as pictures: one camera's are always too soon
        now[0] = 100 + index / 20
        feed.write(tick(index, 50, ("door", "yard")[index % 2]))
    assert min(composed.count(name) for name in ("door", "yard")) > 30


def test_pictures_are_limited_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    _, theirs = Pipe()
    feed = PictureFeed(theirs, {"door": 10.0}, most_per_s=10)
    feed._asked_s = 100.0
    composed = 0
    for index in range(100):
        now[0] = 100.0 + index / 100
        feed._newest = None
        feed.write(tick(index, 0))
        composed += feed._newest is not None
    assert composed == pytest.approx(10, abs=1)


def test_pictures_are_over_when_the_runs_process_is_gone() -> None:
    ours, theirs = Pipe()
    pictures = LivePictures(ours)
    pictures.newest()
    theirs.close()
    deadline = time.monotonic() + WITHIN_S
    while not pictures.is_over:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_feed_whose_page_is_gone_lets_the_run_go_on() -> None:
    ours, theirs = Pipe()
    with PictureFeed(theirs, {"door": 10.0}) as feed:
        ours.close()
        for index in range(10):
            feed.write(tick(index, 0))


def numbered(count: int) -> SimpleNamespace:
    """Pictures that change with every look, and end."""
    state = {"number": 0}

    def newest() -> module.Picture:
        state["number"] += 1
        return module.Picture((state["number"] + 1) // 2, b"jpeg%d" % ((state["number"] + 1) // 2))

    class Pictures(SimpleNamespace):
        @property
        def is_over(self) -> bool:
            return state["number"] >= 2 * count

    return Pictures(newest=newest)


def test_every_picture_is_a_part_once() -> None:
    async def collect() -> list[bytes]:
        return [part async for part in parts(numbered(3))]  # type: ignore[arg-type]

    found = asyncio.run(collect())
    assert found == [
        b"--keyreid\r\nContent-Type: image/jpeg\r\nContent-Length: 5\r\n\r\njpeg%d\r\n" % number for number in (1, 2, 3)
    ]


def client_of(tmp_path: Path, pictures: object, most_viewers: int = 16) -> tuple[TestClient, str]:
    visits = Visits(tmp_path / "visits")
    token = visits.enter(None)
    visits.visit(token).job = SimpleNamespace(pictures=pictures, is_running=False, stop=lambda: None)  # type: ignore[assignment]
    app = FastAPI()
    app.include_router(live_router(visits, most_viewers))
    return TestClient(app), token


def test_pictures_are_for_visitors_with_a_run(tmp_path: Path) -> None:
    client, token = client_of(tmp_path, numbered(2))
    answer = client.get(f"{PREFIX}/{token}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("multipart/x-mixed-replace")
    assert answer.content.count(b"--keyreid") == 2
    assert client.get(f"{PREFIX}/guessed").status_code == 403
    assert client.get(f"{PREFIX}/{token}").status_code == 404  # the run is over


def test_there_is_an_end_to_how_many_look_and_a_place_is_free_when_somebody_goes(tmp_path: Path) -> None:
    client, token = client_of(tmp_path, numbered(2), most_viewers=0)
    answer = client.get(f"{PREFIX}/{token}")
    assert (answer.status_code, "0 people look already" in answer.text) == (503, True)
    endless = SimpleNamespace(is_over=False, newest=numbered(2).newest)
    client, token = client_of(tmp_path / "other", endless, most_viewers=1)
    for _ in range(3):  # each goes when the pictures end
        endless.is_over, endless.newest = False, _ending(endless)
        assert client.get(f"{PREFIX}/{token}").status_code == 200


def _ending(pictures: SimpleNamespace) -> Callable[[], module.Picture]:
    """One picture, and that is all."""

    def newest() -> module.Picture:
        pictures.is_over = True
        return module.Picture(1, b"jpeg")

    return newest
