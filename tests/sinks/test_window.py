from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.sinks import WindowSink, display_available, require_display, window
from keyreid_stream.structures import CameraTick, Tick

CameraTickMaker = Callable[..., CameraTick]
TickMaker = Callable[..., Tick]


class FakeToolkit:
    """Stands in for OpenCV's windows: shows into a list and presses the keys it was given."""

    def __init__(self, *keys: int) -> None:
        self.keys = list(keys)
        self.shown: list[np.ndarray] = []
        self.windows: set[str] = set()

    def install(self, monkeypatch: pytest.MonkeyPatch) -> FakeToolkit:
        monkeypatch.setattr(window, "display_available", lambda: pytest.fail("a display was looked for again"))
        monkeypatch.setattr(cv2, "namedWindow", lambda title, flags: self.windows.add(title))
        monkeypatch.setattr(cv2, "imshow", lambda title, image: self.shown.append(image))
        monkeypatch.setattr(cv2, "waitKey", lambda milliseconds: self.keys.pop(0) if self.keys else -1)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda title, which: float(title in self.windows))
        monkeypatch.setattr(cv2, "destroyWindow", self.destroy)
        return self

    def destroy(self, title: str) -> None:
        if title not in self.windows:
            raise cv2.error("no such window")
        self.windows.remove(title)


def test_without_a_display_it_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "display_available", lambda: False)
    with pytest.raises(InputError, match=r"no display .* run without --show"):
        require_display()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is no DISPLAY to take away")
def test_no_display_is_noticed_without_trying(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a probe was started"))
    assert not display_available()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X displays")
def test_a_display_that_does_not_answer_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The window toolkit ends its process here; ours must live on."""
    monkeypatch.setenv("DISPLAY", ":4711")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not display_available()


@pytest.mark.parametrize("outcome", [OSError("no python"), subprocess.TimeoutExpired("python", 1)])
def test_a_probe_that_fails_means_no(monkeypatch: pytest.MonkeyPatch, outcome: Exception) -> None:
    def run(*_: object, **__: object) -> None:
        raise outcome

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(subprocess, "run", run)
    assert not display_available()


def test_the_mosaic_is_shown_in_opencvs_channel_order(
    monkeypatch: pytest.MonkeyPatch, camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    toolkit = FakeToolkit().install(monkeypatch)
    red = np.zeros((96, 128, 3), np.uint8)
    red[..., 0] = 255
    with WindowSink({"a": 10}) as sink:
        sink.write(tick())
        sink.write(tick(camera_tick("a", image=red)))
    (shown,) = toolkit.shown
    assert shown[20, 60].tolist() == [0, 0, 255]
    assert not toolkit.windows


@pytest.mark.parametrize("key", [ord("q"), ord("Q"), 27, ord("q") | 0x100000])
def test_q_stops_the_run(
    monkeypatch: pytest.MonkeyPatch, camera_tick: CameraTickMaker, tick: TickMaker, key: int
) -> None:
    toolkit = FakeToolkit(-1, ord("x"), key).install(monkeypatch)

    def run() -> None:
        with WindowSink({"a": 10}) as sink:
            for index in range(10):
                sink.write(tick(camera_tick("a", index)))

    with pytest.raises(KeyboardInterrupt):
        run()
    assert len(toolkit.shown) == 3
    assert not toolkit.windows


def test_closing_the_window_stops_the_run(
    monkeypatch: pytest.MonkeyPatch, camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    toolkit = FakeToolkit().install(monkeypatch)

    def run() -> None:
        with WindowSink({"a": 10}) as sink:
            sink.write(tick(camera_tick("a", 0)))
            toolkit.windows.clear()
            sink.write(tick(camera_tick("a", 1)))

    with pytest.raises(KeyboardInterrupt):
        run()
    assert len(toolkit.shown) == 2
