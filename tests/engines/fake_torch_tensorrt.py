"""Plays torch-tensorrt on the CPU: PyTorch's own exported programs, without any engine inside.

What it demands and what it refuses is what the documentation of torch-tensorrt 2.14 says.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

__version__ = "2.14.0+fake"

INPUTS: list[list[Input]] = []
"""What was compiled for, newest last."""


@dataclass
class Input:
    min_shape: tuple[int, ...]
    opt_shape: tuple[int, ...]
    max_shape: tuple[int, ...]
    dtype: torch.dtype

    def __post_init__(self) -> None:
        for least, usual, most in zip(self.min_shape, self.opt_shape, self.max_shape, strict=True):
            assert 1 <= least <= usual <= most


def _compile(
    exported_program: torch.export.ExportedProgram,
    *,
    arg_inputs: list[Input],
    device: torch.device,
    disable_tf32: bool,
    min_block_size: int,
) -> Any:
    assert isinstance(exported_program, torch.export.ExportedProgram)
    assert (disable_tf32, min_block_size, device.type) == (True, 1, "cpu")
    examples = exported_program.example_inputs[0]
    for given, tensor in zip(arg_inputs, examples, strict=True):
        assert given.dtype == tensor.dtype
        assert given.min_shape[1:] == given.max_shape[1:] == tuple(tensor.shape[1:])
    INPUTS.append(arg_inputs)
    return exported_program.module()


dynamo = SimpleNamespace(compile=_compile)


def save(
    module: Any, file_path: str, *, output_format: str, arg_inputs: list[torch.Tensor], dynamic_shapes: Any
) -> None:
    assert output_format == "exported_program"
    program = torch.export.export(module, tuple(arg_inputs), dynamic_shapes=dynamic_shapes, strict=False)
    torch.export.save(program, file_path)


def load(file_path: str) -> torch.export.ExportedProgram:
    if Path(file_path).read_bytes()[:2] != b"PK":
        raise ValueError(f"The file {file_path} doesn't correspond to a valid Torchscript module or ExportedProgram")
    return torch.export.load(file_path)
