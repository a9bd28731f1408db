from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keyreid_stream.errors import MissingExtraError
from keyreid_train.feeding import TrainingData
from keyreid_train.records import read_record
from keyreid_train.settings import TrainConfig
from keyreid_train.trainer import Progress, Trainer
from tests.train.painted_people import painted_config, painted_data


def told(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard would show: every figure's steps and values."""
    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(one.step, one.value) for one in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def with_board(**loop: object) -> TrainConfig:
    config = painted_config()
    return painted_config(loop=config.loop.model_copy(update={"tensorboard": True} | loop))


def test_tensorboard_is_told_what_the_log_says(tmp_path: Path) -> None:
    Trainer(with_board(), painted_data()[1], tmp_path).run()
    figures, lines = told(tmp_path / "tensorboard"), read_record(tmp_path / "log.csv")
    assert {"loss/total", "loss/triplet", "training/learning_rate", "training/accuracy"} <= figures.keys()
    assert not {"training/step", "training/epoch"} & figures.keys()
    for name in ("loss/total", "training/learning_rate"):
        expected = [(int(line["step"]), float(line[name.partition("/")[2]])) for line in lines]
        assert [step for step, _ in figures[name]] == [step for step, _ in expected]
        assert [value for _, value in figures[name]] == pytest.approx([value for _, value in expected], rel=1e-4)


class CutError(Exception):
    pass


def cut_in_second_epoch(progress: Progress) -> None:
    if progress.epoch == 1:
        raise CutError


def test_a_resumed_training_tells_no_step_twice(tmp_path: Path) -> None:
    with pytest.raises(CutError):
        Trainer(with_board(), painted_data()[1], tmp_path, watch=cut_in_second_epoch).run()
    Trainer(with_board(), painted_data()[1], tmp_path, resume=True).run()
    steps = [step for step, _ in told(tmp_path / "tensorboard")["loss/total"]]
    assert steps == [int(line["step"]) for line in read_record(tmp_path / "log.csv")]


def test_it_can_be_asked_for_when_a_training_resumes(tmp_path: Path) -> None:
    data: TrainingData = painted_data()[1]
    with pytest.raises(CutError):
        Trainer(painted_config(), data, tmp_path, watch=cut_in_second_epoch).run()
    assert not (tmp_path / "tensorboard").exists()
    Trainer(with_board(), painted_data()[1], tmp_path, resume=True).run()
    assert min(step for step, _ in told(tmp_path / "tensorboard")["loss/total"]) > 3


def test_without_tensorboard_only_who_asks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith(("tensorboard", "torch.utils.tensorboard"))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(MissingExtraError, match=r'pip install "keyreid-stream\[tensorboard\]"'):
        Trainer(with_board(), painted_data()[1], tmp_path / "run")
    assert not (tmp_path / "run").exists()
    Trainer(painted_config(), painted_data()[1], tmp_path / "run")
