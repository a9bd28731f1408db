"""Public benchmarks of tracking: what each leaves out of the scores, and which of its sequences are meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.mot_files import ALIKE

_NON_MOTORISED_VEHICLE = 6

_HEADER = "name"
"""First line of every sequence map that the benchmarks give out."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """How a benchmark scores.

    Every sequence numbers its people for itself, and all people count, however little of them can be seen.

    Attributes:
        name: as users type it.
        ignored_classes: classes of the truth; results on them do not count.
    """

    name: str
    ignored_classes: tuple[int, ...] = ALIKE


BENCHMARKS: Mapping[str, Benchmark] = MappingProxyType(
    {
        benchmark.name: benchmark
        for benchmark in (
            Benchmark("mot16"),
            Benchmark("mot17"),
            # Bicycles and prams with somebody beside them stand everywhere in its crowds.
            Benchmark("mot20", (*ALIKE, _NON_MOTORISED_VEHICLE)),
            # All its truth is of class 1; it is scored with MOT17's rule.
            Benchmark("dancetrack"),
        )
    }
)
"""By name."""


def benchmark_named(name: str) -> Benchmark:
    """The benchmark of a name, in capitals or not.

    Raises:
        InputError: there is none; the line lists them.
    """
    try:
        return BENCHMARKS[name.lower()]
    except KeyError:
        raise InputError(
            f"benchmark {name!r} is not known; give {', '.join(BENCHMARKS)}, or none for truth of your own"
        ) from None


def read_sequence_map(path: Path) -> tuple[str, ...]:
    """Read which sequences are meant: a name on each line, after a first line `name` where there is one.

    Raises:
        InputError: the file cannot be read, names none or one twice, or a name is no folder's.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read as text ({error}); give a file with a sequence on each line"
        ) from error
    names = [line for line in lines if line]
    if names[:1] == [_HEADER]:
        names = names[1:]
    if not names:
        raise InputError(f"{path} names no sequence; write one on each line")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"{path} names {', '.join(twice)} more than once; name each sequence once")
    if odd := [name for name in names if "/" in name or "\\" in name or name.startswith(".")]:
        raise InputError(f"{path} names {odd[0]!r}, which is no sequence's folder; write folders' names, not paths")
    return tuple(names)
