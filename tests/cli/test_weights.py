"""`keyreid weights`, run as users run it; what fetching survives is tested beside `models.fetch`."""

import datetime
import hashlib
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner, Result

from keyreid_stream.cli.weights import weights_app
from keyreid_stream.errors import DownloadError, WeightsError
from keyreid_stream.models.build import build_model
from keyreid_stream.models.config import ModelConfig
from keyreid_stream.models.weights import Provenance, WeightsFile, save_weights

CONTENT = b"a checkpoint" * 1000
CONFIG = ModelConfig(
    name="small-test", backbone="vit_tiny_patch16_224", crop_height=32, crop_width=32, frames=1, parts=1, part_dim=8
)
PROVENANCE = Provenance(
    source="a test",
    trained=False,
    created=datetime.date(2026, 11, 22),
    data_sets=("world", "lab"),
    metrics={"rank-1": 0.5},
    notes="[bold]not markup[/bold]",
)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of a folder with one file, ours.pth."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "ours.pth").write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of weights, the default one of this test."""
    monkeypatch.setenv("KEYREID_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("KEYREID_WEIGHTS_MANIFEST", raising=False)
    return tmp_path / "home" / "weights"


@pytest.fixture
def manifest(served: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manifest with `ours`, which the environment names."""
    file = {
        "file_name": "ours.pth",
        "url": f"{served}/ours.pth",
        "size_bytes": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
    }
    entry = {"name": "ours", "format": "published", "description": "Our own.", "terms": "Ask us.", "files": [file]}
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"version": 1, "weights": [entry]}))
    monkeypatch.setenv("KEYREID_WEIGHTS_MANIFEST", str(path))
    return path


@pytest.fixture
def pair(tmp_path: Path) -> WeightsFile:
    tensors = build_model(CONFIG, seed=0).state_dict()
    return save_weights(tmp_path / "elsewhere" / "theirs.safetensors", CONFIG, tensors, PROVENANCE)


def weights(*arguments: str | Path) -> Result:
    return CliRunner().invoke(weights_app, [str(argument) for argument in arguments])


def succeed(*arguments: str | Path) -> str:
    result = weights(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refusal(*arguments: str | Path) -> str:
    """The one-line error that a command ends with, before the entry point prints it."""
    error = weights(*arguments).exception
    assert isinstance(error, WeightsError | DownloadError)
    assert "\n" not in str(error)
    return str(error)


def test_list_shows_what_can_be_fetched_and_what_is_here(manifest: Path, home: Path, pair: WeightsFile) -> None:
    succeed("import", pair.path, "--name", "mine")
    rows = {line.split()[1]: line for line in succeed("list").splitlines() if line.startswith("│")}
    assert rows.keys() == {"published-mars", "ours", "mine", "keyreid-tiny"}
    assert "comes with the package" in rows["keyreid-tiny"]
    assert "876.8 MB" in rows["published-mars"]
    assert " no " in rows["published-mars"]
    assert " no " in rows["ours"]
    assert " yes " in rows["mine"]
    succeed("fetch", "ours")
    rows = {line.split()[1]: line for line in succeed("list").splitlines() if line.startswith("│")}
    assert " yes " in rows["ours"]


@pytest.mark.parametrize("command", [("list",), ("show", "ours")])
def test_secrets_in_an_address_are_not_shown(manifest: Path, command: tuple[str, ...]) -> None:
    plain = json.loads(manifest.read_text())["weights"][0]["files"][0]["url"]
    secret = plain.replace("//", "//user:hunter2@") + "?token=hunter2"
    manifest.write_text(manifest.read_text().replace(plain, secret))
    shown = succeed(*command)
    assert "hunter2" not in shown
    assert plain in shown


def test_list_makes_no_folder(home: Path) -> None:
    assert "published-mars" in succeed("list")
    assert not home.exists()


def test_fetch_ends_with_the_path_and_shows_the_terms(manifest: Path, home: Path) -> None:
    result = weights("fetch", "ours")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [str(home / "ours.pth")]
    assert (home / "ours.pth").read_bytes() == CONTENT
    assert "Terms: Ask us." in result.stderr
    assert "12.0/12.0 kB" in result.stderr


def test_fetch_into_another_folder_from_another_manifest(
    manifest: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KEYREID_WEIGHTS_MANIFEST")
    out = succeed("fetch", "ours", "--manifest", manifest, "--folder", tmp_path / "other")
    assert out.splitlines()[-1] == str(tmp_path / "other" / "ours.pth")
    assert not home.exists()


def test_a_fetch_that_fails_says_why_and_leaves_no_file(manifest: Path, home: Path, tmp_path: Path) -> None:
    (tmp_path / "served" / "ours.pth").write_bytes(CONTENT[:-1] + b"?")
    assert "is not the recorded file" in refusal("fetch", "ours")
    assert not (home / "ours.pth").exists()
    (tmp_path / "served" / "ours.pth").unlink()
    assert "answered 404" in refusal("fetch", "ours")


def test_fetch_lists_the_names_it_knows(manifest: Path) -> None:
    assert refusal("fetch", "yours") == "unknown weights 'yours'; can be fetched: ours, published-mars"


def test_import_ends_with_the_path_of_the_copy(home: Path, pair: WeightsFile) -> None:
    assert succeed("import", pair.path, "--name", "mine").splitlines()[-1] == str(home / "mine.safetensors")
    assert "--replace" in refusal("import", pair.path, "--name", "mine")
    succeed("import", pair.path, "--name", "mine", "--replace")


def test_import_refuses_what_is_no_weights(home: Path, tmp_path: Path) -> None:
    (tmp_path / "cam0.mp4").write_bytes(b"video")
    assert "cam0.mp4" in refusal("import", tmp_path / "cam0.mp4", "--name", "mine")
    assert not home.exists()


def test_show_says_what_weights_are(home: Path, pair: WeightsFile) -> None:
    succeed("import", pair.path, "--name", "mine")
    parameters = sum(t.numel() for t in build_model(CONFIG).state_dict().values() if t.dtype == torch.float32)
    shown = dict(line.split(maxsplit=1) for line in succeed("show", "mine").splitlines())
    assert shown["sha256"] == pair.sha256
    assert shown["parameters"].split()[0] == f"{parameters:,}"
    assert shown["config.backbone"] == "vit_tiny_patch16_224"
    assert shown["provenance.trained"] == "False"
    assert shown["provenance.data_sets"] == "world, lab"
    assert shown["provenance.metrics"] == "rank-1 0.5"
    assert shown["provenance.notes"] == "[bold]not markup[/bold]"
    assert shown["provenance.source_sha256"] == pair.sha256
    assert "provenance.recipe" not in shown


def test_show_takes_a_file(home: Path, pair: WeightsFile) -> None:
    assert pair.sha256 in succeed("show", pair.path)
    assert pair.sha256 in succeed("show", pair.path.with_suffix(".json"))


def test_show_of_known_weights_tells_terms_and_whether_they_are_here(manifest: Path, home: Path) -> None:
    assert "keyreid weights fetch ours" in succeed("show", "ours")
    succeed("fetch", "ours")
    shown = succeed("show", "ours")
    assert "Ask us." in shown
    assert str(home / "ours.pth") in shown


def test_show_recognises_a_checkpoint_by_its_hash(manifest: Path, tmp_path: Path) -> None:
    copy = tmp_path / "renamed.pth"
    copy.write_bytes(CONTENT)
    known_as = [
        line.split(maxsplit=2)[-1] for line in succeed("show", copy).splitlines() if line.startswith("known as")
    ]
    assert known_as == ["ours"]
    copy.write_bytes(b"another")
    assert "not known" in succeed("show", copy)


def test_show_of_nothing_says_what_there_is(home: Path) -> None:
    assert "keyreid weights fetch" in refusal("show", "mine")
    assert "does not exist" in refusal("show", "gone.safetensors")


def test_a_card_is_of_a_pair(pair: WeightsFile, home: Path, tmp_path: Path) -> None:
    succeed("import", pair.path, "--name", "mine")
    assert succeed("card", "mine").startswith("# mine\n")
    checkpoint = tmp_path / "theirs.pth"
    checkpoint.write_bytes(CONTENT)
    assert "import it first: keyreid weights import" in refusal("card", checkpoint)
    assert "unknown weights 'other'" in refusal("card", "other")
