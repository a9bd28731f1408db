"""Settings of the KeyRe-ID model that embeds people."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator

from keyreid_stream.devices import DeviceName

INT8_BACKENDS = ("openvino", "onnxruntime")

_BATCH, _CPU_BATCH = 64, 16


class EncoderConfig(BaseModel):
    """Which model, where it runs, and how.

    Attributes:
        name: architecture to build with random parameters: tiny, small or base.
        weights: a weights file (.safetensors, or the published .pth), or the name of known or imported weights. With
            neither `name` nor `weights`, those that come with the package: keyreid-tiny.
        device: cpu, cuda, cuda:0 and so on, or mps; `auto` takes a CUDA GPU where there is one, else the CPU.
        backend: what runs the network: torch, a compiled engine (onnxruntime, openvino, tensorrt, tensorrt-rtx,
            torch-tensorrt), or `auto`, the best there is.
        precision: of the network's arithmetic; embeddings are float32 either way. `auto` is float32 on torch, and on
            an engine what the machine computes fastest without changing who is like whom.
            int8 is for openvino and onnxruntime, and only where it is asked for.
        calibration: folder of pictures of people, one in each, that int8 is measured out on.
        hint: for openvino: `latency` gives all threads to one batch, `throughput` cuts a batch into pieces side by
            side; `auto` is what measured best with a batch of crops per tick.
        provider: for onnxruntime: cpu, cuda or tensorrt; `auto` is cpu or cuda, as the device says.
        compile: for torch: compile the network when it runs first (minutes; on CUDA as CUDA graphs), for more speed.
        batch_size: crops or clips per forward pass; more are split. If it is left out, 64, but 16 on a CPU: there more
            are slower, and batches of ever other sizes leave gaps in memory.
        seed: of the random weights of an untrained model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = None
    weights: str | None = None
    device: DeviceName = "auto"
    backend: Literal["auto", "torch", "onnxruntime", "openvino", "tensorrt", "tensorrt-rtx", "torch-tensorrt"] = "torch"
    precision: Literal["auto", "float32", "bfloat16", "float16", "int8"] = "auto"
    calibration: str | None = None
    hint: Literal["auto", "latency", "throughput"] = "auto"
    provider: Literal["auto", "cpu", "cuda", "tensorrt"] = "auto"
    compile: bool = False
    batch_size: Annotated[int, Field(ge=1, le=4096)] | None = None
    seed: int = Field(default=0, ge=0, lt=2**63)

    def batch_on(self, device: torch.device) -> int:
        """Crops or clips per forward pass on a device."""
        return self.batch_size or (_CPU_BATCH if device.type == "cpu" else _BATCH)

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        if self.weights is not None and self.name is not None:
            raise ValueError("give `name` for an untrained model or `weights`, which know their own model; not both")
        return self

    @model_validator(mode="after")
    def _calibrated(self) -> Self:
        if self.precision == "int8" and self.backend not in INT8_BACKENDS:
            raise ValueError(f"int8 runs on {' and '.join(INT8_BACKENDS)}, not on {self.backend}; name one as backend")
        if self.precision == "int8" and self.calibration is None:
            raise ValueError("int8 is measured out on pictures of people; name a folder of them as `calibration`")
        if self.calibration is not None and self.precision != "int8":
            raise ValueError(f"calibration is for precision int8, not {self.precision}; leave it out")
        return self

    @model_validator(mode="after")
    def _options_of_backends(self) -> Self:
        if self.provider != "auto" and self.backend != "onnxruntime":
            raise ValueError(f"provider {self.provider} is for onnxruntime, not for {self.backend}; leave it out")
        if self.compile and self.backend != "torch":
            raise ValueError(f"compile is for torch, not for {self.backend}; leave it out")
        if self.hint != "auto" and self.backend not in ("openvino", "auto"):
            raise ValueError(f"hint {self.hint} is for openvino, not for {self.backend}; leave it out")
        return self
