from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_train.data.keypoints import with_keypoints
from keyreid_train.data.openpifpaf import holds_openpifpaf, read_openpifpaf
from keyreid_train.data.structures import Tracklet, TrackletSet


def person(x: float, score: float) -> dict[str, object]:
    """Keypoint k at (x + k, 10 k), confidence 0.5."""
    keypoints = [number for k in range(17) for number in (x + k, 10.0 * k, 0.5)]
    return {"keypoints": keypoints, "bbox": [0, 0, 9, 9], "score": score, "category_id": 1}


def found(path: Path, *people: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(people))


def two_people(folder: Path) -> TrackletSet:
    """Images of the same name in two folders; only their paths matter."""
    return TrackletSet(
        "own",
        tuple(Tracklet(one, "c", f"{one}/c", (folder / one / "1.jpg", folder / one / "2.jpg")) for one in ("p", "q")),
    )


def test_the_highest_score_wins_and_folders_tell_images_apart(tmp_path: Path) -> None:
    poses, target = tmp_path / "poses", tmp_path / "out/own.npz"
    found(poses / "p/1.jpg.predictions.json", person(3, 0.4), person(7, 0.9), person(5, 0.1))
    found(poses / "p/2.jpg.predictions.json")
    found(poses / "q/1.pose", person(20, 0.2))
    found(poses / "q/2.jpg.pose", person(30, 0.2))
    assert holds_openpifpaf(poses)
    read_openpifpaf(poses, two_people(tmp_path / "data"), target)
    first, second = with_keypoints(two_people(tmp_path / "data"), target).tracklets
    assert first.keypoints is not None
    assert second.keypoints is not None
    np.testing.assert_array_equal(first.keypoints[0], [(7 + k, 10 * k, 0.5) for k in range(17)])
    assert not first.keypoints[1].any()
    assert second.keypoints[:, 0, 0].tolist() == [20, 30]
    assert str(np.load(target)["pose"]).startswith("openpifpaf files ")


def test_files_beside_their_images_are_theirs(tmp_path: Path) -> None:
    for place, name in enumerate(("p/1", "p/2", "q/1", "q/2")):
        found(tmp_path / f"data/{name}.jpg.predictions.json", person(place, 1))
    for folder in (tmp_path, tmp_path / "data"):
        read_openpifpaf(folder, two_people(tmp_path / "data"), tmp_path / "own.npz")
        xs = [one.keypoints[:, 0, 0] for one in with_keypoints(two_people(tmp_path), tmp_path / "own.npz").tracklets]
        assert np.concatenate(xs).tolist() == [0, 1, 2, 3]


def test_what_is_not_clear_is_refused(tmp_path: Path) -> None:
    poses, tracklets = tmp_path / "poses", two_people(tmp_path / "data")
    poses.mkdir()
    assert not holds_openpifpaf(poses)
    assert not holds_openpifpaf(tmp_path / "yolo.pt")
    found(poses / "1.pose", person(0, 1))
    with pytest.raises(InputError, match=r"1\.pose could be of .*p/1\.jpg and of .*q/1\.jpg"):
        read_openpifpaf(poses, tracklets, tmp_path / "own.npz")
    only_p = TrackletSet("own", tracklets.tracklets[:1])
    with pytest.raises(InputError, match=r"no keypoints of 1 of 2 images, such as .*2\.jpg"):
        read_openpifpaf(poses, only_p, tmp_path / "own.npz")
    found(poses / "2.pose", person(0, 1))
    found(poses / "2.predictions.json", person(0, 1))
    with pytest.raises(InputError, match="of the same image"):
        read_openpifpaf(poses, only_p, tmp_path / "own.npz")
    assert not (tmp_path / "own.npz").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "Invalid JSON"),
        ('{"people": []}', "valid array"),
        ('[{"keypoints": [1, 2, 3], "score": 1}]', "at least 51"),
        (json.dumps([{"keypoints": [0] * 399, "score": 1}]), "at most 51"),
        ('[{"score": 1}]', "Field required"),
        (json.dumps([{"keypoints": [float("nan")] * 51, "score": 1}]), "finite"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "1.pose").write_text(content)
    tracklets = TrackletSet("own", (Tracklet("p", "c", "one", (tmp_path / "1.jpg",)),))
    with pytest.raises(InputError, match=reason) as caught:
        read_openpifpaf(tmp_path, tracklets, tmp_path / "own.npz")
    assert "\n" not in str(caught.value)
