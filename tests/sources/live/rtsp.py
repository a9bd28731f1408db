"""GStreamer's RTSP server on loopback, in a process of its own that can be killed, frozen and brought back."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

SYSTEM_PYTHON = "/usr/bin/python3"
PACKAGES = (
    "gstreamer1.0-rtsp gir1.2-gst-rtsp-server-1.0 python3-gst-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly"
)
_PROBE = "\n".join(
    [
        "import gi",
        'gi.require_version("GstRtspServer", "1.0")',
        "from gi.repository import Gst, GstRtspServer",
        "Gst.init(None)",
        'assert all(Gst.ElementFactory.find(name) for name in ("x264enc", "h264parse", "rtph264pay"))',
    ]
)
_LIMIT_S = 20.0


def why_no_rtsp_server() -> str | None:
    """What is missing for a real RTSP server; None if it is all there."""
    try:
        probe = subprocess.run([SYSTEM_PYTHON, "-c", _PROBE], capture_output=True, timeout=_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return f"no {SYSTEM_PYTHON}"
    return None if probe.returncode == 0 else f"GStreamer's RTSP server is not installed: apt-get install {PACKAGES}"


class RtspServer:
    """Serves mounts as `rtsp_server.py` documents them, always on the same port.

    Args:
        mounts: by name; each plays a moving ball or a file.
        user, password: what it asks for; nothing by default.
        clock_offset_s: how far its wall clock is ahead of this machine's (needs Debian's `faketime`).
    """

    def __init__(
        self, mounts: Mapping[str, Mapping[str, Any]], *, user: str = "", password: str = "", clock_offset_s: float = 0
    ) -> None:
        self._settings: dict[str, Any] = {"port": free_port(), "mounts": {name: dict(m) for name, m in mounts.items()}}
        if user:
            self._settings |= {"user": user, "password": password}
        self._offset_s = clock_offset_s
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def address(self, mount: str) -> str:
        """Where a mount is, without any password."""
        return f"rtsp://127.0.0.1:{self._settings['port']}/{mount}"

    def start(self) -> None:
        """Serve; returns once it listens."""
        command = [SYSTEM_PYTHON, str(Path(__file__).with_name("rtsp_server.py")), json.dumps(self._settings)]
        environment = dict(os.environ)
        if self._offset_s:
            command = ["faketime", "-f", f"{self._offset_s:+g}s", *command]
            environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"  # its sockets would otherwise fail
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment, process_group=0
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        if said != "ready":
            raise RuntimeError(f"the RTSP server did not start: {said!r}")

    def kill(self) -> None:
        """Pull the plug: connections are closed by the system."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(_LIMIT_S)
            self._process = None

    def freeze(self) -> None:
        """Stop answering without closing anything."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
