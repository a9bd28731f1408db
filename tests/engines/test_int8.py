"""int8: what is quantised, on which pictures, and that it is there only for those who ask."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from pydantic import ValidationError

from keyreid_engines import build, int8
from keyreid_engines.backend import Backend
from keyreid_engines.cache import EngineCache
from keyreid_engines.calibration import LEAST, MOST, Calibration
from keyreid_engines.checks import check_engine
from keyreid_engines.errors import EngineError
from keyreid_engines.fixed_crops import fixed_crops
from keyreid_engines.int8 import Int8Backend, kept_in_float
from keyreid_engines.int8_process import quantise_in_child
from keyreid_engines.onnxruntime_backend import OnnxRuntimeBackend
from keyreid_engines.openvino_backend import OpenVinoBackend
from keyreid_engines.seam import EngineEncoders
from keyreid_engines.validate import validate_all
from keyreid_stream.encoders import EncoderConfig
from keyreid_stream.errors import InputError, MissingExtraError
from keyreid_stream.models.load import load_model
from tests.engines.engine_models import engine_model, exported, loaded_model
from tests.engines.test_real_crops import photographs

PRECISE = ("float32", "bfloat16")


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Pictures of drawn people, of another size than crops."""
    folder = tmp_path / "people"
    (folder / "more").mkdir(parents=True)
    for index, image in enumerate(fixed_crops(engine_model().crop_spec, LEAST).images):
        place = folder / ("more" if index % 2 else ".") / f"{index:03}.png"
        cv2.imwrite(str(place), cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), (48, 96)))
    return folder


def test_what_tokens_do_not_need_and_convolutions_stay_in_floating_point() -> None:
    def node(kind: str, name: str, given: list[str], gives: str) -> onnx.NodeProto:
        return helper.make_node(kind, given, [gives], name)

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            node("Conv", "stem", ["images", "w"], "patches"),
            node("MatMul", "block", ["patches", "w"], "rows"),
            node("Softmax", "soft", ["rows"], "tokens"),
            node("MatMul", "class", ["tokens", "w"], "mixed"),
            node("Gemm", "last", ["mixed", "w"], "class_rows"),
        ],
        "g",
        [value("images", TensorProto.FLOAT, None), value("w", TensorProto.FLOAT, None)],
        [value("tokens", TensorProto.FLOAT, None), value("class_rows", TensorProto.FLOAT, None)],
    )
    assert kept_in_float(helper.make_model(graph)) == ["stem", "class", "last"]


def test_a_real_encoder_keeps_its_stem_and_class_row() -> None:
    proto = onnx.load_model_from_string(exported("aligned", "frame_encoder", "float32").content)
    kept = set(kept_in_float(proto))
    linear = {node.name for node in proto.graph.node if node.op_type in ("MatMul", "Gemm")}
    assert {node.name for node in proto.graph.node if node.op_type == "Conv"} <= kept
    assert 0 < len(kept & linear) < len(linear)


def test_pictures_are_taken_evenly_from_all(tmp_path: Path) -> None:
    for index in range(2 * MOST):
        (tmp_path / f"{index:04}.JPG").write_bytes(bytes([index % 256]))
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    assert [path.name for path in Calibration(tmp_path).paths] == [f"{2 * index:04}.JPG" for index in range(MOST)]


def test_other_pictures_make_another_calibration(people: Path) -> None:
    first = Calibration(people)
    assert Calibration(people).sha256 == first.sha256
    assert first.images(64, 32).shape == (LEAST, 64, 32, 3)
    shutil.copy(people / "000.png", people / "002.png")
    assert Calibration(people).sha256 != first.sha256


def test_colours_are_red_green_blue(people: Path) -> None:
    red = np.zeros((10, 10, 3), np.uint8)
    red[:] = (0, 0, 255)
    cv2.imwrite(str(people / "000.png"), red)
    assert Calibration(people).images(4, 2)[0, 0, 0].tolist() == [255, 0, 0]


def test_too_few_pictures_are_told(tmp_path: Path, people: Path) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        Calibration(tmp_path / "nowhere")
    (people / "000.png").unlink()
    with pytest.raises(InputError, match=f"holds {LEAST - 1} pictures .* at least {LEAST}"):
        Calibration(people)


