"""TensorRT, and TensorRT for RTX: the same code on either library."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from keyreid_engines.backend import EngineFiles
from keyreid_engines.device_side import CudaSide, DeviceSide
from keyreid_engines.errors import EngineError
from keyreid_engines.export import METADATA_PREFIX, require_onnx
from keyreid_engines.graphs import Precision
from keyreid_engines.libraries import import_library
from keyreid_engines.profiles import BATCHES, FIXED_SIZES, Shape, batch_profiles
from keyreid_engines.tensorrt_api import Library, display_name
from keyreid_engines.tensorrt_builder import Plan, PlanRequest, check_capabilities, known_capabilities
from keyreid_engines.tensorrt_process import BUILD_LIMIT_S, build_in_child
from keyreid_engines.tensorrt_runtime import TensorRtGraph
from keyreid_engines.tensorrt_timing import TimingStore
from keyreid_stream.models.known_weights import weights_folder

Say: TypeAlias = Callable[[str], None]

TURING, AMPERE = "7.5", (8, 0)


@dataclass(frozen=True)
class TensorRtBackend:
    """NVIDIA GPUs. Plans are built in a child process and hold for one GPU, driver and version.

    Attributes:
        library: the module.
        side: the GPU; None where plans are only built, for others.
        capabilities: compute capabilities to build for; TensorRT itself builds for `side` alone.
        tell: is told what a build is at.
        limit_s: seconds that one build may take.
    """

    library: Library
    side: DeviceSide | None
    capabilities: tuple[str, ...] = ()
    tell: Say | None = None
    limit_s: float = BUILD_LIMIT_S

    name = "tensorrt"
    module = "tensorrt"

    @classmethod
    def here(cls) -> TensorRtBackend:
        """For the current GPU of this machine.

        Raises:
            ImportError: the library is not there or not whole, or there is no GPU that it serves.
        """
        return cls(cls._import(), CudaSide())

    @classmethod
    def _import(cls) -> Library:
        try:
            return import_library(cls.module)
        except ImportError as error:
            # Users type the name of the extra, which is not always that of the module.
            raise ImportError(str(error).replace(f"{cls.module} is", f"{cls.name} is", 1)) from error

    @property
    def version(self) -> str:
        """Of the library."""
        return str(getattr(self.library, "__version__", "unknown"))

    @property
    def device(self) -> str:
        """The GPU, its capability and the driver."""
        return "CUDA (none)" if self.side is None else f"CUDA ({self.side.words})"

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """bfloat16 from Ampere on; float16 and float32 everywhere."""
        return tensorrt_precisions(None if self.side is None else self.side.capability)

    @property
    def flags(self) -> Mapping[str, str]:
        """How plans are built; part of what an engine depends on."""
        profiles = {
            kind: [[one.least, one.usual, one.most] for one in BATCHES[kind]] for kind in ("frame_encoder", "clip_head")
        }
        return {"profiles": json.dumps(profiles, sort_keys=True), "tf32": "off"}

    def graph_precision(self, precision: Precision) -> Precision:
        """Typed into the graph: TensorRT 11 has no flags of the builder for it."""
        return precision

    def telling(self, say: Say) -> TensorRtBackend:
        """The same backend, which says what a build is at."""
        return replace(self, tell=say)

    def compile(self, content: bytes) -> EngineFiles:
        """Build a plan; `json` names its inputs and outputs, for those who cannot load it.

        Raises:
            EngineError: it cannot be built.
        """
        kind, inputs = _inputs(content)
        timing = TimingStore(_timing_folder(), f"{self.name} {self.version} {self.device}")
        request = PlanRequest(batch_profiles(inputs, BATCHES[kind]), self.capabilities, timing.read())
        tell = self.tell
        progress = None if tell is None else lambda at: tell(f"{self.name}, {kind}: {at}")
        plan = build_in_child(self.module, content, request, limit_s=self.limit_s, progress=progress)
        timing.write(plan.timing)
        return {"plan": plan.content, "json": _described(plan)}

    def load(self, files: EngineFiles, precision: Precision, threads: int) -> TensorRtGraph:
        """Load a plan on the GPU.

        Raises:
            EngineError: there is no GPU, or the library does not take the plan.
        """
        del precision, threads
        if self.side is None:
            raise EngineError(f"{display_name(self.library)} needs a CUDA GPU to run; take --backend auto on this one")
        graph = TensorRtGraph(
            self.library, files["plan"], self.side, kernels=files.get("kernels", b""), fixed=FIXED_SIZES
        )
        noted = json.loads(files["json"])
        if sorted(noted) != sorted(graph.tensors):
            raise EngineError(f"the plan has {', '.join(graph.tensors)}, it was to have {', '.join(noted)}")
        return graph


class TensorRtRtxBackend(TensorRtBackend):
    """TensorRT for RTX: one plan for several kinds of GPU, built with or without one, finished where it runs."""

    name = "tensorrt-rtx"
    module = "tensorrt_rtx"

    @classmethod
    def here(cls) -> TensorRtRtxBackend:
        """For the current GPU of this machine.

        Raises:
            ImportError: the library is not there or not whole, or there is no GPU that it serves.
        """
        library = cls._import()
        side = CudaSide()
        if side.capability not in known_capabilities(library):
            raise ImportError(
                f"{display_name(library)} has no code for compute capability {side.capability}, only for "
                f"{', '.join(known_capabilities(library))}"
            )
        return cls(library, side, default_capabilities(library, side.capability))

    @classmethod
    def elsewhere(cls, capabilities: tuple[str, ...] = ()) -> TensorRtRtxBackend:
        """To build for other machines' GPUs, by default for all from Ampere on.

        Raises:
            ImportError: the library is not there or not whole.
            EngineError: a capability is not known to it.
        """
        library = cls._import()
        check_capabilities(library, capabilities)
        return cls(library, None, capabilities or default_capabilities(library, None))

    @property
    def device(self) -> str:
        """The kinds of GPU: one plan serves them all, wherever it was built."""
        return f"CUDA (capability {', '.join(self.capabilities)})"

    @property
    def finished_on(self) -> str:
        """The GPU at hand, which a plan's kernels are finished on."""
        return "none" if self.side is None else self.side.words

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """On Turing TensorRT-RTX multiplies float16 alone."""
        return ("float16",) if TURING in self.capabilities else ("bfloat16", "float16", "float32")


