"""A benchmark as a file: what was scored on what, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

SCHEMA: Final = "keyreid.boxmot-benchmark/1"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Figures(_Frozen):
    """BoxMOT's figures of one sequence or of all as one; shares from 0 to 1 as in all our files, counts of boxes.

    Attributes:
        hota: the balance of `deta` and `assa`, over IoU 0.05 to 0.95.
        deta: were people found.
        assa: did the same person keep the same id.
        idf1: as `assa`, at IoU 0.5.
        mota: 1 less misses, false boxes and changes of id per true box, at IoU 0.5; can be negative.
        idsw: changes of id.
        fp: false boxes.
        fn: misses.
        truth_boxes: people who count.
        result_boxes: boxes of tracks.
    """

    hota: float
    deta: float
    assa: float
    idf1: float
    mota: float
    idsw: int
    fp: int
    fn: int
    truth_boxes: int
    result_boxes: int


class Row(_Frozen):
    """One network in one way of using it.

    Attributes:
        name: the network's.
        sha256: of its weights.
        clips: tracks match by clips that are written back, not by single crops.
        combined: all sequences as one.
        sequences: each.
    """

    name: str
    sha256: str
    clips: bool
    combined: Figures
    sequences: Mapping[str, Figures]


class BenchmarkRecord(_Frozen):
    """Networks side by side in BoxMOT's evaluation.

    Attributes:
        data: the folder of the sequences.
        data_sha256: BoxMOT's digest of pictures and truth.
        frames: of all sequences that count.
        detections: where boxes come from.
        boxes: how many there are.
        keypoints: whether they have keypoints.
        tracker: BoxMOT's name of it.
        options: what the tracker is set to.
        rows: in the order of the table.
        versions: of packages.
        command: what to type to do it again.
    """

    data: str
    data_sha256: str
    frames: int
    detections: str
    boxes: int
    keypoints: bool
    tracker: str
    options: Mapping[str, Any]
    rows: tuple[Row, ...]
    versions: Mapping[str, str]
    command: str
    schema_: Literal["keyreid.boxmot-benchmark/1"] = SCHEMA


def record_text(record: BenchmarkRecord) -> str:
    """The text of a file of schema `keyreid.boxmot-benchmark/1`."""
    import json

    content = record.model_dump(mode="json")
    return json.dumps({"schema": content.pop("schema_"), **content}, indent=1, ensure_ascii=False) + "\n"
