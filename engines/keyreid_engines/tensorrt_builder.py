"""From an ONNX graph to a TensorRT plan. Runs in a child process: see `tensorrt_process`.

The network is strongly typed: its precision is that of the graph, nothing is asked of the builder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from keyreid_engines.errors import EngineError
from keyreid_engines.profiles import Profile, Shape, check_profiles
from keyreid_engines.tensorrt_api import (
    Library,
    display_name,
    forget_faults,
    is_rtx,
    kept_logger,
    last_fault,
    one_line,
)

Progress: TypeAlias = Callable[[str], None]
"""Takes the name of what the builder is at."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What to build.

    Attributes:
        profiles: the batches to serve.
        capabilities: of the GPUs to serve, such as "8.9"; TensorRT for RTX alone builds for others than this machine's.
        timing: a timing cache of an earlier build on this GPU; may be empty.
    """

    profiles: tuple[Profile, ...]
    capabilities: tuple[str, ...] = ()
    timing: bytes = b""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What was built.

    Attributes:
        content: the serialised engine.
        tensors: data type and shape of every input and output by name; -1 where a size may vary.
        timing: the timing cache, to hand to the next build on this GPU.
    """

    content: bytes
    tensors: Mapping[str, tuple[str, Shape]]
    timing: bytes


def build_plan(library: Library, content: bytes, request: PlanRequest, progress: Progress | None = None) -> Plan:
    """Build a plan.

    Args:
        library: the module `tensorrt` or `tensorrt_rtx`.
        content: an ONNX file.
        request: what to build.
        progress: is told what the builder is at.

    Raises:
        EngineError: the graph, a profile or a capability cannot be had; the message says which and why.
    """
    forget_faults(library)
    logger = kept_logger(library)
    builder = library.Builder(logger)
    # Flags are bits, and the bit of this one moved between 10.x and 11.
    network = builder.create_network(1 << int(library.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = library.OnnxParser(network, logger)
    if not parser.parse(content):
        raise EngineError(_parse_fault(library, parser))
    inputs = [network.get_input(index) for index in range(network.num_inputs)]
    check_profiles(request.profiles, {tensor.name: tuple(tensor.shape) for tensor in inputs})
    config = builder.create_builder_config()
    config.clear_flag(library.BuilderFlag.TF32)  # float32 means float32
    _set_capabilities(library, config, request.capabilities)
    _add_profiles(library, builder, config, request.profiles)
    if not is_rtx(library):  # which measures nothing while it builds
        config.set_timing_cache(config.create_timing_cache(request.timing), ignore_mismatch=False)
    if progress is not None:
        monitor = _monitor(library, progress)
        config.progress_monitor = monitor
    serialised = builder.build_serialized_network(network, config)
    if serialised is None or serialised.nbytes == 0:
        raise EngineError(f"{display_name(library)} cannot build the graph: {last_fault(library)}")
    timing = b"" if is_rtx(library) else bytes(config.get_timing_cache().serialize())
    return Plan(bytes(serialised), _tensors(network), timing)


def known_capabilities(library: Library) -> tuple[str, ...]:
    """Capabilities of GPUs that plans can be built for without the GPU; none with TensorRT itself."""
    if not is_rtx(library):
        return ()
    names = (name for name in dir(library.ComputeCapability) if name.startswith("SM"))
    return tuple(sorted((_capability(name) for name in names), key=lambda text: tuple(map(int, text.split(".")))))


def check_capabilities(library: Library, capabilities: tuple[str, ...]) -> None:
    """Refuse capabilities that no plan can be built for.

    Raises:
        EngineError: one is not known to the library, or the library builds for this machine's GPU alone.
    """
    if not capabilities:
        return
    known = known_capabilities(library)
    if not known:
        raise EngineError(
            f"{display_name(library)} builds for the GPU of this machine alone; leave the compute capabilities out, "
            "or build with --backend tensorrt-rtx"
        )
    unknown = [one for one in capabilities if one not in known]
    if unknown:
        raise EngineError(
            f"{display_name(library)} has no code for compute capability {', '.join(unknown)}; choose of: "
            f"{', '.join(known)}"
        )
    if len(set(capabilities)) != len(capabilities):
        raise EngineError(f"compute capabilities {', '.join(capabilities)} are not all different; name each once")


def _capability(name: str) -> str:
    """`SM89` to `8.9`, `SM120` to `12.0`."""
    digits = name.removeprefix("SM")
    return f"{digits[:-1]}.{digits[-1]}"


def _set_capabilities(library: Library, config: Any, capabilities: tuple[str, ...]) -> None:
    check_capabilities(library, capabilities)
    if not capabilities:
        return
    config.num_compute_capabilities = len(capabilities)
    for index, capability in enumerate(capabilities):
        member = getattr(library.ComputeCapability, "SM" + capability.replace(".", ""))
        if not config.set_compute_capability(member, index):
            raise EngineError(
                f"{display_name(library)} does not take compute capability {capability}: {last_fault(library)}"
            )


def _add_profiles(library: Library, builder: Any, config: Any, profiles: tuple[Profile, ...]) -> None:
    for number, profile in enumerate(profiles):
        made = builder.create_optimization_profile()
        for name, shapes in profile.items():
            made.set_shape(name, shapes.least, shapes.usual, shapes.most)
        if config.add_optimization_profile(made) != number:
            raise EngineError(f"{display_name(library)} does not take profile {number}: {last_fault(library)}")


def _tensors(network: Any) -> dict[str, tuple[str, Shape]]:
    """Noted here: without a GPU a plan cannot be asked for them."""
    inputs = (network.get_input(index) for index in range(network.num_inputs))
    outputs = (network.get_output(index) for index in range(network.num_outputs))
    return {tensor.name: (str(tensor.dtype.name), tuple(tensor.shape)) for tensor in (*inputs, *outputs)}


def _parse_fault(library: Library, parser: Any) -> str:
    """Which operators are refused, and what is said of the first."""
    errors = [parser.get_error(index) for index in range(parser.num_errors)]
    if not errors:
        return f"{display_name(library)} cannot read the graph: {last_fault(library)}"
    operators = sorted({error.node_operator() for error in errors} - {""})
    where = f"the operators {', '.join(operators)}" if operators else "the graph"
    first = errors[0]
    node = f" (node {first.node_name()})" if first.node_name() else ""
    return f"{display_name(library)} does not take {where}{node}: {_telling(first.desc())}"


def _telling(text: str) -> str:
    """The line that says what is wrong: without a driver, complaints about the driver come along."""
    lines = [line for line in _lines(text) if "catchCudaError" not in line and not line.startswith("Invalid Node")]
    return lines[0] if lines else one_line(text)


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if line.strip())


def _monitor(library: Library, progress: Progress) -> Any:
    class Monitor(library.IProgressMonitor):  # type: ignore[misc]
        """Tells the outermost phases."""

        def __init__(self) -> None:
            super().__init__()

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            if not parent_phase:
                progress(f"{phase_name} ({num_steps} steps)")

        def step_complete(self, phase_name: str, step: int) -> bool:
            del phase_name, step
            return True

        def phase_finish(self, phase_name: str) -> None:
            del phase_name

    return Monitor()
