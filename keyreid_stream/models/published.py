"""Loading a checkpoint in the published layout, strictly and safely (method section 1, last paragraphs)."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from timm.layers import resample_abs_pos_embed

from keyreid_stream.errors import InputError, WeightsError
from keyreid_stream.models.build import build_skeleton
from keyreid_stream.models.config import ModelConfig, named_model
from keyreid_stream.models.fit import fill
from keyreid_stream.models.published_head import PublishedKeyReID
from keyreid_stream.models.published_layout import (
    CAMERAS,
    CLASSIFIER,
    LOCAL_BLOCK,
    LOCAL_BLOCK_ALIAS,
    POSITIONS,
    PublishedLayout,
    published_layout,
)

__all__ = ["LoadReport", "PublishedKeyReID", "load_published"]

MAX_CHECKPOINT_BYTES = 4 * 2**30
"""The largest checkpoint that is read, 4 GiB; the published one is 0.9, with an optimiser's state it would be 2.6."""

MAX_CAMERAS = 10_000
MAX_SHOWN_NAME = 60


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of a published checkpoint's tensors.

    Attributes:
        used: names taken as they are.
        resized: what was cut, grown or resized to fit, one sentence each.
        ignored: names that no embedding depends on, and aliases.
        unwrapped: wrappings that had to be taken off, one sentence each.
        classes: training identities in the file.
        cameras: cameras of the loaded model.
    """

    used: tuple[str, ...]
    resized: tuple[str, ...]
    ignored: tuple[str, ...]
    unwrapped: tuple[str, ...]
    classes: int
    cameras: int

    def __str__(self) -> str:
        counts = f"{self.classes} classes, {self.cameras} cameras; {len(self.used)} tensors used as they are"
        return "; ".join([counts, *self.resized, f"{len(self.ignored)} not needed", *self.unwrapped])


def load_published(
    path: Path | str, *, cameras: int | None = None, config: ModelConfig | None = None
) -> tuple[PublishedKeyReID, LoadReport]:
    """Load a checkpoint in the published layout, in evaluation mode on the CPU, with its classifiers.

    Nothing in the file is executed. Every tensor must be there under its name and in its shape; only three things may
    differ. The number of classes is the file's. Cameras are cut, or grown by the mean of the file's. A position grid
    of another size (square, or of as many patches) is resized, bicubically.

    Args:
        path: the checkpoint: a table of tensors, bare or under `state_dict` or `model`, `module.` prefixes tolerated.
        cameras: cameras of the model; None for as many as in the file.
        config: a model in published mode; None for the published one. Its camera count is not used.

    Raises:
        WeightsError: the file is missing, too large, damaged, foreign, holds code, or does not fit.
        InputError: `cameras` or `config` cannot be used.
    """
    path = Path(path)
    config = named_model("published") if config is None else config
    if config.mode != "published":
        raise InputError(f"model {config.name!r} is in mode {config.mode!r}; published weights fit mode 'published'")
    if cameras is not None and not 1 <= cameras <= MAX_CAMERAS:
        raise InputError(f"cameras must be 1 to {MAX_CAMERAS}, got {cameras}")
    tensors, unwrapped = _unwrap(_read(path), path)
    _check_tensors(tensors, path)
    classes, stored_cameras = _rows(tensors, CLASSIFIER), _rows(tensors, CAMERAS)
    if stored_cameras > MAX_CAMERAS:
        raise _foreign(path, f"{CAMERAS!r} has {stored_cameras:,} cameras, more than {MAX_CAMERAS:,}")
    fitted_config = config.model_copy(update={"cameras": cameras or stored_cameras})
    model = cast("PublishedKeyReID", build_skeleton(fitted_config, classes=classes))
    layout = published_layout(model)
    _check_names(tensors, layout, path)
    _check_values(tensors, layout, path)
    resized = {
        CAMERAS: _fit_cameras(tensors, model.config.cameras),
        POSITIONS: _fit_positions(tensors, model, path),
    }
    # Copies, off the mapped file.
    fill(model, {name: tensors[published] for published, name in layout.ours.items()})
    report = LoadReport(
        used=tuple(name for name in layout.ours if not resized.get(name)),
        resized=tuple(f"{name}: {change}" for name, change in resized.items() if change),
        ignored=layout.ignored,
        unwrapped=tuple(unwrapped),
        classes=classes,
        cameras=model.config.cameras,
    )
    return model, report


def _read(path: Path) -> Any:
    """Whatever the file holds, built by torch's reader for untrusted files."""
    if not path.is_file():
        raise WeightsError(f"no checkpoint at {str(path)!r}; give the path of a published .pth file")
    size = path.stat().st_size
    if size > MAX_CHECKPOINT_BYTES:
        raise WeightsError(f"{str(path)!r} has {size:,} bytes; a checkpoint may have {MAX_CHECKPOINT_BYTES:,} at most")
    try:
        # Files that torch wrote before 1.6 are no archives and cannot be mapped.
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except Exception as error:
        # A damaged or hostile file fails anywhere in the reader, in any way.
        reason = type(error).__name__
        raise WeightsError(
            f"{str(path)!r} is damaged or not a checkpoint of tensors ({reason}); fetch it again, or check the path"
        ) from error


