import datetime
import functools
import hashlib
from pathlib import Path

import pytest
import torch

from keyreid_stream.errors import WeightsError
from keyreid_stream.models import importing
from keyreid_stream.models.build import build_model
from keyreid_stream.models.config import ModelConfig
from keyreid_stream.models.importing import import_weights
from keyreid_stream.models.known_weights import KnownWeights
from keyreid_stream.models.load import load_model
from keyreid_stream.models.published import load_published
from keyreid_stream.models.published_head import PublishedKeyReID
from keyreid_stream.models.published_layout import LOCAL_BLOCK, LOCAL_BLOCK_ALIAS, published_layout
from keyreid_stream.models.weights import Provenance, WeightsFile, load_weights, save_weights

ALIGNED = ModelConfig(
    name="small-test", backbone="vit_tiny_patch16_224", crop_height=32, crop_width=32, frames=1, parts=1, part_dim=8
)
PUBLISHED = ALIGNED.model_copy(
    update={"name": "published", "mode": "published", "part_dim": 192, "cameras": 3, "parts": 6}
)
PROVENANCE = Provenance(source="a test", trained=False, created=datetime.date(2026, 11, 22), parent_sha256="1" * 64)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> WeightsFile:
    path = tmp_path_factory.mktemp("pair") / "theirs.safetensors"
    return save_weights(path, ALIGNED, build_model(ALIGNED, seed=0).state_dict(), PROVENANCE)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint in the published layout, with classifiers of 5 people."""
    model = build_model(PUBLISHED, classes=5, seed=0)
    assert isinstance(model, PublishedKeyReID)
    generator = torch.Generator().manual_seed(0)
    tensors = {name: torch.rand(shape, generator=generator) for name, shape in published_layout(model).shapes.items()}
    aliases = [name for name in tensors if name.startswith(LOCAL_BLOCK_ALIAS)]
    tensors |= {name: tensors[LOCAL_BLOCK + name.removeprefix(LOCAL_BLOCK_ALIAS)] for name in aliases}
    path = tmp_path_factory.mktemp("checkpoint") / "theirs.pth"
    torch.save(tensors, path)
    return path


@pytest.fixture
def _small_published_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "load_published", functools.partial(load_published, config=PUBLISHED))


def known_checkpoint(path: Path) -> KnownWeights:
    content = path.read_bytes()
    file = {
        "file_name": "theirs.pth",
        "url": "https://example.org/theirs.pth",
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    entry = {"name": "theirs", "format": "published", "description": "", "data_sets": ["MARS"], "terms": "ask them"}
    return KnownWeights.model_validate(entry | {"files": [file]})


def test_a_pair_is_copied_with_its_provenance(pair: WeightsFile, tmp_path: Path) -> None:
    imported = import_weights(pair.path, "ours", tmp_path, {})
    assert imported.report is None
    loaded = load_weights(tmp_path / "ours.safetensors")
    assert loaded.sha256 == pair.sha256
    assert loaded.config == ALIGNED
    assert loaded.provenance == PROVENANCE.model_copy(update={"source_sha256": pair.sha256})


def test_a_pair_that_can_be_loaded_can_be_imported_classifiers_and_all(tmp_path: Path) -> None:
    tensors = build_model(ALIGNED, classes=7, seed=0).state_dict()
    saved = save_weights(tmp_path / "theirs.safetensors", ALIGNED, tensors, PROVENANCE)
    imported = import_weights(saved.path, "ours", tmp_path / "folder", {})
    assert imported.weights.sha256 == saved.sha256
    assert load_model(weights=str(saved.path)).model.classes == 7
    assert load_model(weights=str(imported.weights.path)).model.classes == 7


@pytest.mark.usefixtures("_small_published_model")
def test_a_published_checkpoint_becomes_a_pair_that_fits_its_configuration(checkpoint: Path, tmp_path: Path) -> None:
    imported = import_weights(checkpoint, "ours", tmp_path, {})
    stored = load_weights(tmp_path / "ours.safetensors")
    rebuilt = build_model(stored.config)
    rebuilt.load_state_dict(stored.tensors, strict=True)
    original, _ = load_published(checkpoint, config=PUBLISHED)
    original_tensors = original.state_dict()
    assert all(torch.equal(tensor, original_tensors[name]) for name, tensor in rebuilt.state_dict().items())
    assert stored.config.cameras == 3
    assert imported.report is not None
    assert imported.report.classes == 5
    assert stored.provenance.source_sha256 == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert stored.provenance.terms == "not stated"
    assert stored.provenance.trained


@pytest.mark.usefixtures("_small_published_model")
def test_a_known_checkpoint_brings_its_terms_along(checkpoint: Path, tmp_path: Path) -> None:
    known = {"theirs": known_checkpoint(checkpoint)}
    imported = import_weights(checkpoint, "theirs", tmp_path, known, trained=False)
    provenance = imported.weights.provenance
    assert (provenance.terms, provenance.data_sets, provenance.trained) == ("ask them", ("MARS",), False)


def test_a_name_that_is_taken_is_replaced_only_when_asked(pair: WeightsFile, tmp_path: Path) -> None:
    before = import_weights(pair.path, "ours", tmp_path, {}).weights
    with pytest.raises(WeightsError, match="--replace"):
        import_weights(pair.path, "ours", tmp_path, {})
    changed = {name: tensor + 1 for name, tensor in pair.tensors.items()}
    other = save_weights(tmp_path / "other" / "x.json", ALIGNED, changed, PROVENANCE)
    after = import_weights(other.path, "ours", tmp_path, {}, replace=True).weights
    assert load_weights(tmp_path / "ours.json").sha256 == after.sha256 != before.sha256


def test_the_name_of_weights_that_can_be_fetched_is_taken(pair: WeightsFile, tmp_path: Path) -> None:
    file = {"url": "https://example.org/x", "size_bytes": 1, "sha256": "0" * 64}
    files = [file | {"file_name": f"theirs{ending}"} for ending in (".safetensors", ".json")]
    entry = {"name": "theirs", "format": "keyreid", "description": "", "terms": "x", "files": files}
    with pytest.raises(WeightsError, match="can be fetched"):
        import_weights(pair.path, "theirs", tmp_path, {"theirs": KnownWeights.model_validate(entry)})


@pytest.mark.parametrize("name", ["../up", "a/b", "", "x.pth"])
def test_a_name_cannot_leave_the_folder(pair: WeightsFile, tmp_path: Path, name: str) -> None:
    with pytest.raises(WeightsError, match="cannot be called"):
        import_weights(pair.path, name, tmp_path / "folder", {})
    assert list(tmp_path.iterdir()) == []


def test_tensors_that_do_not_fit_their_configuration_are_refused(pair: WeightsFile, tmp_path: Path) -> None:
    first = min(pair.tensors)
    wrong = {name: tensor for name, tensor in pair.tensors.items() if name != first} | {"\x1b[31m": torch.zeros(1)}
    file = save_weights(tmp_path / "wrong.safetensors", ALIGNED, wrong, PROVENANCE)
    with pytest.raises(WeightsError, match="2 tensors in all") as caught:
        import_weights(file.path, "ours", tmp_path / "folder", {})
    assert "\x1b" not in str(caught.value)
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize("name", ["gone.pth", "gone.safetensors", "text.pth", "video.mp4"])
def test_a_file_that_is_not_there_or_not_weights_leaves_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(WeightsError) as caught:
        import_weights(tmp_path / name, "ours", tmp_path / "folder", {})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "folder").exists()
