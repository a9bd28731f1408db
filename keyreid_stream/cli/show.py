"""`keyreid show`: pictures of what the model looks at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

from keyreid_stream.encoders import EncoderConfig
from keyreid_stream.errors import ConfigError, InputError
from keyreid_stream.models.crops import join_crops, make_crops
from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.models.load import load_model
from keyreid_stream.models.looking import look
from keyreid_stream.pose import PoseConfig, UltralyticsPose
from keyreid_stream.report.embedding import encoded
from keyreid_stream.report.looking_sheet import draw_attention, draw_parts
from keyreid_stream.structures import COCO_KEYPOINTS, Crops, CropSpec, FloatArray, Frame, ImageArray

MAX_PICTURES = 64
MAX_PICTURE_BYTES = 64 * 2**20

_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})

show_app = typer.Typer(help="Pictures of what the model looks at.", no_args_is_help=True)

Pictures = Annotated[list[Path], typer.Argument(help="Crops of one person each, or folders of them.")]
Out = Annotated[Path, typer.Option(help="The sheet, a new PNG file.")]
Weights = Annotated[str | None, typer.Option(help="KeyRe-ID weights; usually those of the package.")]


@show_app.command("parts")
def show_parts(
    pictures: Pictures,
    out: Out,
    pose: Annotated[
        str | None, typer.Option(help="YOLO-pose weights that find the keypoints; also world-pose.")
    ] = None,
    keypoints: Annotated[
        Path | None,
        typer.Option(help="Instead: DATASET.npz of `keyreid train prepare`, or a folder of OpenPifPaf's files."),
    ] = None,
    weights: Weights = None,
) -> None:
    """Draw which patches of a crop the model takes for which part of the body."""
    if (pose is None) == (keypoints is None):
        raise ConfigError("keypoints come from one of --pose and --keypoints; give one of them")
    paths = _paths(pictures, out)
    images = [_read(path) for path in paths]
    found = _detected(images, str(pose)) if keypoints is None else _stored(paths, keypoints)
    model = _model(weights)
    spec = model.crop_spec
    crops = [_whole(image, spec, own[None]) for image, own in zip(images, found, strict=True)]
    _save(out, draw_parts(join_crops(crops, spec), spec))


@show_app.command("attention")
def show_attention(pictures: Pictures, out: Out, weights: Weights = None) -> None:
    """Draw where the model looks in a clip: pictures of one person, in the order of time."""
    paths = _paths(pictures, out)
    model = _model(weights)
    if len(paths) > model.config.frames:
        raise InputError(f"{len(paths)} pictures are more than the {model.config.frames} of a clip; give fewer")
    spec = model.crop_spec
    images = np.concatenate([_whole(_read(path), spec).images for path in paths])
    _save(out, draw_attention(images, look(model, images), spec))


def _detected(images: Sequence[ImageArray], pose: str) -> FloatArray:
    """Of the person in each whole picture of whom the detector is surest; all 0 where it finds nobody."""
    detector = UltralyticsPose(PoseConfig.model_validate({"weights": pose}))
    if not detector.finds_keypoints:
        raise InputError(f"{pose} finds no keypoints, and parts need them; give the weights of a pose model")
    keypoints = np.zeros((len(images), COCO_KEYPOINTS, 3), np.float32)
    for row, image in zip(keypoints, images, strict=True):
        found = detector.detect([Frame("picture", 0, 0.0, image)])[0]
        if len(found) and found.keypoints is not None:
            row[:] = found.keypoints[0]
    return keypoints


def _stored(paths: Sequence[Path], keypoints: Path) -> FloatArray:
    from keyreid_train.data.picture_keypoints import picture_keypoints

    return picture_keypoints(keypoints, paths)


def _whole(image: ImageArray, spec: CropSpec, keypoints: FloatArray | None = None) -> Crops:
    box = np.array([[0, 0, image.shape[1], image.shape[0]]], np.float32)
    return make_crops(image, box, keypoints, spec)


def _model(weights: str | None) -> KeyReID:
    settings = EncoderConfig.model_validate({"weights": weights})
    loaded = load_model(settings.name, settings.weights)
    if loaded.card.notice is not None:
        typer.echo(loaded.card.notice, err=True)
    return loaded.model.eval()


def _paths(pictures: Sequence[Path], out: Path) -> list[Path]:
    """The pictures, folders' own by name."""
    if out.suffix.lower() != ".png":
        raise InputError(f"--out is {out}; give a file that ends in .png")
    if out.exists():
        raise InputError(f"{out} is there already; give a new file")
    paths: list[Path] = []
    for path in pictures:
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        paths += [one for one in inside if one == path or one.suffix.lower() in _ENDINGS]
    if not 1 <= len(paths) <= MAX_PICTURES:
        raise InputError(f"there are {len(paths)} pictures; give 1 to {MAX_PICTURES} for a sheet")
    return paths


def _read(path: Path) -> ImageArray:
    """(H, W, 3) uint8, RGB."""
    try:
        if path.stat().st_size > MAX_PICTURE_BYTES:
            raise InputError(f"{path} is larger than {MAX_PICTURE_BYTES // 2**20} MB; give a smaller picture")
        content = np.frombuffer(path.read_bytes(), np.uint8)
        image = cv2.imdecode(content, cv2.IMREAD_COLOR_RGB) if len(content) else None
    except OSError as error:
        raise InputError(f"picture {path} cannot be read ({error.strerror}); give a JPEG or PNG file") from None
    except cv2.error:
        image = None
    if image is None:
        raise InputError(f"{path} is no picture that OpenCV reads; give a JPEG or PNG file")
    return np.asarray(image, np.uint8)


def _save(out: Path, sheet: ImageArray) -> None:
    part = out.with_name(out.name + ".part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(encoded(sheet, ".png"))
        part.replace(out)
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror}); give a file in a folder of yours") from error
    typer.echo(str(out))
