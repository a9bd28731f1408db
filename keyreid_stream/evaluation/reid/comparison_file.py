"""A comparison of evaluations as JSON, for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from keyreid_stream.evaluation.intervals import LEVEL, RESAMPLES
from keyreid_stream.evaluation.reid.bootstrap import Compared
from keyreid_stream.evaluation.reid.record import ReidRecord

SCHEMA = "keyreid.reid-comparison/1"


def comparison_text(
    compared: Sequence[Compared],
    records: Sequence[ReidRecord],
    similarities: Sequence[str],
    *,
    files: Sequence[Path],
    seed: int,
) -> str:
    """The comparison as the text of a file of schema `keyreid.reid-comparison/1`.

    Args:
        compared: what `compare_records` gave.
        records: what it was given.
        similarities: what it was given.
        files: where the records were read.
        seed: of the resamples.
    """
    entries = [
        {
            "file": str(file),
            "embedder": record.embedder.model_dump(),
            "clips": record.clips,
            "similarity": similarity,
            "command": record.command,
            "figures": one.figures.model_dump(),
            "rank1_difference": None if one.rank1 is None else asdict(one.rank1),
            "mean_average_precision_difference": None
            if one.mean_average_precision is None
            else asdict(one.mean_average_precision),
        }
        for one, record, similarity, file in zip(compared, records, similarities, files, strict=True)
    ]
    content = {
        "schema": SCHEMA,
        "data": records[0].data,
        "protocol": records[0].protocol,
        "hidden": records[0].hidden,
        "level": LEVEL,
        "resamples": RESAMPLES,
        "seed": seed,
        "evaluations": entries,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
