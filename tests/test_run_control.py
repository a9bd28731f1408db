"""Cameras that come, go and rest, told from another thread and over HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from keyreid_stream.association import AssociationConfig, OnlineAssociator
from keyreid_stream.config import deployment
from keyreid_stream.errors import InputError
from keyreid_stream.fakes import (
    FakeClipHead,
    FakeDetector,
    FakeFrameEncoder,
    FakeLiveSource,
    FakeSource,
    FakeTracker,
    Walker,
)
from keyreid_stream.interfaces import Source
from keyreid_stream.pipeline import Pipeline, Stages
from keyreid_stream.run import RecordedRun

RED = Walker(colour=(200, 0, 0), start=(10, 20), step=(1, 0))
PATIENCE_S = 20.0


def recorded(folder: Path, source: Source, settings: dict[str, Any] | None = None) -> RecordedRun:
    stages = Stages(
        sources=[source],
        detector=FakeDetector(),
        encoder=FakeFrameEncoder(),
        clip_head=FakeClipHead(),
        make_tracker=lambda _: FakeTracker(),
        associator=OnlineAssociator(AssociationConfig(threshold=0.9)),
    )
    return RecordedRun(Pipeline(stages), folder, deployment(settings or {}))


class Site:
    """A live run in a thread, over cameras that stream until they are closed."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.known = {name: FakeLiveSource(name, [RED]) for name in ("door", "yard", "gate")}
        monkeypatch.setattr("keyreid_stream.run.open_sources", lambda specs, **_: [self.opened(specs[0])])
        self.run = recorded(folder, self.known["door"], settings)
        self.status = ""
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._record, self._stream)]
        for thread in self._threads:
            thread.start()
        self.until(lambda: self.frames("door") > 0)

    def opened(self, spec: str) -> Source:
        return FakeSource("film", []) if spec == "film.mp4" else self.known[spec.partition("=")[0]]

    def frames(self, camera_id: str) -> int:
        counted = self.run.statistics.cameras.get(camera_id)
        return 0 if counted is None else counted.frames

    def until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def close(self) -> None:
        self.run.control.stop()
        self._threads[0].join(PATIENCE_S)
        self._stopping.set()

    def _record(self) -> None:
        self.status = self.run.record().status

    def _stream(self) -> None:
        index = 0
        while not self._stopping.wait(0.01):
            for camera in self.known.values():
                if camera.is_open:
                    camera.show(index, time.time())
            index += 1


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    made = Site(tmp_path / "run", monkeypatch)
    yield made
    made.close()


def test_a_camera_is_added_and_removed_while_others_go_on(site: Site) -> None:
    assert site.run.control.add("yard=rtsp://host/1") == ["yard"]
    site.until(lambda: site.frames("yard") > 5)
    assert [state.camera_id for state in site.run.control.states()] == ["door", "yard"]
    site.run.control.remove("yard")
    assert not site.known["yard"].is_open
    before = site.frames("door")
    site.until(lambda: site.frames("door") > before + 3)
    assert [state.camera_id for state in site.run.control.states()] == ["door"]


def test_a_paused_camera_gives_no_frames_until_it_is_resumed(site: Site) -> None:
    site.run.control.add("yard=rtsp://host/1")
    site.until(lambda: site.frames("yard") > 2)
    site.run.control.pause("yard")
    (state,) = [state for state in site.run.control.states() if state.camera_id == "yard"]
    assert state.paused
    at_pause, door = site.frames("yard"), site.frames("door")
    site.until(lambda: site.frames("door") > door + 5)
    assert site.frames("yard") <= at_pause + 1
    site.run.control.resume("yard")
    site.until(lambda: site.frames("yard") > at_pause + 3)


def test_what_cannot_be_done_is_refused_and_the_run_goes_on(site: Site) -> None:
    control = site.run.control
    with pytest.raises(InputError, match="'film' is a file; only live cameras"):
        control.add("film.mp4")
    with pytest.raises(InputError, match="door"):
        control.add("door=rtsp://host/1")
    for change in (control.remove, control.pause, control.resume):
        with pytest.raises(InputError, match="no camera 'nobody'; the cameras are: door"):
            change("nobody")
    before = site.frames("door")
    site.until(lambda: site.frames("door") > before + 3)


def test_a_stopped_run_has_finished_and_its_files_are_whole(site: Site) -> None:
    site.run.control.add("yard=rtsp://host/1")
    site.until(lambda: site.frames("yard") > 5)
    site.close()
    assert site.status == "finished"
    told = json.loads((site.folder / "run.json").read_text(encoding="utf-8"))
    assert set(told["cameras"]) == {"door", "yard"}
    assert told["cameras"]["yard"]["live"]["frames_in"] > 5
    assert {path.name for path in (site.folder / "tracks").iterdir()} == {"door.txt", "yard.txt"}


def test_a_run_of_files_only_tells(tmp_path: Path) -> None:
    run = recorded(tmp_path / "run", FakeSource("film", [RED]))
    (state,) = run.control.states()
    assert (state.camera_id, state.live, state.counts) == ("film", False, None)
    for change in (run.control.remove, run.control.pause):
        with pytest.raises(InputError, match="run is of files"):
            change("film")
    with pytest.raises(InputError, match="run is of files"):
        run.control.stop()


def test_over_http_with_the_token_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYREID_MONITOR_TOKEN", "t0ken")
    servers = []
    monkeypatch.setattr("keyreid_stream.run.MonitorServer", _kept(servers))
    site = Site(tmp_path / "run", monkeypatch, {"monitor": {"listen": "127.0.0.1:0"}})
    address = f"http://127.0.0.1:{servers[0].port}"
    allowed = {"Authorization": "Bearer t0ken"}
    assert requests.get(f"{address}/readyz", timeout=PATIENCE_S).status_code == 200
    added = requests.post(f"{address}/cameras", json={"camera": "yard=x"}, headers=allowed, timeout=PATIENCE_S)
    assert added.json() == {"added": ["yard"]}
    site.until(lambda: site.frames("yard") > 2)
    text = requests.get(f"{address}/metrics", timeout=PATIENCE_S).text
    assert 'keyreid_camera_up{camera="yard"} 1.0' in text
    assert 'keyreid_stage_seconds_bucket{le="+Inf",stage="pose"}' in text
    assert requests.post(f"{address}/stop", headers=allowed, timeout=PATIENCE_S).json() == {"stopping": True}
    site.until(lambda: site.status == "finished")
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{address}/healthz", timeout=PATIENCE_S)


def _kept(servers: list[Any]) -> Callable[..., Any]:
    from keyreid_stream.monitor import MonitorServer

    def make(*arguments: Any, **given: Any) -> MonitorServer:
        servers.append(MonitorServer(*arguments, **given))
        return servers[-1]

    return make


def test_an_address_that_cannot_be_listened_on_ends_the_run_before_anything_is_touched(tmp_path: Path) -> None:
    run = recorded(tmp_path / "run", FakeSource("film", [RED]), {"monitor": {"listen": "192.0.2.1:9464"}})
    assert any("192.0.2.1:9464" in notice for notice in run.notices)
    with pytest.raises(InputError, match=r"cannot listen on 192\.0\.2\.1:9464"):
        run.record()
    assert not (tmp_path / "run").exists()
