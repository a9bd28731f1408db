"""The cameras that a ladder is climbed on, opened anew for every rung, and their truth."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from keyreid_stream.config import DeploymentConfig
from keyreid_stream.demo.truth_sink import TruthSink
from keyreid_stream.errors import ConfigError, InputError
from keyreid_stream.evaluation.mot_files import read_truth, truth_files
from keyreid_stream.interfaces import Sink, Source
from keyreid_stream.ladder.record import Inputs
from keyreid_stream.oracle import with_recorded_truth
from keyreid_stream.sources import open_sources
from keyreid_stream.world.address import SCHEME, WorldAddress
from keyreid_stream.world.source import WorldSource
from keyreid_stream.world.writers import MotTruthWriter

TRUTH = "truth"
"""Folder in a rung's of a world's truth."""


@dataclass(frozen=True, slots=True)
class LadderCameras:
    """What a ladder is climbed on.

    Attributes:
        settings: `sources` says which cameras.
        truth: a folder with the truth of recordings; None for a world, which knows its own.
        min_visibility: truth of which less can be seen is ignored.
    """

    settings: DeploymentConfig
    truth: Path | None
    min_visibility: float

    @classmethod
    def checked(cls, settings: DeploymentConfig, truth: Path | None, min_visibility: float) -> Self:
        """The same, after a look at what cannot be climbed on.

        Raises:
            ConfigError: a setting makes rungs that cannot be compared.
            InputError: cameras have no truth.
        """
        if settings.oracle:
            raise ConfigError("a ladder takes the truth rung by rung itself; leave out `oracle`")
        if settings.association.gallery is not None:
            raise ConfigError("a gallery would tell one rung whom the others saw; leave out association.gallery")
        cameras = cls(settings, truth, min_visibility)
        if truth is None:
            cameras._world()  # refuses what is none
        elif settings.sources.max_fps is not None:
            raise ConfigError(
                "with truth in files every frame counts, and sources.max_fps (--fps) would leave some out; leave it out"
            )
        return cameras

    def open(self) -> list[Source]:
        """The cameras, as oracles can ask them.

        Raises:
            InputError: one cannot be opened, or cameras and truth do not belong together.
        """
        sources = self.settings.sources
        opened = open_sources(sources.cameras, max_fps=sources.max_fps, keep_truth=self.truth is None)
        if self.truth is None:
            return opened
        files = truth_files(self.truth)
        true = {name: read_truth(path, self.min_visibility) for name, path in files.items()}
        return list(with_recorded_truth(opened, true))

    def truth_of(self, rung: Path) -> Path:
        """The folder of the truth of a rung's run."""
        return rung / TRUTH if self.truth is None else self.truth

    def truth_sinks(self, rung: Path, sources: Sequence[Source]) -> list[Sink]:
        """What writes the truth of a world's frames into a rung's folder; nothing where it is in files already."""
        films = {source.camera_id: source for source in sources if isinstance(source, WorldSource)}
        if self.truth is not None or len(films) < len(sources):
            return []
        fps = {camera_id: film.fps for camera_id, film in films.items()}
        return [TruthSink(MotTruthWriter(rung / TRUTH, fps, boxes="visible"), films)]

    def described(self) -> Inputs:
        """What it is that a ladder is climbed on, as its record tells it."""
        world = self._world() if self.truth is None else None
        return Inputs(
            sources=self.settings.sources.cameras,
            truth=None if self.truth is None else str(self.truth),
            min_visibility=self.min_visibility,
            seed=None if world is None else world.seed,
            digest=self._files_digest() if world is None else _world_digest(world),
        )

    def _world(self) -> WorldAddress:
        specs = self.settings.sources.cameras
        if not specs:
            raise InputError(f"no camera was given; give a {SCHEME}:// address, or recordings and --truth")
        if len(specs) > 1 or not specs[0].lower().startswith(f"{SCHEME}:/"):
            raise InputError(
                f"only one {SCHEME}:// address knows its own truth; for {', '.join(specs)} give --truth FOLDER, "
                "with <camera>/gt/gt.txt of every camera"
            )
        world = WorldAddress.parse(specs[0])
        if world.live:
            raise ConfigError("a live world drops frames, other ones on every rung; leave out live=true")
        return world

    def _files_digest(self) -> str:
        """Of the truth's content, and of names, sizes and times of the recordings."""
        digest = hashlib.sha256()
        for name, path in sorted(truth_files(self.truth or Path()).items()):
            digest.update(f"{name}\0".encode() + path.read_bytes())
        for spec in self.settings.sources.cameras:
            place = Path(spec if Path(spec).exists() else spec.partition("=")[2]).expanduser()
            for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
                if path.is_file():
                    stat = path.stat()
                    digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
        return digest.hexdigest()


def _world_digest(world: WorldAddress) -> str:
    text = f"{world.described().model_dump_json()} {world.seconds!r} {world.seed}"
    return hashlib.sha256(text.encode()).hexdigest()
