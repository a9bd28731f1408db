"""`keyreid train`: recipes, and what prepares for them."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from keyreid_stream.cli import INTERRUPTED
from keyreid_stream.cli.train_data import DataOption, data_folders
from keyreid_stream.cli.train_prepare import prepare, teach
from keyreid_stream.cli.train_scores import ablate
from keyreid_stream.errors import InputError

if TYPE_CHECKING:
    from keyreid_train.trainer import Progress


SetOption: TypeAlias = Annotated[
    list[str] | None, typer.Option("--set", help="Change a setting, NAME=VALUE, e.g. loop.epochs=40; may be repeated.")
]


class RecipeGroup(TyperGroup):
    """`keyreid train RECIPE` beside `keyreid train recipes` and other commands: what is no command is a recipe."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `run` before a recipe."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["run", *args]
        return super().parse_args(ctx, args)


train_app = typer.Typer(cls=RecipeGroup, help="Train a model: keyreid train RECIPE --data ROOT.", no_args_is_help=True)


@train_app.command("recipes")
def list_recipes() -> None:
    """List the recipes."""
    from keyreid_train.recipes import recipe, recipe_names, recipe_purpose

    table = Table("recipe", "data sets", "epochs", "what for")
    for name in recipe_names():
        config = recipe(name)
        table.add_row(name, ", ".join(config.data.sets), str(config.loop.epochs), recipe_purpose(name))
    Console().print(table)


@train_app.command("run", hidden=True)
def train(
    recipe: Annotated[str, typer.Argument(help="A recipe; see: keyreid train recipes.")],
    data: DataOption = None,
    out: Annotated[Path, typer.Option(help="Folder for checkpoint, weights, logs and report.")] = Path("runs/train"),
    settings: SetOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in the folder.")] = False,
    show_settings: Annotated[bool, typer.Option("--show-settings", help="Print all settings and stop.")] = False,
) -> None:
    """Train a recipe; the last line is the weights file, for `keyreid track --weights`."""
    from keyreid_train.assembly import assemble
    from keyreid_train.overrides import with_settings
    from keyreid_train.recipes import recipe as named_recipe
    from keyreid_train.trainer import CHECKPOINT, Trainer

    config = with_settings(named_recipe(recipe), settings or [])
    if show_settings:
        typer.echo(config.model_dump_json(indent=2))
        return
    if not resume and (out / CHECKPOINT).exists():
        raise InputError(f"--out {out} holds a training already; add --resume to go on, or choose another folder")
    root, folders = data_folders(data)
    trainer = Trainer(
        config,
        assemble(config, root, folders),
        out,
        resume=resume,
        command=shlex.join(["keyreid", *sys.argv[1:]]),
        watch=_tell,
    )
    typer.echo(f"{recipe}: {trainer.steps} steps, from epoch {trainer.first_epoch + 1}; {out}", err=True)
    try:
        report = trainer.run()
    except KeyboardInterrupt:
        typer.echo(f"interrupted; go on with: --out {out} --resume", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if report is None:  # one of several processes, not the first
        return
    for name, value in report.scores.items():
        typer.echo(f"validation {name:<32} {value:.4f}" if name != "queries" else f"validation queries {value:.0f}")
    typer.echo(report.weights)


train_app.command()(teach)
train_app.command()(prepare)
train_app.command()(ablate)


@train_app.command()
def pose(
    out: Annotated[Path, typer.Option(help="Folder for frames, logs and weights.")] = Path("runs/world-pose"),
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the frames in each stage.")] = None,
    worlds: Annotated[int | None, typer.Option(min=1, help="Random worlds to draw frames of.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that draw.")] = 1,
) -> None:
    """Train the detector of drawn people, `world-pose`: draw frames, train from scratch, score on unseen scenes."""
    from keyreid_train.pose.frames import FramesConfig, render_frames
    from keyreid_train.pose.trainer import PoseTrainingConfig, train_pose, validate_pose

    frames = FramesConfig() if worlds is None else FramesConfig(worlds=worlds)
    training = PoseTrainingConfig()
    if epochs is not None:
        stages = tuple(stage.model_copy(update={"epochs": epochs}) for stage in training.stages)
        training = training.model_copy(update={"stages": stages})
    if (out / "frames").exists():
        raise InputError(f"--out {out} holds frames already; choose another folder, or remove it")
    typer.echo(f"drawing {frames.worlds} worlds", err=True)
    data = render_frames(frames, out / "frames", workers=workers)
    weights = train_pose(data, training, out / "training")
    for name, value in validate_pose(weights, data).model_dump().items():
        typer.echo(f"validation {name:<16} {value:.4f}")
    typer.echo(weights)


def _tell(progress: Progress) -> None:
    """One line per entry of the log, on standard error."""
    values = progress.values
    place = f"epoch {progress.epoch + 1}/{progress.epochs}  step {progress.step}/{progress.steps}"
    if "rank1" in values:
        figures = f"validation: rank-1 {values['rank1']:.1%}  mAP {values['mean_average_precision']:.1%}"
    else:
        left = values["seconds_per_step"] * (progress.steps - progress.step) / 60
        losses = "  ".join(f"{name} {values[name]:.3f}" for name in ("identity", "triplet", "distillation"))
        figures = (
            f"{losses}  right {values['accuracy']:.0%}  {values['images_per_second']:.0f} images/s  "
            f"{1 / values['seconds_per_step']:.2f} steps/s  {left:.0f} min left"
        )
    typer.echo(f"{place}  {figures}", err=True)
