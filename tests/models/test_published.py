from __future__ import annotations

import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn.functional import interpolate

from keyreid_stream.errors import InputError, WeightsError
from keyreid_stream.models import published
from keyreid_stream.models.published import load_published
from keyreid_stream.models.published_head import PublishedKeyReID
from keyreid_stream.models.published_layout import published_layout
from tests.models.small_models import random_clips, small_config, small_model

# Torch's reader warns of what it meets in hostile files.
pytestmark = pytest.mark.filterwarnings("ignore:Detected pickle protocol", "ignore:Validating sparse tensor")

CONFIG = small_config("published")
Checkpoint = dict[str, Any]


def small_published(cameras: int = 4) -> PublishedKeyReID:
    model = small_model("published", classes=5, cameras=cameras)
    assert isinstance(model, PublishedKeyReID)
    return model


def checkpoint_of(model: PublishedKeyReID) -> Checkpoint:
    """The model's parameters as the published code would have saved them, with all that is never used."""
    layout, ours = published_layout(model), model.state_dict()
    tensors = {name: torch.randn(shape) for name, shape in layout.shapes.items()}
    tensors |= {name: ours[own].reshape(layout.shapes[name]).clone() for name, own in layout.ours.items()}
    aliases = [name for name in tensors if name.startswith("b2.0.")]
    return tensors | {name: tensors["block1." + name.removeprefix("b2.0.")] for name in aliases}


@pytest.fixture(scope="module")
def model() -> PublishedKeyReID:
    return small_published()


@pytest.fixture
def checkpoint(model: PublishedKeyReID) -> Checkpoint:
    return checkpoint_of(model)


def saved(folder: Path, content: Any, **options: Any) -> Path:
    path = folder / "checkpoint.pth"
    torch.save(content, path, **options)
    return path


@torch.inference_mode()
def test_a_checkpoint_gives_the_model_it_was_saved_from(
    model: PublishedKeyReID, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    path = saved(tmp_path, checkpoint)
    loaded, report = load_published(path, config=CONFIG)
    path.unlink()
    assert not any(tensor.is_meta for tensor in loaded.state_dict().values())
    assert not any(module.training for module in loaded.modules())
    crops, weights = random_clips(model)
    cameras = torch.tensor([[0, 3], [1, -1]])
    expected, actual = model(crops, weights, cameras), loaded(crops, weights, cameras)
    for before, after in zip(expected, actual, strict=True):
        assert torch.equal(before, after)
    assert model.classifiers is not None
    assert loaded.classifiers is not None
    assert torch.equal(loaded.classifiers(actual).part_scores, model.classifiers(expected).part_scores)
    assert (report.classes, report.cameras, loaded.config.cameras) == (5, 4, 4)
    assert set(report.used) | set(report.ignored) == set(checkpoint)
    assert {name for name in report.ignored if "blocks.5." not in name and not name.startswith("b2.0.")} == {
        "base.norm.weight",
        "base.norm.bias",
        "base.fc.weight",
        "base.fc.bias",
    }
    assert "5 classes, 4 cameras" in str(report)


@pytest.mark.parametrize(
    ("wrap", "said"),
    [
        (lambda tensors: {"state_dict": tensors, "epoch": 3}, "state_dict"),
        (lambda tensors: {"model": tensors, "optimizer": {"lr": 0.1}}, "model"),
        (lambda tensors: {f"module.{name}": tensor for name, tensor in tensors.items()}, "module."),
        (lambda tensors: {"model": {f"module.{name}": tensor for name, tensor in tensors.items()}}, "module."),
    ],
)
def test_wrappings_are_taken_off_and_reported(
    model: PublishedKeyReID, checkpoint: Checkpoint, tmp_path: Path, wrap: Callable[[Checkpoint], Any], said: str
) -> None:
    loaded, report = load_published(saved(tmp_path, wrap(checkpoint)), config=CONFIG)
    assert torch.equal(loaded.clip_head.local.norm.weight, model.clip_head.local.norm.weight)
    assert said in " ".join(report.unwrapped)
    assert said in str(report)


def test_files_of_torchs_old_format_load_too(checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = saved(tmp_path, checkpoint, _use_new_zipfile_serialization=False)
    loaded, _ = load_published(path, config=CONFIG)
    assert torch.equal(loaded.frame_encoder.global_norm.bias, checkpoint["b1.1.bias"])


def test_half_precision_checkpoints_become_float32(checkpoint: Checkpoint, tmp_path: Path) -> None:
    halves = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in checkpoint.items()}
    loaded, _ = load_published(saved(tmp_path, halves), config=CONFIG)
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}