def _unwrap(loaded: Any, path: Path) -> tuple[dict[str, Any], list[str]]:
    """The bare table of tensors, and what was taken off."""
    unwrapped = []
    for wrapper in ("state_dict", "model"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(wrapper), Mapping):
            loaded = loaded[wrapper]
            unwrapped.append(f"taken from under {wrapper!r}")
    if not isinstance(loaded, Mapping) or not loaded or not all(isinstance(name, str) for name in loaded):
        raise _foreign(path, "it holds no table of tensors")
    if all(name.startswith("module.") for name in loaded):
        loaded = {name.removeprefix("module."): tensor for name, tensor in loaded.items()}
        unwrapped.append("prefix 'module.' removed")
    return dict(loaded), unwrapped


def _check_tensors(tensors: Mapping[str, Any], path: Path) -> None:
    """Every value is a plain tensor that has numbers, all of them in the file."""
    size = path.stat().st_size
    for name, tensor in tensors.items():
        plain = (
            isinstance(tensor, torch.Tensor)
            and tensor.device.type == "cpu"
            and tensor.layout is torch.strided
            and not (tensor.is_quantized or tensor.is_complex())
        )
        if not plain:
            raise _foreign(path, f"{_shown(name)} is not a plain tensor")
        if tensor.numel() == 0:
            raise _foreign(path, f"{_shown(name)} holds no numbers")
        # A tensor of stride 0 claims any number of elements without storing them.
        if tensor.nbytes > size:
            raise _foreign(path, f"{_shown(name)} claims more numbers than the file holds")


def _check_names(tensors: Mapping[str, Any], layout: PublishedLayout, path: Path) -> None:
    missing = [name for name in layout.shapes if name not in tensors]
    if missing:
        raise _foreign(path, f"{len(missing)} of {len(layout.shapes)} tensors are missing, first {missing[0]!r}")
    unknown = [name for name in tensors if name not in layout.shapes]
    if unknown:
        raise _foreign(path, f"{len(unknown)} tensors are unknown, first {_shown(unknown[0])}")


def _check_values(tensors: Mapping[str, torch.Tensor], layout: PublishedLayout, path: Path) -> None:
    for name, shape in layout.shapes.items():
        given = tuple(tensors[name].shape)
        shape = _fittable_shape(name, shape, given)
        if given != shape:
            raise _foreign(path, f"{name!r} has shape {given}, expected {shape}")
        if not all(bound.isfinite() for bound in tensors[name].float().aminmax()):
            raise WeightsError(f"{str(path)!r} is damaged: {name!r} holds numbers that are not finite; fetch it again")
    for alias in layout.ignored:
        original = LOCAL_BLOCK + alias.removeprefix(LOCAL_BLOCK_ALIAS)
        if alias.startswith(LOCAL_BLOCK_ALIAS) and not torch.equal(tensors[alias], tensors[original]):
            raise _foreign(path, f"{alias!r} differs from {original!r}, of which it should be an alias")


def _fittable_shape(name: str, shape: tuple[int, ...], given: tuple[int, ...]) -> tuple[int, ...]:
    """The shape asked of a tensor, with the lengths that may differ taken from the one given."""
    if name == CAMERAS and given:
        return given[0], *shape[1:]
    if name == POSITIONS and len(given) == len(shape):
        return shape[0], given[1], shape[2]
    return shape


def _fit_cameras(tensors: dict[str, torch.Tensor], wanted: int) -> str | None:
    """Cut the camera embeddings, or grow them by their mean; says what was done."""
    stored = tensors[CAMERAS].float()
    given = len(stored)
    if given == wanted:
        return None
    new_rows = stored.mean(dim=0, keepdim=True).expand(max(wanted - given, 0), -1, -1)
    tensors[CAMERAS] = torch.cat([stored[:wanted], new_rows])
    return f"{given} cameras {'cut' if wanted < given else 'grown by their mean'} to {wanted}"


def _fit_positions(tensors: dict[str, torch.Tensor], model: PublishedKeyReID, path: Path) -> str | None:
    """Resize the position embeddings of a square grid (ImageNet's is 14x14) to the model's; says what was done."""
    rows, columns = model.frame_encoder.backbone.grid
    wanted, given = model.frame_encoder.backbone.vit.pos_embed.shape[1], tensors[POSITIONS].shape[1]
    if given == wanted:
        return None
    prefix = wanted - rows * columns
    side = math.isqrt(max(given - prefix, 0))
    if side == 0 or side * side != given - prefix:
        raise _foreign(path, f"{POSITIONS!r} has {given} rows, neither {wanted} nor those of a square grid")
    tensors[POSITIONS] = resample_abs_pos_embed(
        tensors[POSITIONS].float(), new_size=[rows, columns], old_size=[side, side], num_prefix_tokens=prefix
    )
    return f"{side}x{side} positions resized to {rows}x{columns}"


def _rows(tensors: Mapping[str, torch.Tensor], name: str) -> int:
    """How many classes or cameras a file has; 1 where the tensor is missing, which is reported later."""
    tensor = tensors.get(name)
    return tensor.shape[0] if tensor is not None and tensor.ndim else 1


def _shown(name: str) -> str:
    """A name out of an untrusted file, safe to print."""
    return repr(name if len(name) <= MAX_SHOWN_NAME else name[:MAX_SHOWN_NAME] + "…")


def _foreign(path: Path, reason: str) -> WeightsError:
    return WeightsError(
        f"{str(path)!r} is not a published KeyRe-ID checkpoint: {reason}; give the published .pth, or weights made by "
        "keyreid as .safetensors"
    )