def tensorrt_precisions(capability: str | None) -> tuple[Precision, ...]:
    """Those of a GPU, the one to take by default first: bfloat16 from Ampere on; None stands for any."""
    if capability is not None and not _is_ampere(capability):
        return ("float16", "float32")
    return ("bfloat16", "float16", "float32")


def default_capabilities(library: Library, capability: str | None) -> tuple[str, ...]:
    """What to build for: all from Ampere on, which costs nothing, or Turing alone, which lacks bfloat16."""
    if capability is not None and not _is_ampere(capability):
        return (capability,)
    return tuple(one for one in known_capabilities(library) if _is_ampere(one))


def _is_ampere(capability: str) -> bool:
    major, minor = capability.split(".")
    return (int(major), int(minor)) >= AMPERE


def _inputs(content: bytes) -> tuple[str, dict[str, Shape]]:
    """Kind of a graph of ours, and its inputs' shapes with -1 for the batch."""
    proto = require_onnx().load_model_from_string(content)
    noted = {prop.key: prop.value for prop in proto.metadata_props}
    kind = noted.get(METADATA_PREFIX + "kind", "")
    if kind not in BATCHES:
        raise EngineError(f"there are no profiles for a graph of kind {kind!r}; known: {', '.join(BATCHES)}")
    return kind, {value.name: _shape(value) for value in proto.graph.input}


def _shape(value: Any) -> Shape:
    axes = value.type.tensor_type.shape.dim
    return tuple(axis.dim_value if axis.HasField("dim_value") else -1 for axis in axes)


def _described(plan: Plan) -> bytes:
    tensors = {name: {"type": dtype, "shape": shape} for name, (dtype, shape) in plan.tensors.items()}
    return (json.dumps(tensors, indent=2) + "\n").encode()


def _timing_folder() -> Path:
    return weights_folder().with_name("engines")
