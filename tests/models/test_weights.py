import datetime
import hashlib
import json
import pickle
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from keyreid_stream.errors import WeightsError
from keyreid_stream.models.config import NAMED_MODELS
from keyreid_stream.models.weights import (
    MAX_JSON_BYTES,
    Provenance,
    WeightsFile,
    file_sha256,
    load_weights,
    read_record,
    save_weights,
    weights_pair,
)

CONFIG = NAMED_MODELS["tiny"]
PROVENANCE = Provenance(
    source="keyreid train",
    trained=True,
    created=datetime.date(2026, 11, 22),
    data_sets=("world", "CUHK03 train"),
    metrics={"rank-1": 0.6},
    notes="two lines\nof notes",
)
same_folder = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def small_tensors() -> dict[str, torch.Tensor]:
    return {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor([1.5, -2.5])}


@pytest.fixture
def pair(tmp_path: Path) -> WeightsFile:
    return save_weights(tmp_path / "tiny.safetensors", CONFIG, small_tensors(), PROVENANCE)


def refusal(path: Path) -> str:
    """The message that a file is refused with: one line."""
    with pytest.raises(WeightsError) as caught:
        load_weights(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def edit_record(pair: WeightsFile, **changes: object) -> Path:
    record_path = pair.path.with_suffix(".json")
    record = json.loads(record_path.read_text())
    record_path.write_text(json.dumps(record | changes))
    return record_path


def put_in_place(pair: WeightsFile, content: bytes) -> None:
    """Replace the tensors' file by other content, and make the JSON agree."""
    pair.path.write_bytes(content)
    edit_record(pair, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))


@pytest.mark.parametrize("suffix", [".safetensors", ".json"])
def test_what_was_saved_is_loaded_by_either_name(pair: WeightsFile, suffix: str) -> None:
    loaded = load_weights(pair.path.with_suffix(suffix))
    assert loaded.config == CONFIG
    assert loaded.provenance == PROVENANCE
    assert loaded.path == pair.path
    assert loaded.sha256 == pair.sha256 == hashlib.sha256(pair.path.read_bytes()).hexdigest()
    assert loaded.tensors.keys() == small_tensors().keys()
    assert all(torch.equal(loaded.tensors[name], tensor) for name, tensor in small_tensors().items())


@same_folder
@given(
    shape=st.lists(st.integers(0, 4), max_size=4),
    dtype=st.sampled_from([torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool]),
    seed=st.integers(0, 99),
)
def test_every_shape_and_type_survives(tmp_path: Path, shape: list[int], dtype: torch.dtype, seed: int) -> None:
    tensor = torch.randint(-9, 9, shape, generator=torch.Generator().manual_seed(seed)).to(dtype)
    save_weights(tmp_path / "any.json", CONFIG, {"x": tensor, "y": tensor.clone()}, PROVENANCE)
    loaded = load_weights(tmp_path / "any.json").tensors["x"]
    assert loaded.dtype == dtype
    assert loaded.shape == tensor.shape
    assert torch.equal(loaded, tensor)


def test_aliases_views_and_gradients_are_stored_as_plain_tensors(tmp_path: Path) -> None:
    base = torch.arange(12.0, requires_grad=True)
    given = {"one": base, "alias": base, "transposed": base.reshape(3, 4).T, "slice": base[2:5]}
    save_weights(tmp_path / "a.safetensors", CONFIG, given, PROVENANCE)
    loaded = load_weights(tmp_path / "a.safetensors").tensors
    assert {name: tensor.tolist() for name, tensor in loaded.items()} == {n: t.tolist() for n, t in given.items()}
    assert not any(tensor.requires_grad for tensor in loaded.values())


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    first = save_weights(tmp_path / "a.safetensors", CONFIG, small_tensors(), PROVENANCE)
    second = save_weights(tmp_path / "deep" / "er" / "b.safetensors", CONFIG, small_tensors(), PROVENANCE)
    assert first.sha256 == second.sha256


@same_folder
@given(data=st.data())
def test_a_file_cut_anywhere_is_refused(pair: WeightsFile, data: st.DataObject) -> None:
    content = pair.path.read_bytes()
    kept = data.draw(st.integers(0, len(content) - 1))
    pair.path.write_bytes(content[:kept])
    try:
        assert "cut short" in refusal(pair.path)
    finally:
        pair.path.write_bytes(content)


@same_folder
@given(data=st.data())
def test_a_flipped_bit_anywhere_is_refused(pair: WeightsFile, data: st.DataObject) -> None:
    content = pair.path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    pair.path.write_bytes(content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :])
    try:
        assert pair.sha256 in refusal(pair.path)
    finally:
        pair.path.write_bytes(content)


def test_a_longer_file_is_refused(pair: WeightsFile) -> None:
    pair.path.write_bytes(pair.path.read_bytes() + b"\0")
    assert "too long" in refusal(pair.path)


def test_the_json_of_other_weights_is_refused(pair: WeightsFile, tmp_path: Path) -> None:
    other = save_weights(
        tmp_path / "other.json", CONFIG, {"weight": torch.zeros(2, 3), "bias": torch.ones(2)}, PROVENANCE
    )
    other.path.with_suffix(".json").replace(pair.path.with_suffix(".json"))
    assert "not what its JSON file describes" in refusal(pair.path)