@pytest.mark.parametrize("cameras", [1, 3, 4, 6])
def test_cameras_are_cut_or_grown_by_their_mean(checkpoint: Checkpoint, tmp_path: Path, cameras: int) -> None:
    loaded, report = load_published(saved(tmp_path, checkpoint), cameras=cameras, config=CONFIG)
    stored = checkpoint["base.Cam"].squeeze(1)
    assert loaded.frame_encoder.cameras is not None
    rows = loaded.frame_encoder.cameras.weight
    assert len(rows) == loaded.config.cameras == report.cameras == cameras
    assert torch.equal(rows[:4], stored[:cameras])
    for row in rows[4:]:
        torch.testing.assert_close(row, stored.mean(dim=0))
    assert bool(report.resized) == ("base.Cam" not in report.used) == (cameras != 4)


def test_a_square_position_grid_is_resized_bicubically(checkpoint: Checkpoint, tmp_path: Path) -> None:
    positions = torch.randn(1, 1 + 14 * 14, 64)
    checkpoint["base.pos_embed"] = positions
    loaded, report = load_published(saved(tmp_path, checkpoint), config=CONFIG)
    grid = positions[:, 1:].reshape(1, 14, 14, 64).permute(0, 3, 1, 2)
    resized = interpolate(grid, (4, 2), mode="bicubic", antialias=True).permute(0, 2, 3, 1).reshape(1, 8, 64)
    actual = loaded.frame_encoder.backbone.vit.pos_embed
    torch.testing.assert_close(actual, torch.cat([positions[:, :1], resized], dim=1))
    assert report.resized == ("base.pos_embed: 14x14 positions resized to 4x2",)


def without(name: str) -> Callable[[Checkpoint], Any]:
    return lambda tensors: {other: tensor for other, tensor in tensors.items() if other != name}


def with_tensor(name: str, tensor: Any) -> Callable[[Checkpoint], Any]:
    return lambda tensors: {**tensors, name: tensor}


FOREIGN: dict[str, tuple[Callable[[Checkpoint], Any], str]] = {
    "a missing tensor": (without("bottleneck_2.running_var"), "1 of .* missing.*bottleneck_2.running_var"),
    "no classifier": (without("classifier.weight"), "missing.*classifier.weight"),
    "no cameras": (without("base.Cam"), "missing.*base.Cam"),
    "a missing alias": (without("b2.0.norm1.bias"), "missing.*b2.0.norm1.bias"),
    "an unknown tensor": (with_tensor("extra\x1b[31m\n", torch.zeros(1)), r"unknown, first 'extra\\x1b\[31m\\n'"),
    "another shape": (with_tensor("b1.1.weight", torch.zeros(65)), r"b1.1.weight.*\(65,\), expected \(64,\)"),
    "cameras of another shape": (with_tensor("base.Cam", torch.zeros(4, 64)), r"base.Cam.*expected \(4, 1, 64\)"),
    "scalar cameras": (with_tensor("base.Cam", torch.zeros(())), "base.Cam.*shape"),
    "cameras beyond count": (with_tensor("base.Cam", torch.zeros(10_001, 1, 64)), "10,001 cameras"),
    "classifiers that disagree": (with_tensor("classifier_3.weight", torch.zeros(6, 128)), "classifier_3.weight"),
    "aliases that differ": (with_tensor("b2.0.norm1.bias", torch.zeros(128)), "b2.0.norm1.bias.*alias"),
    "positions of no grid": (with_tensor("base.pos_embed", torch.zeros(1, 12, 64)), "12 rows"),
    "no positions": (with_tensor("base.pos_embed", torch.zeros(1, 1, 64)), "1 rows"),
    "no cameras' numbers": (with_tensor("base.Cam", torch.zeros(0, 1, 64)), "'base.Cam' holds no numbers"),
    "no positions' numbers": (
        with_tensor("base.pos_embed", torch.zeros(1, 0, 64)),
        "'base.pos_embed' holds no numbers",
    ),
    "no classes": (with_tensor("classifier.weight", torch.zeros(0, 64)), "'classifier.weight' holds no numbers"),
    "flat positions": (with_tensor("base.pos_embed", torch.zeros(9, 64)), "base.pos_embed.*shape"),
    "numbers that are not finite": (with_tensor("b1.1.weight", torch.full((64,), torch.nan)), "b1.1.weight.*finite"),
    "something else than tensors": (with_tensor("b1.1.weight", [1.0, 2.0]), "b1.1.weight.*not a plain tensor"),
    "a tensor without numbers": (with_tensor("b1.1.weight", torch.zeros(64, device="meta")), "not a plain tensor"),
    "a sparse tensor": (with_tensor("b1.1.weight", torch.zeros(64).to_sparse()), "not a plain tensor"),
    "complex numbers": (with_tensor("b1.1.weight", torch.zeros(64, dtype=torch.cfloat)), "not a plain tensor"),
    "claims without numbers": (
        with_tensor("classifier.weight", torch.zeros(1).expand(10**9, 64)),
        "classifier.weight.*claims more numbers",
    ),
    "a list": (lambda tensors: list(tensors.values()), "no table of tensors"),
    "an empty table": (lambda _: {}, "no table of tensors"),
    "numbered tensors": (lambda tensors: dict(enumerate(tensors.values())), "no table of tensors"),
    "one tensor": (lambda tensors: tensors["b1.1.weight"], "no table of tensors"),
}


