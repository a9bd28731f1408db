from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from keyreid_engines.backend import Backend
from keyreid_engines.choose import Loader, available, candidates, explanation, named_backend
from keyreid_stream.errors import MissingExtraError
from tests.engines.fake_engines import FakeBackend

CPU, GPU = torch.device("cpu"), torch.device("cuda:0")


def missing() -> Backend:
    raise ImportError("openvino is not installed")


def broken() -> Backend:
    raise RuntimeError("no plugins.xml")


FAKES: dict[str, Loader] = {"openvino": FakeBackend, "onnxruntime": lambda: FakeBackend("onnxruntime")}


def test_the_order_on_a_cpu_is_openvino_then_onnx_runtime_then_torch() -> None:
    found = candidates(CPU, FAKES)
    assert [candidate.name for candidate in found] == ["openvino", "onnxruntime", "torch"]
    assert available(found) == found
    assert explanation(found[0], found) == "backend openvino 1.0"


def test_what_is_missing_is_passed_over_and_told() -> None:
    found = candidates(CPU, FAKES | {"openvino": missing})
    picked = available(found)[0]
    assert picked.name == "onnxruntime"
    told = explanation(picked, found)
    assert told.startswith("backend onnxruntime 1.0 (openvino: openvino is not installed; pip install")
    assert '"keyreid-stream[openvino]"' in told


def test_whatever_a_library_raises_torch_remains() -> None:
    found = candidates(CPU, {"openvino": broken, "onnxruntime": missing})
    assert [candidate.name for candidate in available(found)] == ["torch"]
    assert found[0].fault == "broken (RuntimeError)"
    assert explanation(found[2], found).startswith(f"backend torch {torch.__version__} (openvino: broken")


def test_on_a_gpu_what_cannot_compute_there_says_why_not() -> None:
    found = candidates(GPU, FAKES | {"onnxruntime": broken})
    assert [candidate.name for candidate in found] == ["onnxruntime", "torch", "openvino"]
    assert [candidate.name for candidate in available(found)] == ["torch"]
    assert found[2].fault == "runs on the CPU only, not on cuda"


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_a_backend_that_is_not_installed_says_what_to_type(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = sys.meta_path

    class Absent:
        def find_spec(self, wanted: str, path: object = None, target: object = None) -> None:
            if wanted == name:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sys, "meta_path", [Absent(), *real])
    monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(
        MissingExtraError, match=rf'{name} is not installed; run: pip install "keyreid-stream\[{name}\]"'
    ):
        named_backend(name)
    assert name not in [candidate.name for candidate in available(candidates(CPU))]


SHADOWS = {
    "raises something of its own": "class Odd(Exception): pass\nraise Odd('libfoo.so: cannot open\\nmore')",
    "lacks what it needs": "import a_module_that_nobody_has",
    "lacks everything": "",
    "does not parse": "this is not python",
}


@pytest.mark.parametrize("code", SHADOWS.values(), ids=SHADOWS)
@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_half_installed_libraries_are_told_in_one_line(
    name: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    held: dict[str, ModuleType] = {key: module for key, module in sys.modules.items() if key.split(".")[0] == name}
    for key in held:
        monkeypatch.delitem(sys.modules, key)
    with pytest.raises(ImportError, match=f"{name} is installed but"):
        named_backend(name)
    found = {candidate.name: candidate for candidate in candidates(CPU)}
    fault = found[name].fault
    assert fault is not None
    assert fault.startswith(f"{name} is installed but")
    assert "\n" not in fault
    monkeypatch.delitem(sys.modules, name, raising=False)
