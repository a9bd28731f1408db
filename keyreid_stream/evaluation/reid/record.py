"""An evaluation as a file: what was scored on what, how, and what every query found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import stdev
from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field, ValidationError, model_validator

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.reid.pair_record import Frozen, Share, Similarities
from keyreid_stream.evaluation.reid.ranking import RetrievalScore
from keyreid_stream.evaluation.reid.search import SearchPart, SearchResult, mean_score

CMC_RANKS = 50

CORRECT_RULE = "same camera removed"
MISTAKEN_RULE = "WRONG: published code's rule, keeps finds in the same camera"


class Figures(Frozen):
    """Means and, over splits, standard deviations; fractions."""

    rank1: Share
    rank5: Share
    rank10: Share
    mean_average_precision: Share
    queries: int


class Part(Frozen):
    """One direction of one split, and its queries in columns.

    Attributes:
        name: such as `c1 > c2`.
        asked: queries, with those that have nothing to find.
        same_camera: finds in the query's own camera that counted as right.
        queries: names of the tracklets that were looked for and have something to find.
        average_precisions: of each.
        first_ranks: entries before the first right one, of each.
    """

    name: str
    asked: int
    same_camera: int
    queries: tuple[str, ...]
    average_precisions: tuple[Share, ...]
    first_ranks: tuple[int, ...]

    @model_validator(mode="after")
    def _columns_fit(self) -> Part:
        if not len(self.queries) == len(self.average_precisions) == len(self.first_ranks) > 0:
            raise ValueError("queries, average_precisions and first_ranks must be equally many, at least one")
        return self


class Split(Frozen):
    """One test; its figures are the mean over its parts."""

    name: str
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]


class Row(Frozen):
    """One way of comparing, under one rule.

    Attributes:
        similarity: its name.
        rule: which finds are removed.
        figures: means over the splits.
        deviations: standard deviations over the splits; None for one split.
        cmc: shares of queries with a right entry among the first 1, 2, ...
        similarities: how alike pairs are; None where that was not counted.
        splits: everything in detail.
    """

    similarity: str
    rule: str = CORRECT_RULE
    figures: Figures
    deviations: Figures | None = None
    cmc: tuple[Share, ...]
    similarities: Similarities | None = None
    splits: Annotated[tuple[Split, ...], Field(min_length=1)]


class Embedder(Frozen):
    """What embedded the tracklets."""

    name: str
    sha256: str


class ReidRecord(Frozen):
    """A whole evaluation.

    Attributes:
        data: name of the data set.
        protocol: who looks for whom, in words.
        tracklets: how many were embedded.
        embedder: what embedded them.
        clips: which clips of a tracklet, in words.
        keypoints: whether parts were placed by keypoints.
        hidden: the half of the queries that was black; None for neither.
        reranking: settings of the re-ranking; None for none.
        device: where it ran.
        command: that did it.
        versions: of the packages.
        rows: the figures.
    """

    schema_name: Annotated[Literal["keyreid.reid/1"], Field(alias="schema")] = "keyreid.reid/1"
    data: str
    protocol: str
    tracklets: int
    embedder: Embedder
    clips: str
    keypoints: bool
    hidden: str | None = None
    reranking: Mapping[str, float] | None = None
    device: str
    command: str
    versions: Mapping[str, str]
    rows: Annotated[tuple[Row, ...], Field(min_length=1)]

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    def row(self, similarity: str) -> Row:
        """The figures of one way of comparing, under the correct rule.

        Raises:
            InputError: it was not scored so.
        """
        for row in self.rows:
            if row.similarity == similarity and row.rule == CORRECT_RULE:
                return row
        known = ", ".join(dict.fromkeys(row.similarity for row in self.rows))
        raise InputError(f"{self.embedder.name} was not scored by similarity {similarity!r}; there is: {known}")


def row_of(
    similarity: str,
    results: Mapping[str, SearchResult],
    queries: Mapping[str, Sequence[Sequence[str]]],
    rule: str = CORRECT_RULE,
    similarities: Similarities | None = None,
) -> Row:
    """The row of searches.

    Args:
        similarity: its name.
        results: by split.
        queries: by split and part, the names of all that were looked for.
        rule: which finds were removed.
        similarities: how alike pairs are.
    """
    scores = [result.score for result in results.values()]
    cmc = np.mean([result.cmc(CMC_RANKS) for result in results.values()], axis=0)
    splits = [
        Split(
            name=name, parts=tuple(_part(part, asked) for part, asked in zip(result.parts, queries[name], strict=True))
        )
        for name, result in results.items()
    ]
    return Row(
        similarity=similarity,
        rule=rule,
        figures=Figures(**asdict(mean_score(scores))),
        deviations=_deviations(scores) if len(scores) > 1 else None,
        cmc=tuple(min(1.0, float(share)) for share in cmc),
        similarities=similarities,
        splits=tuple(splits),
    )


def record_text(record: ReidRecord) -> str:
    """The text of the file."""
    return json.dumps(record.model_dump(mode="json", by_alias=True), ensure_ascii=False, indent=1) + "\n"


def read_record(path: Path) -> ReidRecord:
    """An evaluation that was written before.

    Raises:
        InputError: the file is missing, damaged, or something else.
    """
    try:
        return ReidRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); give an --out file of keyreid eval reid"
        ) from error
    except (ValidationError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path} is no --out file of keyreid eval reid ({reason})") from error


def _part(part: SearchPart, names: Sequence[str]) -> Part:
    ranking = part.ranking
    return Part(
        name=part.name,
        asked=ranking.asked,
        same_camera=ranking.same_camera,
        queries=tuple(names[place] for place in ranking.places),
        average_precisions=tuple(ranking.average_precisions.tolist()),
        first_ranks=tuple(ranking.first_ranks.tolist()),
    )


def _deviations(scores: Sequence[RetrievalScore]) -> Figures:
    columns = {name: [asdict(score)[name] for score in scores] for name in asdict(scores[0])}
    return Figures(**{name: stdev(values) if name != "queries" else 0 for name, values in columns.items()})
