"""Users' own footage: `person/camera/tracklet/frame.jpg`."""

from __future__ import annotations

from pathlib import Path

from keyreid_stream.errors import InputError
from keyreid_train.data.counts import checked, folders_in, images_in, needed
from keyreid_train.data.structures import Tracklet, TrackletSet


def load_folder(folder: Path) -> TrackletSet:
    """A tracklet is a folder of images, which are taken in the order of their names.

    Folders of one name are the same person, or the same camera, wherever they are.

    Raises:
        InputError: the folder is missing or holds no tracklets, a tracklet is empty, or images are not in one.
    """
    needed([folder], "a plain folder of tracklets")
    tracklets = []
    for person in folders_in(folder):
        for camera in folders_in(person):
            stray = images_in(camera)
            if stray:
                raise InputError(f"{stray[0]} is in no tracklet; the layout is person/camera/tracklet/frame.jpg")
            tracklets += [
                Tracklet(person.name, camera.name, f"{person.name}/{camera.name}/{own.name}", images_in(own))
                for own in folders_in(camera)
            ]
    if not tracklets:
        raise InputError(f"{folder} holds no tracklets; the layout is person/camera/tracklet/frame.jpg")
    return checked(TrackletSet("folder", tuple(tracklets)), None, folder)
