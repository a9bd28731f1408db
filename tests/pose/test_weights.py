"""Weights: what opens, and what each kind of wrong file is told."""

import os
import pickle
import shutil
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from keyreid_stream.errors import ConfigError, MissingExtraError, WeightsError
from keyreid_stream.pose import PoseConfig
from keyreid_stream.pose.weights import open_weights

Untrained = Callable[[str], Path]


def open_file(path: Path, **settings: object) -> bool:
    """Open weights; whether they find keypoints."""
    return open_weights(PoseConfig.model_validate({"weights": path, "device": "cpu", **settings})).finds_keypoints


@pytest.mark.parametrize(("kind", "keypoints"), [("pose", True), ("detector", False), ("segmenter", False)])
def test_models_that_find_people_open(untrained: Untrained, kind: str, keypoints: bool) -> None:
    assert open_file(untrained(kind)) is keypoints


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("classifier", "for the task 'classify'; give one for: pose, detect, segment"),
        ("bicycles", r"finds no person \(its classes: bicycle\)"),
        ("hands", r"keypoints of shape \[21, 3\]; give a model of the 17 COCO keypoints"),
    ],
)
def test_models_that_do_not_find_people_are_refused(untrained: Untrained, kind: str, told: str) -> None:
    with pytest.raises(WeightsError, match=told):
        open_file(untrained(kind))


@pytest.mark.parametrize("name", ["yolov8n-pose.pt", "yolo11n-pose", "https://example.com/yolov8n-pose.pt"])
def test_a_name_that_is_no_file_is_never_downloaded(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match=r"no pose weights at .*; give the path of .* yolov8n-pose\.pt or yolo11n"):
        open_file(Path(name))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["yolov5s.pt", "someone's.pt"])
def test_a_file_that_ultralytics_would_look_for_elsewhere_is_refused(
    name: str, untrained: Untrained, tmp_path: Path
) -> None:
    renamed = shutil.copy(untrained("pose"), tmp_path / name)
    with pytest.raises(WeightsError, match="rename it, without quotes"):
        open_file(Path(renamed))


def test_a_text_file_a_folder_and_an_unknown_ending_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("weights")
    (tmp_path / "folder.pt").mkdir()
    (tmp_path / "file_openvino_model").write_text("not a folder")
    for name in ("notes.txt", "folder.pt", "file_openvino_model"):
        with pytest.raises(WeightsError, match=r"not a format of pose weights; give a \.pt, "):
            open_file(tmp_path / name)


def test_damaged_files_are_refused_in_one_line(untrained: Untrained, tmp_path: Path) -> None:
    whole = untrained("pose").read_bytes()
    for content in (b"", b"hello world", whole[: len(whole) // 2], os.urandom(1000)):
        (tmp_path / "damaged.pt").write_bytes(content)
        with pytest.raises(WeightsError, match="cannot be opened as YOLO weights") as caught:
            open_file(tmp_path / "damaged.pt")
        assert "\n" not in str(caught.value)


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "tensors.pt")
    with pytest.raises(WeightsError, match="cannot be opened as YOLO weights"):
        open_file(tmp_path / "tensors.pt")


class Payload:
    """Unpickled without care, this creates a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "code-was-run"
    torch.save({"model": Payload(marker)}, tmp_path / "trojan.pt")
    with pytest.raises(WeightsError, match="without code of its own"):
        open_file(tmp_path / "trojan.pt")
    assert not marker.exists()
    pickle.loads(pickle.dumps(Payload(marker)))
    assert marker.exists(), "the payload does work"


def test_missing_packages_are_named_with_the_command_that_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (tmp_path / "yolo_openvino_model").mkdir()
    with pytest.raises(MissingExtraError, match=r'pip install "keyreid-stream\[openvino\]"'):
        open_file(tmp_path / "yolo_openvino_model")
    (tmp_path / "yolo.onnx").write_bytes(b"graph")
    with pytest.raises(WeightsError, match="pip install onnxruntime"):
        open_file(tmp_path / "yolo.onnx")


@pytest.mark.parametrize("device", ["mps", "cuda:99"])
def test_devices_that_are_not_there_are_refused(
    untrained: Untrained, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=rf"^device '{device}' is not on this machine; choose auto or one of: cpu"):
        open_file(untrained("pose"), device=device)


def test_models_send_no_usage_events(untrained: Untrained) -> None:
    model = open_weights(PoseConfig(weights=untrained("pose"), device="cpu"))
    assert not any(vars(model.predict)["callbacks"].values())


def test_an_ultralytics_that_the_application_imported_keeps_its_logger(
    untrained: Untrained, monkeypatch: pytest.MonkeyPatch
) -> None:
    import logging

    logger = logging.getLogger("ultralytics")
    monkeypatch.setattr(logger, "propagate", False)
    assert isinstance(sys.modules["ultralytics"], types.ModuleType)
    open_file(untrained("pose"))
    assert logger.propagate is False
