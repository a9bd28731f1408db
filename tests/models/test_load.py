from __future__ import annotations

import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from keyreid_stream.errors import ConfigError, WeightsError
from keyreid_stream.models.known_weights import SHIPPED
from keyreid_stream.models.load import load_model, parameters_sha256
from keyreid_stream.models.weights import Provenance, file_sha256, save_weights
from tests.models.small_models import small_model


def provenance(*, trained: bool) -> Provenance:
    return Provenance(source="a test", trained=trained, created=datetime.date(2026, 1, 1))


def test_without_weights_the_model_is_random_reproducible_and_says_so() -> None:
    first, second, other = load_model("tiny", seed=3), load_model("tiny", seed=3), load_model("tiny", seed=4)
    assert first.card == second.card
    assert first.card.sha256 != other.card.sha256
    assert not first.card.trained
    assert first.card.weights is None
    assert first.card.parameters == sum(parameter.numel() for parameter in first.model.parameters())
    assert first.card.notice is not None
    assert "untrained" in first.card.notice
    assert not first.model.training


def test_where_nobody_says_otherwise_the_shipped_weights_are_loaded() -> None:
    default = load_model()
    assert default.card.weights == str(SHIPPED / "keyreid-tiny.safetensors")
    assert default.card.notice is None


@pytest.mark.parametrize("trained", [True, False])
@pytest.mark.parametrize("classes", [0, 7])
def test_a_pair_is_loaded_as_it_was_saved(tmp_path: Path, trained: bool, classes: int) -> None:
    model = small_model(classes=classes)
    saved = save_weights(tmp_path / "mine.safetensors", model.config, model.state_dict(), provenance(trained=trained))
    loaded = load_model(weights=str(saved.path))
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor), name
    assert loaded.card.trained is trained
    assert (loaded.card.notice is None) is trained
    assert (loaded.card.short_notice is None) is trained
    assert loaded.card.sha256 == file_sha256(saved.path)
    assert loaded.card.weights == str(saved.path)


@pytest.mark.parametrize(("data_sets", "says_so"), [(("worlds",), True), (("worlds", "cuhk03"), False), ((), False)])
def test_a_model_of_drawn_people_says_so(tmp_path: Path, data_sets: tuple[str, ...], says_so: bool) -> None:
    model = small_model()
    made = provenance(trained=True).model_copy(update={"data_sets": data_sets})
    saved = save_weights(tmp_path / "mine.safetensors", model.config, model.state_dict(), made)
    card = load_model(weights=str(saved.path)).card
    assert ("drawn people" in (card.notice or "")) is says_so
    assert card.short_notice is None


def test_tensors_that_do_not_fit_their_configuration_are_refused_in_one_line(tmp_path: Path) -> None:
    model = small_model()
    tensors = dict(model.state_dict())
    tensors.pop(next(iter(tensors)))
    saved = save_weights(tmp_path / "torn.safetensors", model.config, tensors, provenance(trained=True))
    with pytest.raises(WeightsError, match=r"torn\.safetensors' does not fit its own configuration") as raised:
        load_model(weights=str(saved.path))
    assert "\n" not in str(raised.value)


def test_unknown_architectures_and_missing_files_are_refused() -> None:
    with pytest.raises(ConfigError, match="tiny"):
        load_model("huge")
    with pytest.raises(WeightsError, match=r"gone\.safetensors"):
        load_model(weights="gone.safetensors")


def test_the_hash_of_parameters_sees_every_name_and_value() -> None:
    tensors = {"a": torch.zeros(3), "b": torch.ones(2)}
    reference = parameters_sha256(tensors)
    assert parameters_sha256({"b": torch.ones(2), "a": torch.zeros(3)}) == reference
    assert parameters_sha256({"c": torch.zeros(3), "b": torch.ones(2)}) != reference
    assert parameters_sha256({"a": torch.tensor([0, 0, 1e-30]), "b": torch.ones(2)}) != reference


def test_a_checkpoint_that_nobody_knows_is_to_be_imported_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small_model("published", classes=5, cameras=2)
    path = tmp_path / "found.pth"
    path.touch()
    monkeypatch.setattr("keyreid_stream.models.load.load_published", lambda _: (model, None))
    with pytest.raises(WeightsError, match=r"weights import .*found\.pth --name NAME \[--untrained\]"):
        load_model(weights=str(path))
    entry = SimpleNamespace(files=[SimpleNamespace(sha256=file_sha256(path))])
    monkeypatch.setattr("keyreid_stream.models.load.known_weights", lambda: {"published-mars": entry})
    assert load_model(weights=str(path)).card.trained
