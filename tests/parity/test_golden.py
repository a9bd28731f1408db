"""Our published mode, and the oracle, against what the published code answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from keyreid_stream.models.build import build_skeleton
from keyreid_stream.models.config import named_model
from keyreid_stream.models.published import LoadReport, PublishedKeyReID, load_published
from keyreid_stream.models.published_head import heatmaps_to_part_weights
from keyreid_stream.models.published_layout import published_layout
from tests.parity.unfactorised import unfactorised

pytestmark = pytest.mark.data

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Golden:
    model: PublishedKeyReID
    report: LoadReport
    crops: torch.Tensor
    heatmaps: torch.Tensor
    cameras: torch.Tensor
    answers: Mapping[str, np.ndarray]


@pytest.fixture(scope="module")
def golden(reference_folder: Path, formula: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Golden:
    """The 877 MB checkpoint, made by formula, written, loaded and removed."""
    shapes = published_layout(build_skeleton(named_model("published"), classes=625)).shapes
    tensors = {
        name: torch.from_numpy(np.asarray(formula.weight(name, shape)))
        for name, shape in shapes.items()
        if not name.startswith("b2.0.")
    }
    tensors |= {name: tensors["block1." + name.removeprefix("b2.0.")] for name in shapes if name.startswith("b2.0.")}
    path = tmp_path_factory.mktemp("golden") / "published.pth"
    torch.save(tensors, path)
    del tensors
    model, report = load_published(path)
    path.unlink()
    crops, heatmaps, cameras = (torch.from_numpy(array) for array in formula.inputs())
    with np.load(reference_folder / "golden" / "published_forward.npz") as answers:
        return Golden(model, report, crops, heatmaps, cameras.view(2, 4), dict(answers))


def check(actual: torch.Tensor, expected: np.ndarray) -> None:
    given = actual.numpy()
    assert given.shape == expected.shape
    difference = given.astype(np.float64) - expected
    assert np.abs(difference).max() <= TOLERANCE * np.abs(expected).max()
    assert np.linalg.norm(difference) <= TOLERANCE * np.linalg.norm(expected)


@torch.inference_mode()
def test_the_published_mode_gives_what_the_published_code_gave(golden: Golden) -> None:
    weights = heatmaps_to_part_weights(golden.heatmaps, golden.model.crop_spec)
    features = golden.model(golden.crops, weights, golden.cameras)
    check(features.embedding, golden.answers["embedding"])
    check(features.global_feature, golden.answers["global_feat"])
    check(features.part_features, golden.answers["part_feats"])
    check(features.attention_logits, golden.answers["attention_logits"])
    assert golden.model.classifiers is not None
    check(golden.model.classifiers(features).global_scores, golden.answers["scores_global"])
    tokens, _ = golden.model.frame_encoder(golden.crops[0, :1], golden.cameras[0, :1])
    check(tokens[0, :, ::16], golden.answers["tokens_frame0"])


@torch.inference_mode()
def test_the_oracle_gives_what_the_published_code_gave(golden: Golden) -> None:
    answer = unfactorised(golden.model, golden.crops[:1], golden.heatmaps[:1], golden.cameras[:1])
    check(answer.embedding, golden.answers["embedding"][:1])
    check(answer.part_features, golden.answers["part_feats"][:1])
    check(answer.attention_logits, golden.answers["attention_logits"][:1])
    check(answer.tokens[0, :, ::16], golden.answers["tokens_frame0"])


def test_the_report_of_the_published_checkpoint(golden: Golden) -> None:
    report = golden.report
    assert (report.classes, report.cameras, report.resized, report.unwrapped) == (625, 6, (), ())
    others = {name for name in report.ignored if not name.startswith(("base.blocks.11.", "b2.0."))}
    assert others == {"base.norm.weight", "base.norm.bias", "base.fc.weight", "base.fc.bias"}
    assert len(report.used) + len(report.ignored) == 239


def test_our_names_and_shapes_are_those_of_the_published_list(reference_folder: Path) -> None:
    lines = (reference_folder / "published_state_dict.tsv").read_text(encoding="utf-8").splitlines()
    listed = {}
    for name, shape, _ in (line.split("\t") for line in lines if line.count("\t") == 2 and "(" in line):
        listed[name] = tuple(int(length) for length in shape.strip("()").split(",") if length.strip())
    assert len(listed) == 239
    assert published_layout(build_skeleton(named_model("published"), classes=625)).shapes == listed
