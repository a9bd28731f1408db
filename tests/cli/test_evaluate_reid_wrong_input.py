"""What `eval reid` and `eval compare` do with embeddings that are no numbers, and with galleries without any match."""

from __future__ import annotations

import datetime
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from keyreid_stream.cli.main import main
from keyreid_stream.models.weights import Provenance, save_weights
from keyreid_train.embedders.keyreid import KeyreidEmbedder
from tests.cli.refusals import refused
from tests.cli.test_evaluate_reid import folder, weights
from tests.evaluation.reid.test_bootstrap import record
from tests.models.small_models import small_model

__all__ = ["folder", "weights"]

CLASS_TOKEN = "frame_encoder.backbone.vit.cls_token"


class TestReid:
    """`eval reid`."""

    @staticmethod
    def arguments(folder: Path, weights: str) -> list[str]:
        return ["reid", "folder", "--data", str(folder), "--embedder", f"keyreid:{weights}", "--device", "cpu"]

    def test_embeddings_that_are_no_numbers(
        self, folder: Path, weights: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        whole = KeyreidEmbedder.embed

        def damaged(*arguments: Any) -> Any:
            found = whole(*arguments)
            found.vectors[0, 3] = math.nan
            return found

        monkeypatch.setattr(KeyreidEmbedder, "embed", damaged)
        refused(self.arguments(folder, weights), "embeddings hold NaN or infinity; check the weights", capfd)

    def test_weights_that_are_no_numbers(self, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        model = small_model(frames=2)
        content = model.state_dict() | {CLASS_TOKEN: torch.full_like(model.state_dict()[CLASS_TOKEN], math.nan)}
        path = tmp_path / "damaged.safetensors"
        provenance = Provenance(source="test", created=datetime.date(2026, 1, 1), trained=True)
        save_weights(path, model.config, content, provenance)
        refused(self.arguments(folder, str(path)), "NaN", capfd)

    @pytest.mark.parametrize(
        ("keep", "told"),
        [
            (("0/a", "1/a", "2/a"), "no person is seen by two cameras"),
            (("0/a", "1/b"), "no person is seen by two cameras"),
            (("0/a", "0/b"), "nobody can be confused; give more people"),
        ],
    )
    def test_galleries_in_which_nobody_can_be_found_or_confused(
        self, folder: Path, weights: str, keep: tuple[str, ...], told: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        for camera in (folder / "folder").glob("*/*"):
            if f"{camera.parent.name}/{camera.name}" not in keep:
                camera.rename(folder / f"gone-{camera.parent.name}-{camera.name}")
        for person in (folder / "folder").iterdir():
            if not any(person.iterdir()):
                person.rmdir()
        refused(self.arguments(folder, weights), told, capfd)

    def test_nobody_at_all(self, folder: Path, weights: str, capfd: pytest.CaptureFixture[str]) -> None:
        (folder / "folder").rename(folder / "elsewhere")
        (folder / "folder").mkdir()
        refused(self.arguments(folder, weights), "folder", capfd)


class TestCompare:
    """`eval compare`."""

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda part: part.update(queries=[], average_precisions=[], first_ranks=[]), "is no --out file"),
            (lambda part: part.update(average_precisions=[math.nan] * 4), "is no --out file"),
            (lambda part: part.update(average_precisions=[1.5] * 4), "is no --out file"),
            (lambda part: part["first_ranks"].pop(), "is no --out file"),
            (lambda part: part.update(queries=["x", "y", "z", "w"]), "was asked for other queries"),
            (lambda part: part.update(name="b > a"), "was asked for other queries"),
        ],
    )
    def test_one_line(self, change: Any, told: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        content = json.loads(record([1.0, 0.5, 0.5, 1.0]).model_dump_json(by_alias=True))
        files = [tmp_path / "a.json", tmp_path / "b.json"]
        files[0].write_text(json.dumps(content))
        change(content["rows"][0]["splits"][0]["parts"][0])
        files[1].write_text(json.dumps(content))
        refused(["compare", *map(str, files)], told, capfd)

    def test_without_any_change_it_compares(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        for name in ("a.json", "b.json"):
            (tmp_path / name).write_text(record([1.0, 0.5, 0.5, 1.0]).model_dump_json(by_alias=True))
        assert main(["eval", "compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 0
        assert "+0.0 (+0.0 to +0.0)" in capfd.readouterr().out
