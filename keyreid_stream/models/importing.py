"""Bringing weights into the folder of weights: a pair of ours is copied, a published checkpoint is converted."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keyreid_stream.errors import WeightsError
from keyreid_stream.models.build import build_skeleton
from keyreid_stream.models.fit import check_fit
from keyreid_stream.models.known_weights import KnownWeights, check_name, imported_names, published_origin
from keyreid_stream.models.published import LoadReport, load_published
from keyreid_stream.models.weights import Provenance, WeightsFile, file_sha256, load_weights, save_weights


@dataclass(frozen=True, slots=True, eq=False)
class ImportedWeights:
    """What an import made.

    Attributes:
        weights: the new pair.
        report: what of a published checkpoint was used, resized and ignored; None for a pair of ours.
    """

    weights: WeightsFile
    report: LoadReport | None


def import_weights(
    source: Path,
    name: str,
    folder: Path,
    known: Mapping[str, KnownWeights],
    *,
    trained: bool = True,
    replace: bool = False,
) -> ImportedWeights:
    """Bring a weights file into the folder of weights under a name.

    Args:
        source: either file of a pair of ours, or a `.pth` checkpoint in the published layout.
        name: what it is to be called.
        folder: the folder of weights.
        known: the known weights; a checkpoint among them brings its terms and data sets along.
        trained: whether a checkpoint was trained, which the file itself cannot tell; a pair of ours says so itself.
        replace: whether weights of this name may be replaced.

    Raises:
        WeightsError: the name is not allowed or taken, or the file is missing, damaged or foreign.
    """
    check_name(name)
    if name in known and known[name].format == "keyreid":
        raise WeightsError(f"{name!r} is the name of weights that can be fetched; choose another with --name")
    if name in imported_names(folder) and not replace:
        raise WeightsError(
            f"there are weights called {name!r} in {str(folder)!r}; choose another name or add --replace"
        )
    target = folder / f"{name}.safetensors"
    if source.suffix == ".pth":
        return _convert_published(source, target, known, trained=trained)
    return _copy_pair(source, target)


def _copy_pair(source: Path, target: Path) -> ImportedWeights:
    pair = load_weights(source)
    check_fit(pair)
    provenance = pair.provenance.model_copy(update={"source_sha256": pair.sha256})
    return ImportedWeights(save_weights(target, pair.config, pair.tensors, provenance), report=None)


def _convert_published(
    source: Path, target: Path, known: Mapping[str, KnownWeights], *, trained: bool
) -> ImportedWeights:
    model, report = load_published(source)
    sha256 = file_sha256(source)
    origin = published_origin(sha256, known)
    provenance = Provenance(
        # Quoted, because a file name may hold any character and this text is shown.
        source=f"converted from {source.name!r}",
        trained=trained,
        created=datetime.datetime.now(datetime.UTC).date(),
        data_sets=origin.data_sets if origin else (),
        terms=origin.terms if origin else "not stated",
        source_sha256=sha256,
    )
    # Classifiers name the people of the training set; embeddings do not need them, and the configuration has none.
    wanted = build_skeleton(model.config).state_dict().keys()
    tensors = {name: tensor for name, tensor in model.state_dict().items() if name in wanted}
    return ImportedWeights(save_weights(target, model.config, tensors, provenance), report)
