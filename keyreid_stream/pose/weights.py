"""Opening YOLO weights: only what is on disk, only models that find people."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from keyreid_stream.devices import torch_device
from keyreid_stream.errors import MissingExtraError, WeightsError
from keyreid_stream.pose.config import PoseConfig
from keyreid_stream.pose.quiet_ultralytics import Ultralytics, import_ultralytics
from keyreid_stream.structures import COCO_KEYPOINTS, ImageArray

RUNTIME_OF_FORMAT = {
    ".pt": None,
    ".torchscript": None,
    ".onnx": "onnxruntime",
    ".engine": "tensorrt",
    "_openvino_model": "openvino",
}
"""How a format's names end, and the package that runs it where PyTorch does not."""

PERSON = "person"

_log = logging.getLogger("keyreid_stream.pose")


@dataclass(frozen=True)
class PersonModel:
    """An opened model that finds people.

    Attributes:
        predict: BGR pictures of one size, (H, W, 3) uint8 each, to one Ultralytics `Results` of people per picture.
        finds_keypoints: whether results hold keypoints (n, 17, 3).
    """

    predict: Callable[[list[ImageArray]], list[Any]]
    finds_keypoints: bool


def open_weights(config: PoseConfig) -> PersonModel:
    """Open the model of this configuration.

    A .pt file is a pickle. It is read with an allow-list of network classes, and what else it holds is refused, not
    run. A TensorRT engine cannot be checked like that: it is code, so open only engines that you built yourself.

    Raises:
        WeightsError: the file is missing, damaged, of a format or kind that cannot be used, or holds code.
        MissingExtraError: the format needs a package that is not installed.
        ConfigError: there is no such device.
    """
    path = config.weights.expanduser().resolve()
    _check_format(path)
    device = torch_device(config.device)
    ultralytics = import_ultralytics()
    backend = _open_backend(ultralytics, path, device)
    return _person_model(ultralytics, backend, config)


def _check_format(path: Path) -> None:
    """Refuse what is not there, is no weights file, or needs a package that is not there."""
    endings = [ending for ending in RUNTIME_OF_FORMAT if path.name.lower().endswith(ending)]
    if not path.exists():
        raise WeightsError(
            f"no pose weights at {path}; give the path of {_formats()}, such as yolov8n-pose.pt or yolo11n-pose.pt "
            "from the releases of github.com/ultralytics/assets (nothing is downloaded unasked)"
        )
    if not endings or path.is_dir() != (endings[0] == "_openvino_model"):
        raise WeightsError(f"{path} is not a format of pose weights; give {_formats()}")
    runtime = RUNTIME_OF_FORMAT[endings[0]]
    if runtime is None or importlib.util.find_spec(runtime):
        return
    if runtime == "openvino":
        raise MissingExtraError("openvino", "openvino")
    raise WeightsError(f"{path.name} needs {runtime}, which is not installed; run: pip install {runtime}")


def _formats() -> str:
    *files, folder = RUNTIME_OF_FORMAT
    return f"a {', '.join(files[:-1])} or {files[-1]} file or a *{folder} folder"


def _open_backend(ultralytics: Ultralytics, path: Path, device: torch.device) -> Any:
    """Ultralytics' backend for this file."""
    # Ultralytics takes quotes out of paths and reads YOLOv5 names as those of later weights, and downloads what is not
    # there under the new name.
    if ultralytics.check_yolov5u_filename(path.name, verbose=False) != path.name or "'" in str(path):
        raise WeightsError(f"{path}: Ultralytics reads this as another name; rename it, without quotes or yolov5")
    try:
        if path.suffix.lower() == ".pt":
            ultralytics.torch_safe_load(str(path), safe_only=True)
        return ultralytics.AutoBackend(str(path), device=device, verbose=False).eval()
    except Exception as error:
        # What a damaged or foreign file makes the readers raise can be anything.
        raise WeightsError(
            f"{path} cannot be opened as YOLO weights ({_first_line(error)}); give an undamaged file of an Ultralytics "
            "model without code of its own, or export it to ONNX"
        ) from error


def _first_line(error: Exception) -> str:
    text = f"{type(error).__name__}: {error}".replace("ERROR ❌️ ", "")
    line = text.splitlines()[0]
    return line if len(line) <= 160 else f"{line[:160]}..."


def _person_model(ultralytics: Ultralytics, backend: Any, config: PoseConfig) -> PersonModel:
    """Check that the model finds people, and set it up for that."""
    # Exports say it in their metadata, checkpoints in their network.
    task = backend.task or getattr(getattr(backend, "model", None), "task", None)
    if task not in ultralytics.predictors:
        known = ", ".join(ultralytics.predictors)
        raise WeightsError(f"{config.weights} is a model for the task {task!r}; give one for: {known}")
    people = [number for number, name in backend.names.items() if name.lower() == PERSON]
    if not people:
        classes = ", ".join(list(backend.names.values())[:10])
        raise WeightsError(f"{config.weights} finds no {PERSON} (its classes: {classes}); give a model that does")
    if task == "pose" and list(backend.kpt_shape) != [COCO_KEYPOINTS, 3]:
        raise WeightsError(
            f"{config.weights} finds keypoints of shape {list(backend.kpt_shape)}; give a model of the "
            f"{COCO_KEYPOINTS} COCO keypoints with confidence, or a plain detector"
        )
    _warn_of_fixed_size(backend, config)
    predictor = ultralytics.predictors[task](
        overrides={
            "mode": "predict",
            "imgsz": config.imgsz,
            "conf": config.confidence,
            "iou": config.iou,
            "classes": people,
            "max_det": max(300, config.max_people),  # more than are kept: low boxes are dropped after this cut
            "rect": True,  # pad to the next multiple of the stride only, not to a square
            "save": False,
            "verbose": False,
        }
    )
    predictor.callbacks.clear()  # the one that sends usage events
    # Not its setup_model(), which changes the number of torch threads of the whole process.
    predictor.model, predictor.device = backend, backend.device
    return PersonModel(predictor, finds_keypoints=task == "pose")


def _warn_of_fixed_size(backend: Any, config: PoseConfig) -> None:
    sizes = getattr(backend, "imgsz", None)
    if sizes and not backend.dynamic and max(sizes) != config.imgsz:
        _log.warning("imgsz=%d is ignored: %s was exported for %s pixels", config.imgsz, config.weights, max(sizes))
