"""Which networks the demo runs when nobody says otherwise: the only place that decides it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from keyreid_stream.errors import WeightsError
from keyreid_stream.models.known_weights import SHIPPED
from keyreid_stream.pose.shipped import WORLD_POSE_FILE
from keyreid_stream.report import Ingredient

SHIPPED_REID = SHIPPED / "world-tiny.safetensors"

_DRAWN_PEOPLE = (
    "was trained on drawn people alone, in worlds like this one. It does its job here; its figures say nothing about "
    "real video, where it must not be used."
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Weights, and what to tell people about them; `weights` None stands for random parameters."""

    weights: str | None
    ingredient: Ingredient


def chosen_pose(given: str | None, shipped: Path = WORLD_POSE_FILE) -> Chosen:
    """The detector to run.

    Args:
        given: a user's choice: a path, or the shipped one's name; None for the shipped one.
        shipped: where the shipped one lies.

    Raises:
        WeightsError: the shipped one is wanted and not there.
    """
    if given is not None and given != shipped.stem:
        note = f"The detector {Path(given).name} was named by hand; this world's people are drawn, so a detector "
        return Chosen(given, Ingredient(Path(given).name, f"{note}of real people shows less here than it can."))
    if not shipped.is_file():
        raise WeightsError(f"no detector {shipped.stem!r} comes with this installation; name one with --pose WEIGHTS")
    return Chosen(str(shipped), Ingredient(shipped.stem, f"The detector {shipped.stem} {_DRAWN_PEOPLE}"))


def chosen_reid(given: str | None, shipped: Path = SHIPPED_REID) -> Chosen:
    """The KeyRe-ID weights to run; random parameters where none are given and none are shipped.

    Args:
        given: a user's choice: a path or a name; None for the shipped ones.
        shipped: where the shipped ones lie.
    """
    if given is not None and given != shipped.stem:
        return Chosen(given, Ingredient(Path(given).name))
    if shipped.is_file():
        return Chosen(str(shipped), Ingredient(shipped.stem, f"The model {shipped.stem} {_DRAWN_PEOPLE}"))
    if given is not None:
        return Chosen(given, Ingredient(given))
    return Chosen(None, Ingredient("no trained weights"))