def test_a_file_that_is_no_picture_is_named(people: Path) -> None:
    (people / "000.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"000\.png' is no picture"):
        Calibration(people).images(8, 4)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"precision": "int8", "calibration": "x"}, "not on torch; name one as backend"),
        ({"precision": "int8", "calibration": "x", "backend": "auto"}, "not on auto"),
        ({"precision": "int8", "backend": "openvino"}, "name a folder of them as `calibration`"),
        ({"calibration": "x", "backend": "openvino"}, "calibration is for precision int8, not auto"),
    ],
)
def test_int8_is_asked_for_in_full_or_not_at_all(settings: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        EncoderConfig.model_validate(settings)


@pytest.mark.parametrize("make", [OpenVinoBackend, OnnxRuntimeBackend])
def test_nobody_gets_int8_without_asking(make: type) -> None:
    assert set(make().precisions) <= set(PRECISE)


@pytest.mark.parametrize(
    ("name", "suffix", "mark"), [("openvino", "xml", b"FakeQuantize"), ("onnxruntime", "onnx", b"QuantizeLinear")]
)
def test_an_engine_in_int8_is_built_kept_and_validated(
    name: str, suffix: str, mark: bytes, people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nncf", reason="NNCF IS NOT INSTALLED: nothing is quantised")
    monkeypatch.setattr(
        build, "export_graph", lambda model, kind, precision, **_: exported(model.config.mode, kind, precision)
    )
    lines: list[str] = []
    cache = EngineCache(tmp_path / "engines")
    encoders = EngineEncoders(lines.append, cache)
    config = EncoderConfig.model_validate(
        {"backend": name, "precision": "int8", "device": "cpu", "calibration": str(people)}
    )
    card = encoders(loaded_model(), config)[0].backend  # type: ignore[attr-defined]
    assert (card.name, card.precision) == (name, "int8")
    assert 0.98 <= card.minimum_cosine < 0.99999
    stored = cache.read(card.engine)
    assert mark in stored.contents["frame_encoder"][suffix]
    assert mark not in stored.contents["clip_head"][suffix]
    assert stored.manifest.facts.flags["calibration"] == Calibration(people).sha256
    encoders(loaded_model(), config)
    assert len(lines) == 1  # the second time it was there
    assert [one.fault for one in validate_all(loaded_model(), cache)] == [None]


def test_an_engine_in_int8_is_not_built_without_pictures() -> None:
    backend: Backend = Int8Backend(OnnxRuntimeBackend(), {})
    with pytest.raises(EngineError, match="give --calibration FOLDER"):
        backend.compile(exported("aligned", "frame_encoder", "float32").content)


def test_without_nncf_the_message_says_what_to_install(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "installed_version", lambda name: "unknown")
    with pytest.raises(MissingExtraError, match=r"nncf is not installed; run: pip install .*\[int8\]"):
        Int8Backend.calibrated(OnnxRuntimeBackend(), Calibration(people))


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os; os._exit(3)", "ended with status 3"),
        ("raise SystemExit('no room')", r"status 1 \(no room\)"),
        ("import a_module_that_nobody_has", "nncf is installed but does not import"),
        ("import time; time.sleep(60)", "took more than 3 s and was ended"),
    ],
)
def test_whatever_nncf_does_this_process_lives_and_says_so(
    code: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nncf.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    limit_s = 3 if "sleep" in code else 120
    with pytest.raises(EngineError, match=f"cannot be quantised: .*{told}"):
        quantise_in_child("onnxruntime", b"", np.zeros((1, 4, 2, 3), np.uint8), [], limit_s=limit_s)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("make", [OpenVinoBackend, OnnxRuntimeBackend])
def test_int8_keeps_every_part_of_64_photographs(make: type, data: Path, tmp_path: Path) -> None:
    pytest.importorskip("nncf", reason="NNCF IS NOT INSTALLED: nothing is quantised")
    others = [path for path in sorted((data / "reid" / "cuhk03").glob("*.jpg")) if not path.name.startswith("val_")]
    for path in others[:: len(others) // MOST]:
        shutil.copy(path, tmp_path)
    loaded = load_model()
    settings = {"backend": make().name, "precision": "int8", "device": "cpu", "calibration": str(tmp_path)}
    config = EncoderConfig.model_validate(settings)
    encoders = EngineEncoders(lambda line: None, EngineCache(tmp_path / "engines"))(loaded, config)
    figures = check_engine(lambda _: encoders, loaded.model, "int8", photographs(data, loaded.model.crop_spec))
    assert 0.995 <= figures.minimum_cosine < 0.9998  # float32 or bfloat16 would come closer
