"""Recipes: whole trainings by name."""

from __future__ import annotations

from collections.abc import Callable

from keyreid_stream.errors import ConfigError
from keyreid_stream.models.config import ModelConfig, named_model
from keyreid_train.augmentation.config import PUBLISHED
from keyreid_train.losses.config import LossConfig
from keyreid_train.optimiser import OptimiserConfig
from keyreid_train.sampler import BatchConfig
from keyreid_train.schedule import ScheduleConfig
from keyreid_train.settings import DataConfig, LoopConfig, TrainConfig


def world_tiny() -> TrainConfig:
    """A small model from random weights on synthetic worlds alone: needs no data of anyone, and a CPU."""
    return _small("world_tiny", DataConfig(sets=("worlds",)), epochs=20)


def cuhk_tiny() -> TrainConfig:
    """A small model from random weights on CUHK03's training people."""
    return _small("cuhk_tiny", DataConfig(sets=("cuhk03",)), epochs=30)


def keyreid_tiny() -> TrainConfig:
    """The weights that are shipped: synthetic worlds, CUHK03's training people and CUHK01, with a teacher."""
    data = DataConfig(sets=("cuhk03", "cuhk01", "worlds"), validate_on=("cuhk03",), validation_share=0.08)
    return _small("keyreid_tiny", data, epochs=64, distillation=10.0)


def mars_vit_base_published() -> TrainConfig:
    """The published recipe on MARS, for comparison (method section 4)."""
    return TrainConfig(
        recipe="mars_vit_base_published",
        model=named_model("published"),
        data=DataConfig(sets=("mars",), validation_share=0.08),
        augmentation=PUBLISHED,
        batch=BatchConfig(identities=4, clips=4, frames=(4,)),
        optimiser=OptimiserConfig(
            name="sgd", learning_rate=0.008, bias_factor=2.0, weight_decay=1e-4, momentum=0.9, gradient_norm=0
        ),
        schedule=ScheduleConfig(warmup=5 / 120, start=0.01, end=0.002),
        loop=LoopConfig(epochs=120, precision="fp16", validate_every=10),
        imagenet=True,
    )


def mars_vit_base() -> TrainConfig:
    """Our model on MARS, from ImageNet weights."""
    return _base("mars_vit_base", "mars", cameras=6, epochs=60)


def ilids_vit_base() -> TrainConfig:
    """Our model on the first split of iLIDS-VID, from ImageNet weights."""
    return _base("ilids_vit_base", "ilids", cameras=2, epochs=80)


_RECIPES: dict[str, Callable[[], TrainConfig]] = {
    recipe.__name__: recipe
    for recipe in (world_tiny, cuhk_tiny, keyreid_tiny, mars_vit_base_published, mars_vit_base, ilids_vit_base)
}


def recipe_names() -> tuple[str, ...]:
    """All recipes."""
    return tuple(_RECIPES)


def recipe_purpose(name: str) -> str:
    """What a recipe is for, in a sentence."""
    return (_RECIPES[name].__doc__ or "").strip()


def recipe(name: str) -> TrainConfig:
    """The settings of a recipe.

    Raises:
        ConfigError: there is none of this name.
    """
    try:
        return _RECIPES[name]()
    except KeyError:
        raise ConfigError(f"unknown recipe {name!r}; choose one of: {', '.join(_RECIPES)}") from None


def _small(name: str, data: DataConfig, *, epochs: int, distillation: float = 0.0) -> TrainConfig:
    """A `micro` model from random weights: a high learning rate, bf16, epochs of 125 steps of 64 clips."""
    model = ModelConfig.model_validate(named_model("micro").model_dump() | {"name": name.replace("_", "-")})
    return TrainConfig(
        recipe=name,
        model=model,
        data=data,
        loss=LossConfig(triplet_on="after_neck", distillation=distillation),
        batch=BatchConfig(identities=16, clips=4, frames=(1, 1, 1, 2)),
        optimiser=OptimiserConfig(name="adamw", learning_rate=1e-3, weight_decay=0.05),
        schedule=ScheduleConfig(warmup=0.05, start=0.01, end=0.002),
        loop=LoopConfig(epochs=epochs, steps=125, precision="bf16", average_decay=0.998, drop_path=0.05),
    )


def _base(name: str, data_set: str, *, cameras: int, epochs: int) -> TrainConfig:
    """An aligned ViT-B/16 from ImageNet weights with camera embeddings."""
    model = ModelConfig.model_validate(
        named_model("base").model_dump() | {"name": name.replace("_", "-"), "cameras": cameras}
    )
    return TrainConfig(
        recipe=name,
        model=model,
        data=DataConfig(sets=(data_set,), validation_share=0.08, keep_in_memory=False),
        batch=BatchConfig(identities=16, clips=4, frames=(1, 2, 4)),
        optimiser=OptimiserConfig(name="adamw", learning_rate=5e-5, weight_decay=0.05),
        schedule=ScheduleConfig(warmup=0.05, start=0.01, end=0.01),
        loop=LoopConfig(epochs=epochs, precision="bf16", average_decay=0.9995, drop_path=0.1, workers=4),
        imagenet=True,
    )
