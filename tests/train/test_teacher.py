from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from keyreid_stream.errors import InputError, MissingExtraError
from keyreid_stream.structures import FloatArray
from keyreid_train.data.structures import Tracklet, TrackletSet
from keyreid_train.teacher import OnnxTeacher, teach, teacher_embeddings


class MeanColour(OnnxTeacher):
    """A teacher without a network."""

    def __init__(self) -> None:
        self.sha256 = "0" * 64
        self.asked: list[Path] = []

    def embed(self, paths: list[Path]) -> FloatArray:
        self.asked += paths
        pictures = [cv2.imread(str(path)) for path in paths]
        return np.stack([picture.mean(axis=(0, 1)) for picture in pictures if picture is not None]).astype(np.float32)


def grey(folder: Path, levels: dict[str, list[int]]) -> TrackletSet:
    tracklets = []
    for name, values in levels.items():
        paths = tuple(folder / f"{name}{place}.png" for place in range(len(values)))
        for path, value in zip(paths, values, strict=True):
            cv2.imwrite(str(path), np.full((4, 4, 3), value, np.uint8))
        tracklets.append(Tracklet(name, "a", name, paths))
    return TrackletSet("grey", tuple(tracklets))


def test_a_tracklets_embedding_is_the_mean_over_its_images(tmp_path: Path) -> None:
    tracklets = grey(tmp_path, {"ann": [10, 20, 90], "bob": [7]})
    target = tmp_path / "out/grey.npz"
    teach(MeanColour(), tracklets, target)
    turned = TrackletSet("grey", tracklets.tracklets[::-1])
    np.testing.assert_allclose(teacher_embeddings(target, turned), [[7, 7, 7], [40, 40, 40]])


def test_long_tracklets_are_looked_at_here_and_there(tmp_path: Path) -> None:
    tracklets = grey(tmp_path, {"ann": [1, 2, 3, 4, 5]})
    teacher = MeanColour()
    teach(teacher, tracklets, tmp_path / "grey.npz", images=2)
    assert [path.name for path in teacher.asked] == ["ann0.png", "ann2.png"]


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    known, more = grey(tmp_path, {"ann": [1]}), grey(tmp_path, {"ann": [1], "bob": [2]})
    target = tmp_path / "grey.npz"
    with pytest.raises(InputError, match="make them with: keyreid train teach grey"):
        teacher_embeddings(target, known)
    teach(MeanColour(), known, target)
    with pytest.raises(InputError, match="does not know 1 of the 2 tracklets of 'grey', such as 'bob'"):
        teacher_embeddings(target, more)
    target.write_bytes(b"nothing")
    with pytest.raises(InputError, match="holds no teacher's embeddings"):
        teacher_embeddings(target, known)


def test_no_half_written_file_is_left(tmp_path: Path) -> None:
    tracklets = grey(tmp_path, {"ann": [1]})

    class Failing(MeanColour):
        def embed(self, paths: list[Path]) -> FloatArray:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        teach(Failing(), tracklets, tmp_path / "out/grey.npz")
    assert not list(tmp_path.glob("out/*"))


def test_without_onnxruntime_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"keyreid-stream\[distill\]"):
        OnnxTeacher(tmp_path / "any.onnx")


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(InputError, match="no teacher"):
        OnnxTeacher(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"nothing")
    with pytest.raises(InputError, match="is no ONNX network") as caught:
        OnnxTeacher(tmp_path / "bad.onnx")
    assert "\n" not in str(caught.value)


@pytest.mark.data
def test_a_real_teacher_knows_the_same_person(data: Path) -> None:
    pytest.importorskip("onnxruntime")
    teacher = OnnxTeacher(data / "weights/osnet_x0_25_msmt17.onnx")
    folder = data / "reid/cuhk03"
    people = sorted({path.stem.split("_")[1] for path in folder.glob("val_*.jpg")})[:4]
    first, second = (
        teacher.embed([next(iter(sorted(folder.glob(f"val_{person}_{camera}_*.jpg")))) for person in people])
        for camera in ("c1", "c2")
    )
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, rtol=1e-5)
    cosines = first @ second.T
    assert np.diag(cosines).mean() > cosines.mean() + 0.1