def test_missing_files_are_named(pair: WeightsFile, tmp_path: Path) -> None:
    assert "nowhere.safetensors" in refusal(tmp_path / "nowhere.json")
    pair.path.with_suffix(".json").unlink()
    assert "tiny.json' is missing" in refusal(pair.path)
    (tmp_path / "folder.safetensors").mkdir()
    assert "no weights file" in refusal(tmp_path / "folder.safetensors")


def test_a_pickle_is_refused_and_never_run(pair: WeightsFile, tmp_path: Path) -> None:
    witness = tmp_path / "ran"

    class Attack:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return (open, (str(witness), "w"))

    put_in_place(pair, pickle.dumps(Attack()))
    assert "is not a safetensors file" in refusal(pair.path)
    assert not witness.exists()


def test_a_header_that_promises_too_much_is_refused(pair: WeightsFile) -> None:
    header = json.dumps({"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    put_in_place(pair, len(header).to_bytes(8, "little") + header)
    assert "is not a safetensors file" in refusal(pair.path)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"extra": 1}, "extra"),
        ({"format": "keyreid-weights-2"}, "format"),
        ({"sha256": "ABC"}, "sha256"),
        ({"size_bytes": 2**60}, "size_bytes"),
        ({"config": {"name": "x"}}, "config.backbone"),
        ({"config": CONFIG.model_dump() | {"colour": "red"}}, "config.colour"),
        ({"provenance": {"source": "me", "created": "2026-11-22"}}, "provenance.trained"),
        ({"provenance": PROVENANCE.model_dump(mode="json") | {"notes": "\x1b[2J"}}, "provenance.notes"),
    ],
)
def test_a_json_with_a_fault_is_refused_by_the_name_of_the_fault(
    pair: WeightsFile, changes: dict[str, object], fault: str
) -> None:
    assert f"'{fault}" in refusal(edit_record(pair, **changes))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[1]", b"[" * 100_000])
def test_a_file_that_is_not_our_json_is_refused(pair: WeightsFile, content: bytes) -> None:
    pair.path.with_suffix(".json").write_bytes(content)
    assert "tiny.json" in refusal(pair.path)


def test_a_huge_json_is_refused_unread(pair: WeightsFile) -> None:
    record_path = pair.path.with_suffix(".json")
    record_path.write_bytes(record_path.read_bytes() + b" " * MAX_JSON_BYTES)
    assert "larger than" in refusal(record_path)


def test_a_key_cannot_smuggle_lines_into_the_message(pair: WeightsFile) -> None:
    assert "\x1b" not in refusal(edit_record(pair, **{"bad\n\x1b[31mkey": 1}))


@pytest.mark.parametrize("name", ["weights.pth", "weights", "weights.safetensors.gz"])
def test_other_endings_are_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    assert "keyreid weights import" in refusal(tmp_path / name)
    with pytest.raises(WeightsError, match="pair"):
        save_weights(tmp_path / name, CONFIG, small_tensors(), PROVENANCE)
    assert list(tmp_path.iterdir()) == []


def test_dots_in_a_name_are_kept() -> None:
    assert weights_pair("runs/tiny-1.2.json") == (Path("runs/tiny-1.2.safetensors"), Path("runs/tiny-1.2.json"))


@pytest.mark.parametrize("failing", ["os.fsync", "pathlib.Path.replace"])
def test_a_failed_write_leaves_the_old_pair_and_nothing_else(
    pair: WeightsFile, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(failing, fail)
        with pytest.raises(WeightsError, match="No space left on device"):
            save_weights(pair.path, CONFIG, {"weight": torch.zeros(1)}, PROVENANCE)
    assert load_weights(pair.path).tensors["weight"].tolist() == small_tensors()["weight"].tolist()
    assert sorted(path.name for path in pair.path.parent.iterdir()) == ["tiny.json", "tiny.safetensors"]


def test_a_write_that_ends_between_the_two_files_is_noticed(pair: WeightsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.write_text", fail)
        with pytest.raises(KeyboardInterrupt):
            save_weights(pair.path, CONFIG, {"weight": torch.zeros(2, 3), "bias": torch.ones(2)}, PROVENANCE)
    assert "not what its JSON file describes" in refusal(pair.path)


def test_loaded_tensors_outlive_the_files_that_are_replaced(pair: WeightsFile) -> None:
    loaded = load_weights(pair.path)
    save_weights(pair.path, CONFIG, {"weight": torch.zeros(2, 3), "bias": torch.zeros(2)}, PROVENANCE)
    assert torch.equal(loaded.tensors["weight"], small_tensors()["weight"])


def test_a_record_is_read_without_its_tensors(pair: WeightsFile) -> None:
    pair.path.unlink()
    assert read_record(pair.path.with_suffix(".json")).sha256 == pair.sha256


@pytest.mark.parametrize(
    "changes", [{"metrics": {"mAP": float("nan")}}, {"source": ""}, {"parent_sha256": "12"}, {"x": 1}]
)
def test_provenance_refuses_what_cannot_be(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Provenance(**(PROVENANCE.model_dump() | changes))


@pytest.mark.parametrize("length", [0, 1, 2**20, 2**20 + 1])
def test_the_hash_is_that_of_the_whole_file(tmp_path: Path, length: int) -> None:
    content = bytes(range(256)) * (length // 256) + b"x" * (length % 256)
    (tmp_path / "file").write_bytes(content)
    assert file_sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()
