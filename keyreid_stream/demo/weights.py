"""Which detector the demo runs, and what it tells people about its networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from keyreid_stream.errors import WeightsError
from keyreid_stream.models.load import DRAWN_PEOPLE, ModelCard
from keyreid_stream.pose.shipped import WORLD_POSE_FILE
from keyreid_stream.report import Ingredient

_DRAWN_PEOPLE = (
    "was trained on drawn people alone, in worlds like this one. It does its job here; its figures say nothing about "
    "real video, where it must not be used."
)


_KNOWS_DRAWN_PEOPLE = (
    "has seen drawn people in training, of worlds like this one: how well it tells them apart says little about real "
    "video; its card has figures of photographs."
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Weights, and what to tell people about them."""

    weights: str
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


def reid_ingredient(card: ModelCard) -> Ingredient:
    """What to say of the KeyRe-ID model that runs in a drawn world."""
    name = Path(card.weights).stem if card.weights else f"{card.name}, untrained"
    if card.notice is not None:
        return Ingredient(name, f"{card.notice[0].upper()}{card.notice[1:]}.")
    return Ingredient(name, f"The model {name} {_KNOWS_DRAWN_PEOPLE}" if DRAWN_PEOPLE in card.data_sets else None)
