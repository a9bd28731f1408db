"""`keyreid train teach` and `prepare`: what is found out about a data set once, for all trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from keyreid_stream.cli.train_data import DataOption, data_folders, every_thousand

LEAST_CONFIDENCE = 0.05
"""Of a person in a crop: somebody is there, however badly seen."""


def teach(
    data_set: Annotated[str, typer.Argument(metavar="DATASET", help="Name of a data set, e.g. cuhk03.")],
    teacher: Annotated[Path, typer.Option(help="A re-ID network in ONNX format.")],
    out: Annotated[Path, typer.Option(help="Folder for DATASET.npz; give it to a training as data.teacher.")],
    data: DataOption = None,
    images: Annotated[int, typer.Option(min=1, help="Of a tracklet, at most.")] = 8,
) -> None:
    """Embed a data set with a teacher, for distillation."""
    from keyreid_train.assembly import load_set
    from keyreid_train.teacher import OnnxTeacher
    from keyreid_train.teacher import teach as embed

    root, folders = data_folders(data)
    network = OnnxTeacher(teacher)
    tracklets = load_set(data_set, root, folders)
    target = out / f"{data_set}.npz"
    embed(network, tracklets, target, images=images, progress=every_thousand())
    typer.echo(target)


def prepare(
    data_set: Annotated[str, typer.Argument(metavar="DATASET", help="Name of a data set, e.g. cuhk03.")],
    pose: Annotated[Path, typer.Option(help="YOLO-pose weights, or a folder of OpenPifPaf's files.")],
    out: Annotated[Path, typer.Option(help="Folder for DATASET.npz; give it to a training as data.keypoints.")],
    data: DataOption = None,
    imgsz: Annotated[int, typer.Option(help="Detector input size.")] = 256,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
) -> None:
    """Find the keypoints of a data set's crops with a pose detector, or read OpenPifPaf's, once for all trainings."""
    from keyreid_stream.models.weights import file_sha256
    from keyreid_stream.pose.config import PoseConfig
    from keyreid_stream.pose.ultralytics_pose import UltralyticsPose
    from keyreid_train.assembly import load_set
    from keyreid_train.data.keypoints import find_keypoints
    from keyreid_train.data.openpifpaf import holds_openpifpaf, read_openpifpaf

    root, folders = data_folders(data)
    tracklets = load_set(data_set, root, folders)
    target = out / f"{data_set}.npz"
    if holds_openpifpaf(pose):
        read_openpifpaf(pose, tracklets, target)
        typer.echo(target)
        return
    detector = UltralyticsPose(PoseConfig(weights=pose, imgsz=imgsz, confidence=LEAST_CONFIDENCE, device=device))
    sha256 = file_sha256(pose) if pose.is_file() else "folder"
    detector_id = f"{sha256} imgsz={imgsz} confidence={LEAST_CONFIDENCE}"
    find_keypoints(detector, detector_id, tracklets, target, progress=every_thousand())
    typer.echo(target)
