"""The pose settings refuse what the network cannot do."""

import pytest
from pydantic import ValidationError

from keyreid_stream.pose import PoseConfig


def test_a_size_between_two_multiples_of_32_names_both() -> None:
    with pytest.raises(ValidationError, match="multiple of 32, got 650; use 640 or 672"):
        PoseConfig(weights="yolov8n-pose.pt", imgsz=650)


@pytest.mark.parametrize(
    "setting",
    [
        {"imgsz": 0},
        {"imgsz": -32},
        {"confidence": 0},
        {"confidence": 1.1},
        {"iou": 0},
        {"minimum_height": -1},
        {"max_people": 0},
        {"device": "gpu"},
        {"conf": 0.3},
    ],
)
def test_impossible_and_unknown_settings_are_refused(setting: dict[str, float | str]) -> None:
    with pytest.raises(ValidationError, match=next(iter(setting))):
        PoseConfig(weights="yolov8n-pose.pt", **setting)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        PoseConfig(weights="yolov8n-pose.pt").imgsz = 320