def refusal(path: Path) -> str:
    """The one line that refuses this file."""
    with pytest.raises(WeightsError) as caught:
        load_published(path, config=CONFIG)
    line = str(caught.value)
    assert "\n" not in line
    assert "\x1b" not in line
    assert str(path) in line
    return line


@pytest.mark.parametrize("fault", FOREIGN)
def test_foreign_checkpoints_are_refused_with_their_first_fault(
    checkpoint: Checkpoint, tmp_path: Path, fault: str
) -> None:
    change, complaint = FOREIGN[fault]
    line = refusal(saved(tmp_path, change(checkpoint)))
    assert re.search(complaint, line), line


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99, 0.9999])
def test_truncated_files_are_refused(checkpoint: Checkpoint, tmp_path: Path, share: float) -> None:
    path = saved(tmp_path, checkpoint)
    os.truncate(path, int(share * path.stat().st_size))
    assert "damaged" in refusal(path)


@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b"PK\x03\x04", b"\x80\x02", b"version https://git-lfs.github.com/spec/v1\n"]
)
def test_files_of_other_kinds_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.pth"
    path.write_bytes(content)
    assert "damaged or not a checkpoint" in refusal(path)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    assert "no checkpoint at" in refusal(tmp_path / "missing.pth")
    assert "no checkpoint at" in refusal(tmp_path)


def test_files_too_large_are_refused_before_they_are_read(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "MAX_CHECKPOINT_BYTES", 1000)
    assert "1,000 at most" in refusal(saved(tmp_path, checkpoint))


class Trap:
    """Unpickling it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("archive", [True, False])
def test_code_in_a_checkpoint_is_refused_and_not_run(checkpoint: Checkpoint, tmp_path: Path, archive: bool) -> None:
    sprung = tmp_path / "sprung"
    path = tmp_path / "checkpoint.pth"
    if archive:
        torch.save({**checkpoint, "trap": Trap(sprung)}, path)
    else:
        path.write_bytes(pickle.dumps(Trap(sprung)))
    refusal(path)
    assert not sprung.exists()


@given(data=st.data())
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_damaged_bytes_are_refused(tmp_path: Path, data: st.DataObject) -> None:
    """Of a file so small that most of its bytes are the reader's to interpret."""
    path = tmp_path / "fuzzed.pth"
    torch.save({"b1.1.weight": torch.zeros(4), "b1.1.bias": torch.zeros(4)}, path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    refusal(path)


def test_no_cameras_are_not_grown_into_some(checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = saved(tmp_path, checkpoint | {"base.Cam": torch.zeros(0, 1, 64)})
    with pytest.raises(WeightsError, match=r"'base\.Cam' holds no numbers"):
        load_published(path, cameras=3, config=CONFIG)


@pytest.mark.parametrize("cameras", [0, -1, 10_001])
def test_impossible_camera_counts_are_refused(checkpoint: Checkpoint, tmp_path: Path, cameras: int) -> None:
    with pytest.raises(InputError, match=f"1 to 10000, got {cameras}"):
        load_published(saved(tmp_path, checkpoint), cameras=cameras, config=CONFIG)


def test_an_aligned_configuration_is_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mode 'aligned'"):
        load_published(saved(tmp_path, checkpoint), config=small_config())
