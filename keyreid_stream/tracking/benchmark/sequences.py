"""Recordings with truth in MOTChallenge's layout, and what BoxMOT has to be told about them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.boxes import TruthBoxes
from keyreid_stream.evaluation.mot_files import read_truth
from keyreid_stream.evaluation.mot_rows import read_mot_rows

DATASET = "keyreid-benchmark"
"""BoxMOT wants a name for a data set, the same as its file's."""

PEDESTRIAN = 1

_SPLIT = "sequences"
_TRUTH = Path("gt", "gt.txt")
_TRUTH_COLUMNS = range(9, 10)
_LAYOUT = "SEQUENCE/img1/000001.jpg and SEQUENCE/gt/gt.txt, there or in train/"
_ALIKE = {"person_on_vehicle": 2, "static_person": 7, "distractor": 8, "reflection": 12}
"""Classes on which a box is neither right nor wrong, as MOTChallenge, BoxMOT and `keyreid eval track` have it."""


@dataclass(frozen=True, slots=True)
class Sequences:
    """Sequences of one folder.

    Attributes:
        folder: the folder that holds a folder for each of them; its real path.
        names: of those that count, in order.
    """

    folder: Path
    names: tuple[str, ...]

    def truth(self, name: str, min_visibility: float) -> TruthBoxes:
        """A sequence's truth; frames from 1.

        Raises:
            InputError: the file is damaged.
        """
        path = self.folder / name / _TRUTH
        # Rows that end in a place in the world are fine for our own scores, but BoxMOT would take it for a class.
        read_mot_rows(path, _TRUTH_COLUMNS)
        return read_truth(path, min_visibility)

    def public_detections(self, name: str) -> Path:
        """The file of a sequence's public detections."""
        return self.folder / name / "det" / "det.txt"

    def write_dataset(self, folder: Path) -> Path:
        """Write BoxMOT's description of these sequences into a folder; JSON is YAML."""
        description = {
            "id": DATASET,
            "format": {"layout": "mot", "box_type": "aabb"},
            "storage": {"root": self.folder.parent.name},
            "default_split": _SPLIT,
            "splits": {_SPLIT: {"path": self.folder.name, "has_ground_truth": True}},
            "classes": {"target": {"pedestrian": PEDESTRIAN}, "ignore": _ALIKE},
        }
        path = folder / f"{DATASET}.yaml"
        path.write_text(json.dumps(description), encoding="utf-8")
        return path

    @property
    def data_root(self) -> Path:
        """The folder that BoxMOT calls the data root."""
        return self.folder.parent.parent

    def catalog(self, dataset: Path) -> Any:
        """BoxMOT's `SourceCatalog` of these sequences.

        Raises:
            InputError: BoxMOT cannot read a picture, or there is none.
        """
        from boxmot.datasets.config import load_dataset_config
        from boxmot.engine.eval.catalog_cache import catalog_mot_dataset_for_evaluation

        try:
            catalog = catalog_mot_dataset_for_evaluation(
                load_dataset_config(dataset), split=_SPLIT, data_root=self.data_root
            )
        except (OSError, ValueError) as error:
            raise InputError(f"BoxMOT cannot read the data in {self.folder}: {' '.join(str(error).split())}") from error
        for name in self.names:
            self._check_frames(name, [one for one in catalog.samples if one.sequence_id == name])
        return catalog

    def _check_frames(self, name: str, samples: list[Any]) -> None:
        """BoxMOT counts pictures, whatever their numbers, and passes over truth that has none."""
        if not samples:
            raise InputError(f"{self.folder / name} holds no pictures; wanted: {_LAYOUT}")
        for sample in samples:
            number = PurePosixPath(sample.image_ref).stem
            if number.isdecimal() and int(number) != sample.frame_index + 1:
                raise InputError(
                    f"{self.folder.parent / sample.image_ref} is picture {sample.frame_index + 1} of {name!r}; "
                    "number pictures from 1 without gaps, as the truth numbers frames"
                )
        last = int(self.truth(name, 0).frames.max(initial=0))
        if last > len(samples):
            raise InputError(
                f"{self.folder / name / _TRUTH} tells of frame {last}, but there are {len(samples)} pictures; "
                "give all pictures, or shorten the truth"
            )


def find_sequences(root: Path, wanted: tuple[str, ...] = ()) -> Sequences:
    """The sequences with truth in a folder, or in its `train`.

    Args:
        root: the folder.
        wanted: names of those that count; all if there are none.

    Raises:
        InputError: there is no such folder, no truth in it, or no sequence of a name.
    """
    if not root.is_dir():
        raise InputError(f"the data folder {root} does not exist; give one in MOTChallenge's layout: {_LAYOUT}")
    found: dict[str, Path] = {}
    for folder in (root.resolve(), root.resolve() / "train"):
        if folder.is_dir():
            found = {path.name: path for path in sorted(folder.iterdir()) if (path / _TRUTH).is_file()}
        if found:
            break
    else:
        raise InputError(f"the data folder {root} holds no truth; wanted: {_LAYOUT}")
    if len(folder.parts) < 3:  # a root, a data set, its sequences
        raise InputError(f"{folder} is too close to the root of the disk for BoxMOT; move the data into a folder")
    if unknown := [name for name in wanted if name not in found]:
        raise InputError(f"no sequence {unknown[0]!r} with truth in {folder}; there are: {', '.join(found)}")
    return Sequences(folder, tuple(sorted(set(wanted))) if wanted else tuple(found))
