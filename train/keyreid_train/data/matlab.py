"""Index files that data sets' authors wrote with Matlab."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.io import loadmat

from keyreid_stream.errors import InputError
from keyreid_stream.structures import IntArray


def integers(path: Path, key: str, name: str) -> IntArray:
    """A matrix of whole numbers.

    Args:
        path: the .mat file.
        key: the variable in it.
        name: of the data set, for the message.

    Raises:
        InputError: the file is missing, damaged, or holds something else.
    """
    if not path.is_file():
        raise InputError(f"{name} needs {path}, which is missing; get the data set complete, or correct --data")
    try:
        matrix: IntArray = loadmat(str(path), variable_names=[key])[key].astype(np.int64)
    except Exception as error:  # what a damaged file makes the reader raise can be anything
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(f"{path} is not {name}'s file with {key!r} ({reason}); get it again") from error
    return matrix
