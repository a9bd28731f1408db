"""`keyreid gallery` as it is typed."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.association import AssociationConfig
from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.similarity import signatures
from keyreid_stream.association.store import EmbeddingSpace, GalleryStore
from keyreid_stream.cli.main import main
from keyreid_stream.encoders import EncoderConfig, torch_encoders
from keyreid_stream.models.crops import make_crops
from keyreid_stream.models.load import load_model
from keyreid_stream.structures import Clip, TrackKey
from tests.association.killed_run import CONFIG, SPACE
from tests.association.test_store import exemplar


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.gallery"
    with GalleryStore(path, CONFIG, SPACE) as store, store.tick():
        store.begin_run(0.0, tmp_path / "run")
        for seed in range(3):
            identity = store.gallery.found(float(seed))
            store.gallery.add_track(identity, TrackKey("yard", seed))
            for view in range(2):
                store.gallery.add_exemplar(identity, exemplar(10 * seed + view))
    return path


def typed(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["gallery", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def known(file: Path) -> list[int]:
    with GalleryStore(file) as store:
        return [one.identity_id for one in store.gallery.identities()]


def test_people_are_listed_named_and_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(capsys, "name", 2, "the baker", "--gallery", file)[0] == 0
    code, said, _ = typed(capsys, "list", "--gallery", file)
    assert code == 0
    assert "the baker" in said
    assert "yard" in said
    assert "3 people, 1 runs" in said
    code, said, _ = typed(capsys, "show", 2, "--gallery", file)
    assert code == 0
    assert said.startswith("2 the baker: seen ")


def test_a_merge_is_undone_by_a_split_and_both_stay_apart(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(capsys, "merge", 1, 3, "--gallery", file)[:2] == (0, "3 is 1 now\n")
    assert known(file) == [1, 2]
    assert typed(capsys, "show", 3, "--gallery", file)[1].startswith("1: seen")
    code, _, error = typed(capsys, "name", 3, "x", "--gallery", file)
    assert (code, error) == (2, "keyreid: identity 3 was merged into 1; name that one\n")
    assert typed(capsys, "split", 1, "--gallery", file)[:2] == (0, "3 is not 1 any more\n")
    with GalleryStore(file) as store:
        assert store.gallery.are_apart(1, 3)
    assert typed(capsys, "split", 1, "--exemplars", "1", "--gallery", file)[:2] == (0, "4 is not 1 any more\n")
    assert known(file) == [1, 2, 3, 4]


def test_export_writes_embeddings_only_when_asked(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, _ = typed(capsys, "export", "--gallery", file)
    assert code == 0
    assert [one["identity_id"] for one in json.loads(said)["identities"]] == [1, 2, 3]
    assert "vector" not in said
    out = tmp_path / "out.json"
    assert typed(capsys, "export", "--gallery", file, "--out", out, "--embeddings")[0] == 0
    view = json.loads(out.read_text())["identities"][0]["views"][0]
    assert len(view["vector"]) == SPACE.layout.size
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert typed(capsys, "export", "--gallery", file, "--out", out)[0] == 2


def test_forgetting_says_what_was_erased_and_that_nothing_is_left(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, _ = typed(capsys, "forget", 2, "--gallery", file)
    assert code == 0
    assert f"{tmp_path / 'run'}: not found" in said
    assert "2 forgotten: 2 views erased; no trace of them" in said
    assert known(file) == [1, 3]
    assert typed(capsys, "forget", 2, "--gallery", file)[0] == 2


def test_pruning_by_age_and_camera(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(capsys, "prune", "--older-than", "1d", "--gallery", file)[1] == "0 people dropped, 0 lost views\n"
    assert typed(capsys, "prune", "--older-than", "soon", "--gallery", file)[0] == 2
    with GalleryStore(file) as store:
        before = sum(len(entry.exemplars) for _, entry in store.gallery.entries())
        of_a = sum(one.camera_id == "a" for _, entry in store.gallery.entries() for one in entry.exemplars)
    assert typed(capsys, "prune", "--older-than", "0m", "--camera", "nowhere", "--gallery", file)[0] == 0
    with GalleryStore(file, CONFIG, SPACE, clock=lambda: 0.0) as store, store.tick():
        store.gallery.prune(1e9, "a")
    with GalleryStore(file) as store:
        assert sum(len(entry.exemplars) for _, entry in store.gallery.entries()) == before - of_a


@pytest.mark.parametrize("command", [["list"], ["show", "1"], ["forget", "1"], ["merge", "1", "2"], ["export"]])
def test_bad_files_are_told_in_one_line_and_nothing_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    foreign = tmp_path / "notes.txt"
    foreign.write_text("notes and nothing else")
    for bad in (tmp_path / "none.gallery", tmp_path, foreign, tmp_path / "no" / "such.gallery"):
        code, said, error = typed(capsys, *command, "--gallery", bad)
        assert (code, said) == (2, "")
        assert error.count("\n") == 1
        assert error.startswith("keyreid: ")
    assert [one.name for one in tmp_path.iterdir()] == ["notes.txt"]


def test_a_search_refuses_what_it_cannot_use(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.jpg").touch()
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((128, 64, 3), 90, np.uint8))
    for words, told in (
        (("gone.jpg", "--crop"), "cannot be read"),
        ((tmp_path / "text.jpg", "--crop"), "no picture that OpenCV reads"),
        ((tmp_path / "empty.jpg", "--crop"), "no picture that OpenCV reads"),
        ((tmp_path / "grey.png",), "--pose WEIGHTS"),
        ((tmp_path / "grey.png", "--crop", "--pose", "a.pt"), "--pose WEIGHTS"),
        ((tmp_path / "grey.png", "--crop"), "holds embeddings of the model"),
    ):
        code, said, error = typed(capsys, "search", *words, "--gallery", file)
        assert (code, said) == (2, "")
        assert told in error
        assert len(error.splitlines()) == 1


def test_a_crop_of_somebody_known_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the package's own model: a picture is most like itself."""
    loaded = load_model()
    encoder, head = torch_encoders(loaded.model, EncoderConfig(device="cpu"))
    rng = np.random.default_rng(0)
    pictures = [np.kron(rng.integers(0, 255, (8, 4, 3)), np.ones((16, 16, 1))).astype(np.uint8) for _ in range(3)]
    path = tmp_path / "people.gallery"
    space = EmbeddingSpace(head.layout, loaded.card.name, loaded.card.sha256)
    with GalleryStore(path, AssociationConfig(), space) as store, store.tick():
        store.begin_run(0.0)
        for picture in pictures:
            crops = make_crops(picture, np.array([[0, 0, 64, 128]], np.float32), None, encoder.crop_spec)
            seen = encoder.encode(crops)
            embedding = head.embed([Clip(seen.tokens, seen.class_rows, seen.part_weights)])[0]
            one = Exemplar(signatures([embedding], AssociationConfig().global_weight), "door", 1, 0.0, 1.0)
            store.gallery.add_exemplar(store.gallery.found(0.0), one)
        store.gallery.name(2, "the baker")
    cv2.imwrite(str(tmp_path / "second.png"), pictures[1][..., ::-1])
    code, said, _ = typed(capsys, "search", tmp_path / "second.png", "--crop", "--gallery", path, "--device", "cpu")
    assert code == 0
    first = next(line.split() for line in said.splitlines() if line.split()[:1] == ["2"])
    assert first == ["2", "the", "baker", "1.000"]
    ranked = [line.split()[0] for line in said.splitlines() if line.strip()[:1].isdigit()]
    assert ranked[0] == "2"
    assert sorted(ranked) == ["1", "2", "3"]
    assert "head" not in said
    words = ("search", tmp_path / "second.png", "--crop", "--parts", "--top", "1", "--gallery", path, "--device", "cpu")
    code, said, _ = typed(capsys, *words)
    assert code == 0
    told = " ".join(said.split())
    assert "whole body 1.00 · head 1.00 · torso 1.00" in told
