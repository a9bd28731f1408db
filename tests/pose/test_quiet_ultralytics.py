"""Ultralytics, in a fresh process: no network, no installer, nothing printed, the process as it was."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

WATCHED = """
import json, logging, os, socket, subprocess, sys, warnings
import cv2, numpy as np, torch

attempts = []

def watch(owner, name):
    def refused(*args, **kwargs):
        attempts.append(name)
        raise OSError(f"{name} was tried")
    setattr(owner, name, refused)

for name in ("getaddrinfo", "gethostbyname", "create_connection"):
    watch(socket, name)
for name in ("connect", "connect_ex", "sendto"):
    watch(socket.socket, name)

popen = subprocess.Popen.__init__
def watched_popen(self, args, *rest, **kwargs):
    if "pip" in str(args) or "uv" in str(args) or "curl" in str(args):
        attempts.append(str(args))
        raise OSError("an installer was tried")
    popen(self, args, *rest, **kwargs)
subprocess.Popen.__init__ = watched_popen

cv2.setNumThreads(3)
np.set_printoptions(precision=3)
torch.set_printoptions(linewidth=60, precision=2, sci_mode=True)

def state():
    return {
        "threads": [cv2.getNumThreads(), torch.get_num_threads()],
        "printing": [str(np.array([1 / 3])), str(torch.arange(40) / 3)],
        "save": torch.save.__module__,
        "filters": len(warnings.filters),
        "root": [len(logging.getLogger().handlers), logging.getLogger().level],
        "environment": {k: v for k, v in os.environ.items() if not k.startswith(("YOLO_", "ULTRALYTICS_"))},
    }
"""

LOAD_AND_RUN = """
from keyreid_stream.pose import PoseConfig, UltralyticsPose
from keyreid_stream.structures import Frame

before = state()
detector = UltralyticsPose(PoseConfig(weights=sys.argv[1], imgsz=64, confidence=1e-6, device="cpu"))
after = state()
frames = [Frame("a", 0, 0.0, np.zeros((48, 64, 3), np.uint8)), Frame("b", 0, 0.0, np.zeros((64, 48, 3), np.uint8))]
people = [len(one) for one in detector.detect(frames)]
report = {"attempts": attempts, "before": before, "after": after, "people": people}
sys.stderr.write("REPORT " + json.dumps(report))
"""

IMPORT_PLAINLY = """
import ultralytics
sys.stderr.write("REPORT " + json.dumps({"attempts": attempts}))
"""


def run_watched(script: str, folder: Path, *arguments: str) -> tuple[dict[str, Any], str]:
    """Run a script behind the watch in a fresh process: its report, and what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("YOLO_", "ULTRALYTICS_"))}
    environment |= {"YOLO_CONFIG_DIR": str(folder), "PYTHONPATH": str(REPOSITORY)}
    environment.pop("OMP_NUM_THREADS", None)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED + script, *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "REPORT " in done.stderr, done.stderr
    return json.loads(done.stderr.split("REPORT ")[1]), done.stdout


@pytest.fixture(scope="module")
def watched(untrained: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    return run_watched(LOAD_AND_RUN, tmp_path_factory.mktemp("watched"), str(untrained("pose")))


def test_the_watch_sees_what_a_plain_import_does(tmp_path: Path) -> None:
    report, _ = run_watched(IMPORT_PLAINLY, tmp_path)
    assert "getaddrinfo" in report["attempts"]


def test_a_model_is_loaded_and_run_without_network_or_installer(watched: tuple[dict[str, Any], str]) -> None:
    report, _ = watched
    assert report["attempts"] == []
    assert min(report["people"]) > 0, "the model did run"


def test_nothing_is_printed(watched: tuple[dict[str, Any], str]) -> None:
    assert watched[1] == ""


def test_the_process_is_left_as_it_was(watched: tuple[dict[str, Any], str]) -> None:
    report, _ = watched
    assert report["after"] == report["before"]
