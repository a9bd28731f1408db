"""A real browser on the real command: `keyreid ui` in a process, Debian's Chromium without a screen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.sources.live.rtsp import free_port

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def why_no_browser() -> str | None:
    """What is missing; None if there is a browser."""
    if find_spec("playwright") is None:
        return "playwright is not installed: pip install playwright"
    return None if CHROMIUM else "chromium is not installed: apt-get install chromium"


@contextmanager
def page_at(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The page's address, and its process."""
    keyreid = Path(sys.executable).with_name("keyreid")
    command = [str(keyreid), "ui", "--no-open", "--port", str(free_port()), *options]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("http://127.0.0.1:"), line
            yield line.split()[0], process
        finally:
            process.terminate()
            process.wait(30)
