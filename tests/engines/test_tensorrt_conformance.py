"""What this package uses of TensorRT is listed in one place, and the real bindings of every version have it.

Bindings want libraries of hundreds of megabytes to be loaded. All they need of them to tell what they know is nine
names, which a few lines of C supply.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from keyreid_engines.errors import EngineError
from keyreid_engines.graphs import GraphKind
from keyreid_engines.profiles import BatchRange, batch_profiles
from keyreid_engines.tensorrt_api import BUILDING, GUARDED, RUNNING
from keyreid_engines.tensorrt_builder import PlanRequest, build_plan
from keyreid_engines.tensorrt_runtime import DTYPES, TensorRtGraph
from tests.engines import binding_names, fake_tensorrt, fake_tensorrt_rtx
from tests.engines.engine_models import crops_of, engine_model, exported
from tests.engines.host_side import HostSide
from tests.engines.recorder import Recorder

VERSIONS = ("10.0.1", "10.8.0.43", "10.16.1.11", "11.1.0.106", "11.4.0.106")

LIBRARIES = ("libnvinfer", "libnvinfer_plugin", "libnvonnxparser")

STUB = """
void *createInferBuilder_INTERNAL(void) { return 0; }
void *createInferRefitter_INTERNAL(void) { return 0; }
void *createInferRuntime_INTERNAL(void) { return 0; }
void *createNvOnnxParserRefitter_INTERNAL(void) { return 0; }
void *createNvOnnxParser_INTERNAL(void) { return 0; }
void *getBuilderPluginRegistry(void) { return 0; }
void *getPluginRegistry(void) { return 0; }
int getNvOnnxParserVersion(void) { return 0; }
int initLibNvInferPlugins(void) { return 1; }
"""


def refused_graph() -> bytes:
    """A graph with an operator that RTX does not take; dynamic results are refused by the fake, too."""
    image = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 4])
    where = helper.make_tensor_value_info("where", TensorProto.INT64, [2, "found"])
    graph = helper.make_graph([helper.make_node("NonZero", ["images"], ["where"], "seek")], "g", [image], [where])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    content: bytes = model.SerializeToString()
    onnx.checker.check_model(content)
    return content


def inputs_of(content: bytes) -> dict[str, tuple[int, ...]]:
    network = fake_tensorrt.INetworkDefinition()
    network.read(content)
    return {tensor.name: tensor.shape for tensor in network.inputs}


def used_by_building(library: object, kind: GraphKind, capabilities: tuple[str, ...]) -> tuple[set[str], bytes]:
    names: set[str] = set()
    recorder = Recorder(library, names)
    content = exported("aligned", kind, "float32").content
    profiles = batch_profiles(inputs_of(content), [BatchRange(1, 2, 4)])
    plan = build_plan(recorder, content, PlanRequest(profiles, capabilities), progress=lambda at: None)
    with pytest.raises(EngineError, match="NonZero"):
        build_plan(recorder, refused_graph(), PlanRequest(profiles))
    return names, plan.content


def used_by_running(library: object, plan: bytes) -> set[str]:
    names: set[str] = set()
    side = HostSide()
    graph = TensorRtGraph(Recorder(library, names), plan, side, fixed=(4,), kernels=b"finished")
    for rows in (2, 4, 4):
        graph({"images": crops_of(engine_model(), rows).images})
    graph.kernels()
    return names


def test_the_lists_name_all_that_is_used_and_nothing_else() -> None:
    rtx = pytest.importorskip(
        "tensorrt_rtx", reason="TENSORRT-RTX IS NOT INSTALLED: what building uses is not recorded"
    )
    real, _ = used_by_building(rtx, "frame_encoder", ("8.9",))
    plain, plan = used_by_building(fake_tensorrt, "frame_encoder", ())
    building = real | plain
    running = used_by_running(fake_tensorrt, plan) - {"ILogger"}
    _, rtx_plan = used_by_building(fake_tensorrt_rtx, "frame_encoder", ("8.9",))
    rtx_running = used_by_running(fake_tensorrt_rtx, rtx_plan)
    # Names of the capabilities themselves are whatever the library has.
    guarded = {name for name in (real | rtx_running) - set(BUILDING) - set(RUNNING) if not re.search(r"\.SM\d+$", name)}
    assert plain <= set(BUILDING)  # nothing that is guarded is touched where it is missing
    assert building - guarded - {name for name in building if re.search(r"\.SM\d+$", name)} == set(BUILDING)
    assert running == set(RUNNING)
    assert guarded == set(GUARDED)


@pytest.fixture(scope="module")
def compiler() -> str:
    found = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if found is None:
        pytest.skip("NO C COMPILER: TensorRT's bindings are not checked")
    if not sys.platform.startswith("linux"):
        pytest.skip("NOT LINUX: TensorRT's bindings are not checked")
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_the_real_bindings_have_all_that_is_used(version: str, compiler: str, tmp_path: Path) -> None:
    wheel = f"tensorrt-cu12-bindings=={version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "1", wheel, "-d", tmp_path]
    fetched = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if fetched.returncode:
        pytest.skip(f"NO REGISTRY: {wheel} is not checked ({fetched.stderr.strip().splitlines()[-1:]})")
    (path,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        archive.extract("tensorrt_bindings/tensorrt.so", tmp_path)
    source = tmp_path / "stub.c"
    source.write_text(STUB, encoding="utf-8")
    stubs = []
    for name in LIBRARIES:
        soname = f"{name}.so.{version.split('.')[0]}"
        subprocess.run(
            [compiler, "-shared", "-fPIC", f"-Wl,-soname,{soname}", "-o", tmp_path / soname, source], check=True
        )
        stubs.append(tmp_path / soname)
    wanted = [*BUILDING, *RUNNING, *(f"DataType.{name}" for name in DTYPES), "ILogger.ERROR", "ILogger.INTERNAL_ERROR"]
    bindings = tmp_path / "tensorrt_bindings" / "tensorrt.so"
    answer = subprocess.run(
        [sys.executable, binding_names.__file__, bindings, *stubs],
        input=json.dumps([*wanted, *GUARDED, "BuilderFlag.NO_SUCH_FLAG"]),
        capture_output=True,
        text=True,
        check=True,
    )
    lacking = set(json.loads(answer.stdout))
    assert "BuilderFlag.NO_SUCH_FLAG" in lacking  # the question can be answered with no
    assert lacking & set(wanted) == set()
    assert "ComputeCapability" in lacking  # so that nothing guarded is touched
