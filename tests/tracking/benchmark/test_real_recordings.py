"""BoxMOT's evaluation on real recordings, with the network that BoxMOT tracks with."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyreid_stream.evaluation.tracking import score_run
from keyreid_stream.tracking.benchmark import Benchmark, PictureEntrant, TrueBoxes, find_sequences
from keyreid_train.embedders.interface import ClipImages
from keyreid_train.embedders.onnx import OnnxEmbedder
from tests.tracking.benchmark.recordings import keyreid


@pytest.mark.data
def test_both_evaluations_of_mot17_agree(data: Path, tmp_path: Path) -> None:
    osnet = OnnxEmbedder(data / "weights" / "osnet_x0_25_msmt17.onnx")
    baseline = PictureEntrant(
        "onnx:osnet", osnet.sha256, lambda pictures: osnet.embed([ClipImages((one,), None) for one in pictures]).vectors
    )
    sequences = find_sequences(data / "mot17_mini", ("MOT17-05-FRCNN", "MOT17-09-FRCNN"))
    kept = tmp_path / "kept"
    record = Benchmark(sequences, TrueBoxes(sequences, 0.1), "botsort", keep_tracks=kept).run([keyreid(), baseline])
    assert (record.frames, len(record.rows)) == (10, 3)
    for row, folder in zip(record.rows, sorted(kept.iterdir()), strict=True):
        ours = score_run(folder, sequences.folder, min_visibility=0)
        for name, figures in row.sequences.items():
            for share in ("hota", "deta", "assa", "idf1", "mota"):
                assert getattr(figures, share) == pytest.approx(getattr(ours.cameras[name], share), abs=1e-6)
        assert row.sequences["MOT17-09-FRCNN"].hota > 0.9
        assert row.sequences["MOT17-05-FRCNN"].fn > 0, "people of whom less than a tenth can be seen"
