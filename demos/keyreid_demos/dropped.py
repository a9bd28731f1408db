"""Pictures that visitors drop on an image component.

Their events take them as they were sent (`preprocess=False`): Gradio would decode them in full before any limit is
looked at, keep a copy that nobody deletes, and tell of a broken one with no more than "Error". It still refuses
whatever was not uploaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from keyreid_demos.uploads import read_picture
from keyreid_demos.visits import Visit
from keyreid_stream.errors import InputError
from keyreid_stream.structures import ImageArray


def dropped_picture(visit: Visit, sent: Any) -> ImageArray | None:
    """A picture that was dropped, (H, W, 3) uint8, RGB; None where there is none.

    Args:
        visit: whose it is: the file is deleted with it.
        sent: the component's value as the browser sent it.

    Raises:
        InputError: it is too large, no picture, or no uploaded file.
    """
    if sent is None:
        return None
    path = Path(str(sent["path"])) if isinstance(sent, dict) and sent.get("path") else None
    # What is noted here is deleted later: nothing but uploads may be.
    if path is None or not path.resolve().is_relative_to(Path(get_upload_folder()).resolve()):
        raise InputError("the picture was not uploaded; drop a JPEG or PNG file, or paste one")
    return read_picture(visit.brought(path))
