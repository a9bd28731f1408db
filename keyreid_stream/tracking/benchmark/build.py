"""Detections and appearances written down by BoxMOT's own stages, with live objects in them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keyreid_stream.structures import FloatArray
from keyreid_stream.tracking.benchmark.entrants import Entrant
from keyreid_stream.tracking.benchmark.people import RememberedDetections
from keyreid_stream.tracking.benchmark.sequences import DATASET
from keyreid_stream.tracking.keypoint_store import KeypointStore

_FRAMES_AT_ONCE = 8
_CROPS_AT_ONCE = 32
"""BoxMOT also holds so many frames at a time."""


def materialise(
    catalog: Any,
    samples: Sequence[Any],
    detector: RememberedDetections,
    detector_words: str,
    entrant: Entrant,
    build_root: Path,
) -> tuple[Path, Any]:
    """Detect and embed the people of all frames, into a BoxMOT build.

    Args:
        catalog: BoxMOT's `SourceCatalog` of the data.
        samples: those of its samples that count.
        detector: says who is where.
        detector_words: what it is, for the build's provenance.
        entrant: says who looks like whom.
        build_root: folder for builds; one that is there already is used again.

    Returns:
        The build's folder and the entrant's BoxMOT `AppearanceEncoder`, which knows the keypoints of all its people.
    """
    from boxmot.engine.materialization import (
        BuildPlan,
        DatasetMaterializer,
        DetectStage,
        EmbedStage,
        FinalizeStage,
        PublishOptions,
        StagePlan,
    )

    keypoints = KeypointStore(frames=len(samples))
    appearance = entrant.appearance(keypoints)
    encoder = {"name": entrant.name, "sha256": entrant.sha256}
    encoder_fingerprint = hashlib.sha256(repr(sorted(encoder.items())).encode()).hexdigest()
    detect = StagePlan.create("detect", component={"people": detector_words}, batch_size=_FRAMES_AT_ONCE)
    embed = StagePlan.create(
        "embed",
        component=encoder,
        upstream_fingerprints=(detect.fingerprint,),
        depends_on=("detect",),
        batch_size=_CROPS_AT_ONCE,
    )
    finalize = StagePlan.create(
        "finalize",
        upstream_fingerprints=(detect.fingerprint, embed.fingerprint),
        depends_on=("detect", "embed"),
    )
    plan = BuildPlan.create(
        build_root=build_root,
        dataset_name=DATASET,
        box_type="aabb",
        source_fingerprint=catalog.fingerprint,
        publish=PublishOptions(image_references=True, embeddings=True),
        stages=(detect, embed, finalize),
        metadata={**catalog.metadata, "geometry": "aabb", "source_count": len(samples)},
    )
    named = _NamedPeople(detector, plan.build_id, keypoints)
    stages = [
        DetectStage(named, samples),
        EmbedStage(appearance, samples, encoder_fingerprint=encoder_fingerprint),
        FinalizeStage(embedding_metadata={"encoder_fingerprint": encoder_fingerprint, "dim": appearance.embedding_dim}),
    ]
    return DatasetMaterializer(plan, stages).run(), appearance


class _NamedPeople:
    """The detector of one build: leaves keypoints under the names that the build gives to detections."""

    def __init__(self, detector: RememberedDetections, build_id: str, store: KeypointStore) -> None:
        self.capabilities = detector.capabilities
        self._detector, self._build_id, self._store = detector, build_id, store

    def predict(self, frames: Sequence[Any]) -> list[Any]:
        found = self._detector.predict(frames)
        for frame in frames:
            keypoints = self._detector.keypoints(frame.sample_id)
            if keypoints is not None:
                self._keep(frame.sample_id, keypoints)
        return found

    def _keep(self, sample_id: str, keypoints: FloatArray) -> None:
        from boxmot.engine.materialization import make_instance_id

        names = [make_instance_id(self._build_id, sample_id, row) for row in range(len(keypoints))]
        self._store.put(sample_id, names, keypoints)
