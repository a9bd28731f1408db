"""Folders of MOTChallenge files: a run's results, and the truth about its cameras."""

from __future__ import annotations

from collections.abc import Collection
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from pathlib import Path

import numpy as np

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.boxes import ResultBoxes, TruthBoxes
from keyreid_stream.evaluation.mot_rows import MotRows, damaged_row, read_mot_rows

_RESULT_COLUMNS = range(7, 11)
_TRUTH_COLUMNS = range(9, 11)
_CONSIDERED, _CLASS, _VISIBILITY = 6, 7, 8

_WORLD_COLUMNS = 10
"""Ten columns end in a place in the world instead of class and visibility, as in the challenge of 2015."""

_PEDESTRIAN = 1

ALIKE = (2, 7, 8, 12)
"""Classes too much like walking people to ask for or to forbid: in or on a vehicle, standing or sitting, distractor,
reflection."""

_CLASSES = range(1, 14)


def result_files(folder: Path) -> dict[str, Path]:
    """The `<camera>.txt` of a folder, by camera.

    Raises:
        InputError: there is no such folder or no such file in it, or a file is still being written.
    """
    _check_folder(folder, "results", "the tracks folder of a run")
    if unfinished := sorted(folder.glob("*.part")):
        raise InputError(f"{unfinished[0]} is of a run that is not over or was killed; let it end, or run it again")
    files = _text_files(folder)
    if not files and (pieces := sorted(path for path in folder.glob("[0-9]*") if path.is_dir())):
        raise InputError(
            f"the tracks in {folder} are in pieces (output.rotate_minutes), each with its own identities; give one of "
            f"them, {pieces[0]} to {pieces[-1].name}, or make the run in one"
        )
    if not files:
        raise InputError(f"the results folder {folder} holds no <camera>.txt; give the tracks folder of a run")
    return files


def truth_files(folder: Path, only: Collection[str] | None = None) -> dict[str, Path]:
    """The `<camera>/gt/gt.txt` and `<camera>.txt` of a folder, by camera.

    Args:
        folder: of the truth.
        only: the cameras that are meant; the others' folders and files are passed over. None for all.

    Raises:
        InputError: there is no such folder or no truth in it, a camera's folder lacks its file, a camera has two, or
            one that is meant is not there.
    """
    _check_folder(folder, "truth", "the mot folder of a rendered world")
    files = {name: path for name, path in _text_files(folder).items() if only is None or name in only}
    folders = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    for camera in sorted(path for path in folders if only is None or path.name in only):
        path = camera / "gt" / "gt.txt"
        if not path.is_file():
            raise InputError(f"{camera} holds no gt/gt.txt; give a folder with the truth of one camera in each folder")
        if camera.name in files:
            raise InputError(f"{path} and {files[camera.name]} are both the truth of {camera.name!r}; keep one")
        files[camera.name] = path
    if missing := sorted(set(only or ()) - set(files)):
        raise InputError(f"the truth folder {folder} has nothing of {', '.join(missing)}; correct the sequence map")
    if not files:
        raise InputError(f"the truth folder {folder} holds no <camera>/gt/gt.txt and no <camera>.txt")
    return files


def read_results(path: Path, last_frame: int | None = None) -> ResultBoxes:
    """Read a tracker's file: `frame,id,x,y,w,h,confidence` and up to three more columns, which are not looked at.

    Args:
        path: the file.
        last_frame: no row may be of a later frame; None for any.

    Raises:
        InputError: the file is damaged, or has rows after `last_frame`.
    """
    rows = read_mot_rows(path, _RESULT_COLUMNS)
    _check_frames(rows, last_frame)
    return ResultBoxes(rows.frames, rows.ids, rows.boxes_xyxy)


def read_truth(
    path: Path, min_visibility: float, *, ignored_classes: Collection[int] = ALIKE, last_frame: int | None = None
) -> TruthBoxes:
    """Read truth: `frame,id,x,y,w,h,considered,class,visibility`, or 10 columns that end in a place in the world.

    Counted are pedestrians (class 1) that are considered (not 0) and of whom at least `min_visibility` can be seen; a
    visibility of -1 is unknown and counts. Ignored are pedestrians who are seen less, and classes that are too much
    like pedestrians. In files with 10 columns everyone who is considered counts.

    Args:
        path: the file.
        min_visibility: share of a person, 0 to 1.
        ignored_classes: by default those of MOT16 and MOT17.
        last_frame: no row may be of a later frame; None for any.

    Raises:
        InputError: the file is damaged, a class or visibility is none of MOTChallenge's, or there are rows after
            `last_frame`.
    """
    rows = read_mot_rows(path, _TRUTH_COLUMNS)
    _check_frames(rows, last_frame)
    considered = rows.values[:, _CONSIDERED] != 0
    if rows.values.shape[1] != _WORLD_COLUMNS:
        classes, seen = _classes(rows), _visible(rows, min_visibility)
        counted = considered & (classes == _PEDESTRIAN) & seen
        ignored = (considered & (classes == _PEDESTRIAN) & ~seen) | np.isin(classes, list(ignored_classes))
    else:
        counted, ignored = considered, np.zeros_like(considered)
    return TruthBoxes(rows.frames, rows.ids, rows.boxes_xyxy, counted, ignored)


def sequence_length(truth_file: Path) -> int | None:
    """How many frames the `seqinfo.ini` beside `gt/` tells; None where there is none.

    Raises:
        InputError: the file is there but tells no length.
    """
    path = truth_file.parent.parent / "seqinfo.ini"
    if truth_file.parent.name != "gt" or not path.is_file():
        return None
    settings = ConfigParser(interpolation=None)
    try:
        settings.read(path, encoding="utf-8")
        return settings.getint("Sequence", "seqLength")
    except (ConfigParserError, ValueError, OSError) as error:
        raise InputError(f"{path} tells no seqLength in [Sequence]; mend it or remove it") from error


def _check_frames(rows: MotRows, last_frame: int | None) -> None:
    if last_frame is not None and (late := rows.frames > last_frame).any():
        raise damaged_row(rows, late, 0, "frame", f"1 to {last_frame}, the length that the truth's seqinfo.ini tells")


def _classes(rows: MotRows) -> np.ndarray:
    classes = rows.values[:, _CLASS]
    if (wrong := ~np.isin(classes, _CLASSES)).any():
        raise damaged_row(rows, wrong, _CLASS, "class", f"{_CLASSES[0]} to {_CLASSES[-1]}; 1 is a pedestrian")
    return classes


def _visible(rows: MotRows, min_visibility: float) -> np.ndarray:
    visibility = rows.values[:, _VISIBILITY]
    unknown = visibility == -1
    if (wrong := ~unknown & ((visibility < 0) | (visibility > 1))).any():
        raise damaged_row(rows, wrong, _VISIBILITY, "visibility", "0 to 1, or -1 where it is unknown")
    visible: np.ndarray = unknown | (visibility >= min_visibility)
    return visible


def _text_files(folder: Path) -> dict[str, Path]:
    """By camera; hidden files are no one's."""
    return {path.stem: path for path in sorted(folder.glob("[!.]*.txt")) if path.is_file()}


def _check_folder(folder: Path, what: str, wanted: str) -> None:
    if not folder.is_dir():
        raise InputError(f"the {what} folder {folder} does not exist or is a file; give {wanted}")
