"""Importing Ultralytics so that it stays off the network and leaves the process as it was.

By default its import asks two DNS servers whether the machine is online, and from then on it may send usage events,
download weights and install packages with pip while it runs. It also prints through a handler of its own on the
standard output, and changes `torch.save` and settings of NumPy, PyTorch, OpenCV, `warnings` and the environment for
everyone.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch

SWITCHES = {
    "YOLO_OFFLINE": "true",  # no probe at import; usage events and crash reports are sent only when online
    "YOLO_AUTOINSTALL": "false",  # a missing package is an error, never a pip run
    "YOLO_VERBOSE": "false",  # no banners
    "ULTRALYTICS_SAFE_LOAD": "true",  # checkpoints may hold only network classes, no code of their own
}
"""Read by Ultralytics at import. They stay set, for child processes import it again."""


class Ultralytics(NamedTuple):
    """The parts of Ultralytics that are used here."""

    AutoBackend: Any
    predictors: dict[str, Any]
    torch_safe_load: Any
    check_yolov5u_filename: Any


def import_ultralytics() -> Ultralytics:
    """Import what is needed of Ultralytics, with its switches set.

    Where the application has imported Ultralytics itself before, its switches and its logger stay as the application
    left them; models opened here still send no events, fetch no weights and load no code.
    """
    if "ultralytics" in sys.modules:
        return _imports()
    with _process_unchanged():
        os.environ.update(SWITCHES)
        ultralytics = _imports()
    logger = logging.getLogger("ultralytics")
    for handler in list(logger.handlers):  # it writes to the standard output
        logger.removeHandler(handler)
    logger.setLevel(logging.WARNING)
    logger.propagate = True
    return ultralytics


def _imports() -> Ultralytics:
    from ultralytics.models.yolo.detect import DetectionPredictor
    from ultralytics.models.yolo.pose import PosePredictor
    from ultralytics.models.yolo.segment import SegmentationPredictor
    from ultralytics.nn.autobackend import AutoBackend
    from ultralytics.nn.tasks import torch_safe_load
    from ultralytics.utils.checks import check_yolov5u_filename

    predictors = {"pose": PosePredictor, "detect": DetectionPredictor, "segment": SegmentationPredictor}
    return Ultralytics(AutoBackend, predictors, torch_safe_load, check_yolov5u_filename)


@contextmanager
def _process_unchanged() -> Iterator[None]:
    """Undo what an import changes for the whole process, except the `SWITCHES`."""
    environment = dict(os.environ)
    printing, threads, save = np.get_printoptions(), cv2.getNumThreads(), torch.save
    tensor_printing = dataclasses.asdict(torch._tensor_str.PRINT_OPTS)  # set_printoptions has no public counterpart
    try:
        with warnings.catch_warnings():
            yield
    finally:
        torch.save = save
        cv2.setNumThreads(threads)
        np.set_printoptions(**printing)
        torch.set_printoptions(**tensor_printing)  # type: ignore[no-untyped-call]
        for name in set(os.environ) - set(environment) - set(SWITCHES):
            del os.environ[name]
        os.environ.update({name: value for name, value in environment.items() if name not in SWITCHES})
