"""`keyreid train`: recipes, and what prepares for them."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from keyreid_stream.errors import ConfigError, InputError

if TYPE_CHECKING:
    from keyreid_train.trainer import Progress

INTERRUPTED = 130

LEAST_CONFIDENCE = 0.05
"""Of a person in a crop: somebody is there, however badly seen."""

DataOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--data", help="Folder with the data sets by name, or NAME=FOLDER for one; may be repeated."),
]
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


@train_app.command()
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
    embed(network, tracklets, target, images=images, progress=_every_thousand())
    typer.echo(target)


@train_app.command()
def prepare(
    data_set: Annotated[str, typer.Argument(metavar="DATASET", help="Name of a data set, e.g. cuhk03.")],
    pose: Annotated[Path, typer.Option(help="YOLO-pose weights.")],
    out: Annotated[Path, typer.Option(help="Folder for DATASET.npz; give it to a training as data.keypoints.")],
    data: DataOption = None,
    imgsz: Annotated[int, typer.Option(help="Detector input size.")] = 256,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
) -> None:
    """Find the keypoints of a data set's crops with a pose detector, once for all trainings."""
    from keyreid_stream.models.weights import file_sha256
    from keyreid_stream.pose.config import PoseConfig
    from keyreid_stream.pose.ultralytics_pose import UltralyticsPose
    from keyreid_train.assembly import load_set
    from keyreid_train.data.keypoints import find_keypoints

    root, folders = data_folders(data)
    tracklets = load_set(data_set, root, folders)
    detector = UltralyticsPose(PoseConfig(weights=pose, imgsz=imgsz, confidence=LEAST_CONFIDENCE, device=device))
    sha256 = file_sha256(pose) if pose.is_file() else "folder"
    target = out / f"{data_set}.npz"
    detector_id = f"{sha256} imgsz={imgsz} confidence={LEAST_CONFIDENCE}"
    find_keypoints(detector, detector_id, tracklets, target, progress=_every_thousand())
    typer.echo(target)


@train_app.command()
def score(
    weights: Annotated[str, typer.Argument(help="A weights file, or a name of `keyreid weights list`.")],
    data: DataOption = None,
    data_set: Annotated[str, typer.Option("--set-name", help="Which data set.")] = "cuhk03-val",
    keypoints: Annotated[
        Path | None, typer.Option(help="Folder with DATASET.npz of `prepare`; without, parts see the whole body.")
    ] = None,
    hide: Annotated[str | None, typer.Option(help="Black out a half of the queries: upper or lower.")] = None,
    out: Annotated[Path | None, typer.Option(help="Also write the figures to this JSON file.")] = None,
) -> None:
    """Score weights on people seen by two cameras: camera to camera, all directions averaged."""
    from keyreid_stream.models.load import load_model
    from keyreid_train.assembly import load_set
    from keyreid_train.data.keypoints import with_keypoints
    from keyreid_train.scoring import score_tracklets

    root, folders = data_folders(data)
    tracklets = load_set(data_set, root, folders)
    if keypoints is not None:
        tracklets = with_keypoints(tracklets, keypoints / f"{data_set}.npz")
    loaded = load_model(weights=weights)
    rows = score_tracklets(loaded.model, tracklets, hidden=hide)
    table = Table("entries", "similarity", "rank-1", "rank-5", "mAP", "queries")
    for row in rows:
        figures = (
            f"{100 * value:.1f} %" for value in (row.score.rank1, row.score.rank5, row.score.mean_average_precision)
        )
        table.add_row(row.entries, row.similarity, *figures, str(row.score.queries))
    Console().print(table)
    if out is not None:
        content = {
            "weights": loaded.card.weights,
            "sha256": loaded.card.sha256,
            "data": data_set,
            "hidden": hide,
            "keypoints": keypoints is not None,
            "rows": [asdict(row) for row in rows],
        }
        out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


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


def data_folders(given: list[str] | None) -> tuple[Path | None, dict[str, Path]]:
    """What `--data` says: a root for all data sets, and folders of single ones.

    Raises:
        ConfigError: there are two roots.
    """
    root: Path | None = None
    folders: dict[str, Path] = {}
    for text in given or []:
        name, separator, folder = text.partition("=")
        if separator:
            folders[name] = Path(folder)
        elif root is None:
            root = Path(text)
        else:
            raise ConfigError(f"--data {text}: there is a root already ({root}); give further folders as NAME=FOLDER")
    return root, folders


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


def _every_thousand() -> Callable[[int, int], None]:
    """Prints a line on standard error each time another thousand is done, and at the end."""
    told = 0

    def tell(done: int, total: int) -> None:
        nonlocal told
        if done // 1000 > told or done == total:
            told = done // 1000
            typer.echo(f"{done}/{total}", err=True)

    return tell
