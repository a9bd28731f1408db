"""Real builds with TensorRT for RTX, which needs no GPU to build."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from keyreid_engines.errors import EngineError
from keyreid_engines.export import export_graph
from keyreid_engines.graphs import HALVES, GraphKind, Precision
from keyreid_engines.profiles import BATCHES, BatchRange, Profile, ShapeRange, batch_profiles
from keyreid_engines.tensorrt_backend import TensorRtRtxBackend, default_capabilities
from keyreid_engines.tensorrt_builder import Plan, PlanRequest, check_capabilities, known_capabilities
from keyreid_engines.tensorrt_process import build_in_child
from keyreid_stream.models.load import load_model
from tests.engines import fake_tensorrt
from tests.engines.engine_models import exported
from tests.engines.test_tensorrt_conformance import inputs_of, refused_graph

rtx = pytest.importorskip("tensorrt_rtx", reason="TENSORRT-RTX IS NOT INSTALLED: no plan is built")

PRECISIONS: tuple[Precision, ...] = ("float32", "float16", "bfloat16")
MOST_BUILDS = 5
AMPERE_ON = ("8.0", "8.6", "8.9", "12.0", "12.1")


@cache
def graph(name: str, kind: GraphKind, precision: Precision) -> bytes:
    loaded = load_model(name, None)
    return export_graph(loaded.model, kind, precision, weights_sha256=loaded.card.sha256).content


def request(content: bytes, kind: GraphKind, capabilities: tuple[str, ...] = AMPERE_ON) -> PlanRequest:
    return PlanRequest(batch_profiles(inputs_of(content), BATCHES[kind]), capabilities)


def build(content: bytes, asked: PlanRequest, *, limit_s: float = 240) -> Plan:
    return build_in_child("tensorrt_rtx", content, asked, limit_s=limit_s)


MODELS = ("tiny", pytest.param("small", marks=pytest.mark.slow), pytest.param("base", marks=pytest.mark.slow))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", HALVES)
@pytest.mark.parametrize("name", MODELS)
def test_the_same_graph_gives_the_same_bytes(name: str, kind: GraphKind, precision: Precision) -> None:
    """On a busy machine its threads now and then put independent nodes in another order: then a build more tells."""
    content = graph(name, kind, precision)
    asked = request(content, kind)
    first = build(content, asked)
    plans = [first.content]
    while plans[-1] not in plans[:-1]:
        assert len(plans) < MOST_BUILDS, "no two builds of the same graph are alike"
        plans.append(build(content, asked).content)
    assert {len(plan) for plan in plans} == {len(first.content)}
    assert len(first.content) > len(content) / 2  # the weights are inside
    typed = {"float32": "FLOAT", "float16": "HALF", "bfloat16": "BF16"}[precision]
    if kind == "frame_encoder":
        assert first.tensors["images"][0] == "UINT8"
        assert first.tensors["images"][1][0] == -1
    assert first.tensors["tokens"][0] == first.tensors["class_rows"][0] == typed
    assert first.tensors["appearance" if kind == "frame_encoder" else "embedding"][0] == "FLOAT"


CONTENT = exported("aligned", "clip_head", "float16").content


def test_the_list_of_capabilities_is_honoured() -> None:
    ampere, ada, turing = (
        build(CONTENT, request(CONTENT, "clip_head", (one,))).content for one in ("8.0", "8.9", "7.5")
    )
    assert len({ampere, ada, turing}) == 3
    assert build(CONTENT, request(CONTENT, "clip_head", ("8.0", "8.9"))).content not in (ampere, ada)


@pytest.mark.parametrize(
    ("precision", "told"), [("bfloat16", "sm75, because the model contains HW-specific datatypes"), ("float32", "SM75")]
)
def test_what_a_capability_lacks_is_told(precision: Precision, told: str) -> None:
    content = exported("aligned", "clip_head", precision).content
    with pytest.raises(EngineError, match=f"TensorRT-RTX .* cannot build the graph: .*{told}"):
        build(content, request(content, "clip_head", ("7.5", "8.0")))


def test_capabilities_that_are_not_known_are_refused_with_those_that_are() -> None:
    assert known_capabilities(rtx) == ("7.5", *AMPERE_ON)
    assert default_capabilities(rtx, None) == default_capabilities(rtx, "8.9") == AMPERE_ON
    assert default_capabilities(rtx, "7.5") == ("7.5",)
    with pytest.raises(
        EngineError, match=r"no code for compute capability 9.0; choose of: 7.5, 8.0, 8.6, 8.9, 12.0, 12.1"
    ):
        build(CONTENT, request(CONTENT, "clip_head", ("8.0", "9.0")))
    with pytest.raises(EngineError, match=r"10\.3"):
        TensorRtRtxBackend.elsewhere(("10.3",))
    with pytest.raises(EngineError, match="name each once"):
        check_capabilities(rtx, ("8.0", "8.0"))
    with pytest.raises(EngineError, match="for the GPU of this machine alone"):
        check_capabilities(fake_tensorrt, ("8.0",))
    assert TensorRtRtxBackend.elsewhere().capabilities == AMPERE_ON


def test_bad_profiles_are_refused_in_words() -> None:
    profile: Profile = batch_profiles(inputs_of(CONTENT), [BatchRange(4, 2, 8)])[0]
    with pytest.raises(EngineError, match=r"profile 0, input tokens: 4x3x9x64, 2x3x9x64, 8x3x9x64 are not in order"):
        build(CONTENT, PlanRequest((profile,)))
    with pytest.raises(EngineError, match="profile 0 names image; the graph's inputs are: tokens, class_rows"):
        build(CONTENT, PlanRequest(({"image": ShapeRange((1,), (1,), (1,))},)))


def test_operators_that_it_does_not_take_are_named() -> None:
    with pytest.raises(EngineError, match=r"TensorRT-RTX 1.* does not take the operators NonZero \(node seek\)"):
        build(refused_graph(), PlanRequest(batch_profiles({"images": (-1, 4)}, [BatchRange(1, 2, 4)])))


def test_what_is_no_graph_is_an_error() -> None:
    with pytest.raises(EngineError, match=r"does not take the graph|cannot read the graph"):
        build(b"no graph", PlanRequest(()))


def test_a_build_that_takes_too_long_is_ended() -> None:
    with pytest.raises(EngineError, match="took more than 0 s and was ended"):
        build(CONTENT, request(CONTENT, "clip_head"), limit_s=0.01)


DEATHS = {
    "a library that dies": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", r"ended by signal 9"),
    "a library that ends the process": ("import os; os.write(2, b'no driver'); os._exit(3)", r"status 3 \(no driver\)"),
    "a library that talks": ("import os; os.write(1, b'{}\\n[1]\\nhello\\n')", r"has no attribute|'Builder'|ILogger"),
    "a library that is broken": ("import a_module_that_nobody_has", "is installed but does not import"),
}


@pytest.mark.parametrize(("code", "told"), DEATHS.values(), ids=DEATHS)
def test_whatever_the_library_does_this_process_lives_and_says_so(
    code: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dying_library.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(EngineError, match=told):
        build_in_child("dying_library", CONTENT, request(CONTENT, "clip_head", ()), limit_s=60)


def test_a_library_that_is_not_there_is_told() -> None:
    with pytest.raises(EngineError, match="no_such_library is not installed"):
        build_in_child("no_such_library", CONTENT, PlanRequest(()), limit_s=60)


def test_a_build_begins_at_once() -> None:
    """The child imports neither PyTorch nor ONNX, which take longer than small builds."""
    loaded = "[name for name in ('torch', 'onnx', 'numpy') if name in sys.modules]"
    asked = f"import sys, keyreid_engines.tensorrt_process; print({loaded})"
    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, env=os.environ)
    assert answer.stdout.strip() == "[]"
