"""`keyreid gallery search`: whom of a gallery a picture shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keyreid_stream.association.store import EmbeddingSpace, GalleryStore
from keyreid_stream.encoders import EncoderConfig, torch_encoders
from keyreid_stream.errors import InputError
from keyreid_stream.models.load import load_model
from keyreid_stream.picture_search import search_picture
from keyreid_stream.pose import PoseConfig, UltralyticsPose
from keyreid_stream.report import decision_words as words
from keyreid_stream.structures import ImageArray

MAX_PICTURE_BYTES = 64 * 2**20


def search(
    picture: Annotated[Path, typer.Argument(help="A picture with people, or with --crop of one person alone.")],
    file: Annotated[Path, typer.Option("--gallery", help="The file of `keyreid track --gallery`.")],
    crop: Annotated[bool, typer.Option("--crop", help="The picture is cut out around one person.")] = False,
    pose: Annotated[str | None, typer.Option(help="YOLO-pose weights that find the people; not with --crop.")] = None,
    weights: Annotated[
        str | None, typer.Option(help="KeyRe-ID weights that the gallery was made with; usually those of the package.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=100, help="How many of the gallery to name for each person.")] = 5,
    parts: Annotated[bool, typer.Option("--parts", help="Tell how alike each part of the body is.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
) -> None:
    """Find out whom of the gallery a picture shows; similarities, no decision."""
    if crop == (pose is not None):
        raise InputError("give --pose WEIGHTS to find the people in the picture, or --crop if it is one person alone")
    image = _read(picture)
    settings = EncoderConfig.model_validate({"weights": weights, "device": device})
    loaded = load_model(settings.name, settings.weights)
    encoder, head = torch_encoders(loaded.model, settings)
    space = EmbeddingSpace(head.layout, loaded.card.name, loaded.card.sha256)
    detector = _detector(pose, device)
    with GalleryStore(file, space=space, must_exist=True) as store:
        people = search_picture(
            image,
            store.gallery,
            encoder,
            head,
            detector=detector,
            global_weight=store.gallery.state.global_weight,
            count=top,
        )
    if not people:
        typer.echo(f"nobody found in {picture}")
        return
    for number, person in enumerate(people, start=1):
        box = ", ".join(f"{edge:.0f}" for edge in person.box_xyxy)
        typer.echo(f"person {number} at {box}")
        table = Table("id", "name", "similarity", *(["parts"] if parts else []), box=None)
        for one in person.likenesses:
            told = [" · ".join(words.part(part) for part in one.parts)] if parts else []
            table.add_row(str(one.identity_id), Text(one.name), f"{one.similarity:.3f}", *told)
        Console().print(table)


def _detector(pose: str | None, device: str) -> UltralyticsPose | None:
    if pose is None:
        return None
    return UltralyticsPose(PoseConfig.model_validate({"weights": pose, "device": device}))


def _read(path: Path) -> ImageArray:
    """(H, W, 3) uint8, RGB."""
    try:
        if path.stat().st_size > MAX_PICTURE_BYTES:
            raise InputError(f"{path} is larger than {MAX_PICTURE_BYTES // 2**20} MB; give a smaller picture")
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise InputError(f"picture {path} cannot be read ({error.strerror}); give a JPEG or PNG file") from None
    try:
        image = cv2.imdecode(content, cv2.IMREAD_COLOR_RGB) if len(content) else None
    except cv2.error:
        image = None
    if image is None:
        raise InputError(f"{path} is no picture that OpenCV reads; give a JPEG or PNG file")
    return np.asarray(image, np.uint8)
