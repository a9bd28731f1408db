"""Settings of the pose detector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from keyreid_stream.devices import DeviceName
from keyreid_stream.pose.shipped import pose_weights, usual_imgsz

STRIDE = 32
"""YOLO networks halve a picture five times."""


def _imgsz_of(settings: dict[str, Any]) -> int:
    """The weights' usual size; 640 where they were refused."""
    return usual_imgsz(settings.get("weights", Path()))


class PoseConfig(BaseModel):
    """How people are found.

    Attributes:
        weights: an Ultralytics model on disk: a .pt, .onnx, .torchscript or .engine file, or an OpenVINO folder named
            `*_openvino_model`; or `world-pose`, which comes with the package and knows drawn people alone.
        imgsz: longer side of the pictures that the network sees, pixels, a multiple of 32; by default 800 for
            `world-pose` and 640 for others. People under 60 pixels of a large picture need 1280. A static export keeps
            the size it was made for.
        confidence: people below this are dropped.
        iou: of two boxes that overlap more than this, the less confident one is dropped; models without
            non-maximum suppression ignore it.
        minimum_height: people whose box is lower than this in the frame, pixels, are dropped.
        max_people: the most confident that are kept per frame.
        device: cpu, cuda, cuda:0 and so on, or mps; `auto` takes a CUDA GPU where there is one, else the CPU.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: Path = Path("yolov8n-pose.pt")
    imgsz: int = Field(default_factory=_imgsz_of, ge=STRIDE, le=4096)
    confidence: float = Field(default=0.25, gt=0, le=1)
    iou: float = Field(default=0.7, gt=0, le=1)
    minimum_height: float = Field(default=0.0, ge=0)
    max_people: int = Field(default=100, ge=1, le=1000)
    device: DeviceName = "auto"

    @field_validator("weights")
    @classmethod
    def _shipped_by_name(cls, weights: Path) -> Path:
        return pose_weights(weights)

    @field_validator("imgsz")
    @classmethod
    def _multiple_of_stride(cls, imgsz: int) -> int:
        if imgsz % STRIDE:
            near = imgsz // STRIDE * STRIDE
            raise ValueError(f"imgsz must be a multiple of {STRIDE}, got {imgsz}; use {near} or {near + STRIDE}")
        return imgsz
