"""The whole path learns: eight people of a rendered world, until everyone is found in the other camera."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from keyreid_stream.models.build import crop_spec
from keyreid_stream.models.crops import make_crops
from keyreid_stream.structures import Crops
from keyreid_stream.world.address import WorldAddress
from keyreid_stream.world.filming import film
from keyreid_stream.world.world import World
from keyreid_train.data.structures import ClipBatch, Tracklet, TrackletSet
from keyreid_train.feeding import TrainingData
from keyreid_train.optimiser import OptimiserConfig
from keyreid_train.retrieval import camera_to_camera
from keyreid_train.sampler import Appearance, BatchConfig, ClipRequest
from keyreid_train.settings import DataConfig, LoopConfig, TrainConfig
from keyreid_train.trainer import Trainer
from keyreid_train.validation import PreparedTracklets, embed_tracklets
from tests.models.small_models import small_config

PEOPLE = 8
MOST_OCCLUDED = 0.3
MODEL = small_config(depth=3, stem="convolutional", patch_size=8, parts=6, part_dim=8)


class WorldClips:
    """Clips of people in memory, without augmentation."""

    def __init__(self, prepared: PreparedTracklets) -> None:
        self._crops = prepared.crops
        tracklets = prepared.tracklets
        self.people, cameras = tracklets.person_ids, tracklets.camera_ids
        self.appearances = tuple(
            Appearance(self.people.index(one.person_id), cameras.index(one.camera_id)) for one in tracklets.tracklets
        )

    def __getitem__(self, request: ClipRequest) -> ClipBatch:
        own, (label, camera) = self._crops[request.tracklet], self.appearances[request.tracklet]
        generator = np.random.default_rng((request.epoch, request.draw))
        chosen = np.sort(generator.integers(0, len(own), request.frames))
        images = torch.from_numpy(own.images[chosen]).movedim(-1, 1)
        weights = torch.from_numpy(own.part_weights[chosen])
        return ClipBatch(images, weights, torch.tensor(label), torch.tensor(camera), torch.zeros(request.frames))


def people_of_a_world() -> PreparedTracklets:
    """Everyone who is seen by both cameras of a small plaza."""
    address = WorldAddress.of(
        scene="plaza", cameras=2, people=PEOPLE, seconds=45.0, seed=3, fps=0.5, width=640, height=360
    )
    spec = crop_spec(MODEL)
    found: dict[tuple[str, str], list[Crops]] = defaultdict(list)
    for shot in film(World(address.described(), address.seed, address.seconds)):
        truth = shot.truth
        crops = make_crops(shot.frame.image, truth.boxes_xyxy, truth.keypoints, spec)
        for row in np.flatnonzero((truth.occlusion <= MOST_OCCLUDED) & (truth.visible_pixels > 0)):
            one = Crops(crops.images[row : row + 1], crops.part_weights[row : row + 1])
            found[str(truth.person_ids[row]), shot.frame.camera_id].append(one)
    tracklets = [Tracklet(person, camera, f"{person} in {camera}", ()) for person, camera in found]
    joined = [
        Crops(np.concatenate([c.images for c in own]), np.concatenate([c.part_weights for c in own]))
        for own in found.values()
    ]
    return PreparedTracklets(TrackletSet("world", tuple(tracklets)), tuple(joined))


def test_eight_people_of_the_world_are_learned_by_heart(tmp_path: Path) -> None:
    prepared = people_of_a_world()
    clips = WorldClips(prepared)
    assert len(clips.people) == PEOPLE
    data = TrainingData(clips, clips.appearances, clips.people, validation=prepared, names=("world",))
    config = TrainConfig(
        recipe="overfitting",
        model=MODEL,
        data=DataConfig(sets=("world",)),
        batch=BatchConfig(identities=PEOPLE, clips=4, frames=(1, 2)),
        optimiser=OptimiserConfig(learning_rate=2e-3),
        loop=LoopConfig(epochs=1, steps=120, precision="no", average_decay=0.9),
        device="cpu",
    )
    trainer = Trainer(config, data, tmp_path)
    before = camera_to_camera(embed_tracklets(trainer.average.network, prepared))
    report = trainer.run()
    assert report is not None
    assert before.rank1 < 0.9
    assert report.scores["rank1"] == 1
    assert report.scores["mean_average_precision"] == 1
