"""How much memory a model takes on a backend: measured in a process of its own, where nothing else is held.

The child (`python -m keyreid_engines.bench_memory`) loads the engine, or makes the network on PyTorch, encodes one
batch of crops, embeds one of clips, and tells its peak beyond what Python and the libraries take by themselves.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict

from keyreid_engines.build import Engine, load_graphs
from keyreid_engines.cache import EngineCache
from keyreid_engines.choose import LOADERS, current_device, on_device
from keyreid_engines.graphs import Precision
from keyreid_stream.devices import torch_device
from keyreid_stream.encoders import EncoderConfig, torch_encoders
from keyreid_stream.interfaces import ClipHead, FrameEncoder
from keyreid_stream.models.build import build_model, build_skeleton
from keyreid_stream.models.config import ModelConfig
from keyreid_stream.structures import Clip, Crops, CropSpec

LIMIT_S = 300.0

COMMAND = (sys.executable, "-P", "-m", "keyreid_engines.bench_memory")


class MemoryRequest(BaseModel):
    """What to measure.

    Attributes:
        config: of the model.
        backend, precision, device: where it runs, and how.
        engine: its name in the cache; None on PyTorch.
        folder: of engines.
        batch: crops, and clips, in one call.
        threads: of the processor in one call.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: ModelConfig
    backend: str
    precision: Precision
    device: str
    engine: str | None
    folder: Path
    batch: int
    threads: int


def peak_megabytes(request: MemoryRequest) -> float | None:
    """Memory in MB: of the GPU on a GPU, else of the process; None where this system or the child does not say."""
    found = os.pathsep.join(str(Path(path).resolve()) for path in sys.path if path)
    try:
        ended = subprocess.run(
            COMMAND,
            input=request.model_dump_json(),
            env={**os.environ, "PYTHONPATH": found},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=True,
        )
        said = json.loads(ended.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, OSError, ValueError, IndexError):
        return None
    return None if said is None else float(said)


def noise_crops(spec: CropSpec, count: int) -> Crops:
    """What crops show makes no difference to time and memory."""
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (count, spec.height, spec.width, 3), np.uint8)
    return Crops(images, draw.random((count, spec.parts, spec.patches), np.float32))


def _measured(request: MemoryRequest) -> float | None:
    torch.set_num_threads(request.threads)
    device = torch_device(request.device)
    crops = noise_crops(build_skeleton(request.config).crop_spec, request.batch)
    before = _held(device)
    with current_device(device):
        encoder, head = _encoders(request)
        encodings = encoder.encode(crops)
        rows = [0] * head.frames_per_clip
        clip = Clip(encodings.tokens[rows], encodings.class_rows[rows], encodings.part_weights[rows])
        head.embed([clip] * request.batch)
    after = _held(device)
    return None if before is None or after is None else (after - before) / 1e6


def _encoders(request: MemoryRequest) -> tuple[FrameEncoder, ClipHead]:
    if request.engine is None:
        config = EncoderConfig.model_validate(
            {"precision": request.precision, "device": request.device, "batch_size": request.batch}
        )
        return torch_encoders(build_model(request.config, seed=0), config)
    backend = on_device(LOADERS[request.backend](), torch_device(request.device))
    stored = EngineCache(request.folder).read(request.engine)
    graphs = load_graphs(backend, stored.contents, request.precision, request.threads)
    return Engine(stored.manifest, graphs).encoders(build_skeleton(request.config), request.batch)


def _held(device: torch.device) -> float | None:
    """Bytes: of the GPU's memory in use now, or the most that this process held since it was last asked."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return float(total - free)
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM:"))
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # from here on counts the next peak
        return 1024 * float(peak.split()[1])
    except (OSError, StopIteration):
        return None


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(_measured(MemoryRequest.model_validate_json(sys.stdin.read()))) + "\n")
