"""KeyRe-ID inside BoxMOT's own evaluation, beside other re-ID networks on the same detections."""

from keyreid_stream.tracking.benchmark.benchmark import Benchmark
from keyreid_stream.tracking.benchmark.entrants import Entrant, KeyReIDEntrant, PictureEntrant
from keyreid_stream.tracking.benchmark.people import PeopleFinder, PublicBoxes, TrueBoxes
from keyreid_stream.tracking.benchmark.record import BenchmarkRecord, record_text
from keyreid_stream.tracking.benchmark.sequences import Sequences, find_sequences

__all__ = [
    "Benchmark",
    "BenchmarkRecord",
    "Entrant",
    "KeyReIDEntrant",
    "PeopleFinder",
    "PictureEntrant",
    "PublicBoxes",
    "Sequences",
    "TrueBoxes",
    "find_sequences",
    "record_text",
]
