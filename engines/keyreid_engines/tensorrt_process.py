"""Plans are built in a process of their own: a library that dies or hangs takes nobody along, and leaves no state.

The parent writes a folder with the graph and the request; the child (`python -m keyreid_engines.tensorrt_process`)
writes the plan beside them and tells what it is at on its standard output, one JSON object a line.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from keyreid_engines.errors import EngineError
from keyreid_engines.libraries import import_library
from keyreid_engines.profiles import Profile, ShapeRange
from keyreid_engines.tensorrt_builder import Plan, PlanRequest, build_plan

BUILD_LIMIT_S = 1800.0

COMMAND = (sys.executable, "-P", "-m", "keyreid_engines.tensorrt_process")
"""Called in the folder of the build, so that nothing about it is random; -P, so that nothing is imported from there."""

SAME_MEMORY = {"PYTHONHASHSEED": "0", "MALLOC_ARENA_MAX": "1000", "MALLOC_TRIM_THRESHOLD_": str(2**32)}
"""Whatever order threads run in, memory is handed out alike: every thread has a heap of its own, which never shrinks
and whose rules do not change under way; see `_settle`."""

_NO_RANDOM_ADDRESSES, _ASK = 0x0040000, 0xFFFFFFFF
"""Of Linux's `personality`."""

GRAPH, REQUEST, TIMING, PLAN, TENSORS, NEW_TIMING = (
    "graph.onnx",
    "request.json",
    "timing.bin",
    "plan.bin",
    "tensors.json",
    "new-timing.bin",
)


def build_in_child(
    module: str,
    content: bytes,
    request: PlanRequest,
    *,
    limit_s: float = BUILD_LIMIT_S,
    progress: Callable[[str], None] | None = None,
) -> Plan:
    """Build a plan in a child process.

    Args:
        module: name of the library, `tensorrt` or `tensorrt_rtx`.
        content: an ONNX file.
        request: what to build.
        limit_s: seconds after which the child is ended.
        progress: is told what the builder is at, from another thread.

    Raises:
        EngineError: it cannot be built, takes too long, or the library dies of it.
    """
    with tempfile.TemporaryDirectory(prefix="keyreid-build-") as name:
        folder = Path(name)
        (folder / GRAPH).write_bytes(content)
        (folder / TIMING).write_bytes(request.timing)
        (folder / REQUEST).write_text(json.dumps({"module": module, **_to_json(request)}), encoding="utf-8")
        fault = _run(folder, limit_s, progress or (lambda _: None))
        if fault is not None:
            raise EngineError(fault)
        tensors = json.loads((folder / TENSORS).read_text(encoding="utf-8"))
        return Plan(
            (folder / PLAN).read_bytes(),
            {name: (dtype, tuple(shape)) for name, (dtype, shape) in tensors.items()},
            (folder / NEW_TIMING).read_bytes(),
        )


def _run(folder: Path, limit_s: float, progress: Callable[[str], None]) -> str | None:
    """Run the child to its end; what went wrong, if something did."""
    # The child finds what this process finds.
    found = os.pathsep.join(str(Path(path).resolve()) for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": found, **SAME_MEMORY}
    with (folder / "errors.txt").open("wb") as errors:
        child = subprocess.Popen(COMMAND, cwd=folder, stdout=subprocess.PIPE, stderr=errors, env=environment)
    answer: dict[str, str] = {}
    reader = threading.Thread(target=_listen, args=(child.stdout, answer, progress), daemon=True)
    reader.start()
    try:
        status = child.wait(limit_s)
        reader.join()
    except subprocess.TimeoutExpired:
        return f"building took more than {limit_s:.0f} s and was ended; give it more time or use --backend torch"
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        reader.join()
        if child.stdout is not None:
            child.stdout.close()
    if "fault" in answer:
        return answer["fault"]
    if "done" in answer:
        return None
    said = (folder / "errors.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    ended = f"by signal {-status}" if status < 0 else f"with status {status}"
    return f"the process that builds ended {ended}" + (f" ({said[-1].strip()})" if said else "")


def _listen(stream: IO[bytes], answer: dict[str, str], progress: Callable[[str], None]) -> None:
    """Take in what the child says; libraries may write to the same place, so other lines are passed over."""
    for line in stream:
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if not isinstance(said, dict):
            continue
        if "at" in said:
            progress(str(said["at"]))
        else:
            answer.update({str(key): str(value) for key, value in said.items()})


def _settle() -> None:
    """Start again without random addresses, where the system lets us.

    TensorRT puts nodes that do not depend on each other in the order of their addresses, so the same graph gives other
    bytes now and then; with the same addresses it gives the same.
    """
    if not sys.platform.startswith("linux"):
        return
    personality = ctypes.CDLL(None).personality
    now = personality(_ASK)
    if now >= 0 and not now & _NO_RANDOM_ADDRESSES and personality(now | _NO_RANDOM_ADDRESSES) >= 0:
        os.execv(sys.executable, COMMAND)  # noqa: S606 - a shell is what is not wanted


def _child(folder: Path) -> None:
    given = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    try:
        library = import_library(given["module"])
        request = _from_json(given, (folder / TIMING).read_bytes())
        plan = build_plan(library, (folder / GRAPH).read_bytes(), request, lambda text: _tell({"at": text}))
    except (EngineError, ImportError) as error:
        _tell({"fault": str(error)})
        return
    (folder / PLAN).write_bytes(plan.content)
    (folder / TENSORS).write_text(json.dumps(plan.tensors), encoding="utf-8")
    (folder / NEW_TIMING).write_bytes(plan.timing)
    _tell({"done": "yes"})


def _tell(said: Mapping[str, str]) -> None:
    sys.stdout.write("\n" + json.dumps(said) + "\n")
    sys.stdout.flush()


def _to_json(request: PlanRequest) -> dict[str, Any]:
    profiles = [
        {name: [shapes.least, shapes.usual, shapes.most] for name, shapes in profile.items()}
        for profile in request.profiles
    ]
    return {"profiles": profiles, "capabilities": request.capabilities}


def _from_json(given: Mapping[str, Any], timing: bytes) -> PlanRequest:
    profiles: list[Profile] = [
        {name: ShapeRange(*(tuple(shape) for shape in shapes)) for name, shapes in profile.items()}
        for profile in given["profiles"]
    ]
    return PlanRequest(tuple(profiles), tuple(given["capabilities"]), timing)


if __name__ == "__main__":
    _settle()
    _child(Path())
