"""Index files that data sets' authors wrote with Matlab."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from keyreid_stream.errors import InputError, MissingExtraError
from keyreid_stream.structures import IntArray


def integers(path: Path, key: str, name: str) -> IntArray:
    """A matrix of whole numbers.

    Args:
        path: the .mat file.
        key: the variable in it.
        name: of the data set, for the message.

    Raises:
        InputError: the file is missing, damaged, or holds something else.
        MissingExtraError: it is of Matlab's newer format, and h5py is not installed.
    """
    if not path.is_file():
        raise InputError(f"{name} needs {path}, which is missing; get the data set complete, or correct --data")
    try:
        matrix: IntArray = _read(path, key).astype(np.int64)
    except MissingExtraError:
        raise
    except Exception as error:  # what a damaged file makes the reader raise can be anything
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(f"{path} is not {name}'s file with {key!r} ({reason}); get it again") from error
    return matrix


def _read(path: Path, key: str) -> NDArray[np.generic]:
    try:
        matrix: NDArray[np.generic] = loadmat(str(path), variable_names=[key])[key]
    except NotImplementedError:  # Matlab 7.3 and later: HDF5, in which matrices lie transposed
        try:
            import h5py
        except ImportError:
            raise MissingExtraError("h5py", "lsvid") from None
        with h5py.File(path, "r") as stored:
            matrix = np.asarray(stored[key]).T
    return matrix
