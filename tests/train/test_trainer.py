from __future__ import annotations

from pathlib import Path

import pytest
import torch

from keyreid_stream.errors import ConfigError, WeightsError
from keyreid_stream.models.load import load_model
from keyreid_stream.models.weights import load_weights
from keyreid_train.data.structures import ClipBatch
from keyreid_train.feeding import TrainingData
from keyreid_train.optimiser import OptimiserConfig
from keyreid_train.records import read_record, training_seconds
from keyreid_train.sampler import BatchConfig, ClipRequest
from keyreid_train.settings import LoopConfig, TrainConfig
from keyreid_train.trainer import CHECKPOINT, Progress, Trainer, TrainingFailedError
from tests.train.painted_people import PaintedClips, painted_config, painted_data


def changed(config: TrainConfig, **loop: object) -> TrainConfig:
    return config.model_copy(update={"loop": LoopConfig.model_validate(config.loop.model_dump() | loop)})


class CutError(Exception):
    pass


def stop_in_epoch(epoch: int) -> object:
    def watch(progress: Progress) -> None:
        if progress.epoch == epoch:
            raise CutError

    return watch


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_training_cut_in_two_equals_the_uncut_one(tmp_path: Path, accumulation: int) -> None:
    config = changed(painted_config(), accumulation=accumulation)
    whole = Trainer(config, painted_data()[1], tmp_path / "whole")
    whole.run()
    with pytest.raises(CutError):
        Trainer(config, painted_data()[1], tmp_path / "cut", watch=stop_in_epoch(1)).run()  # type: ignore[arg-type]
    torch.manual_seed(99)  # what happened in between must not matter
    resumed = Trainer(config, painted_data()[1], tmp_path / "cut", resume=True)
    assert resumed.first_epoch == 1
    resumed.run()
    for left, right in ((whole.learner, resumed.learner), (whole.average.network, resumed.average.network)):
        ours, theirs = left.state_dict(), right.state_dict()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert (tmp_path / "whole/last.safetensors").read_bytes() == (tmp_path / "cut/last.safetensors").read_bytes()
    logs = [read_record(tmp_path / name / "log.csv") for name in ("whole", "cut")]
    told = [[(line["step"], line["total"], line["learning_rate"]) for line in log] for log in logs]
    assert told[0] == told[1]
    assert len(told[0]) == 6


def test_accumulated_gradients_are_those_of_their_mean(tmp_path: Path) -> None:
    # An epoch of three batches with groups of two moves twice, the last time by one batch alone.
    config = changed(painted_config(), accumulation=2, epochs=1)
    trainer = Trainer(config, painted_data()[1], tmp_path)
    moves: list[int] = []
    update = trainer.average.update
    trainer.average.update = lambda network, step: (moves.append(step), update(network, step))[1]  # type: ignore[method-assign,func-returns-value]
    trainer.run()
    assert moves == [1, 2]


def test_torchs_randomness_is_left_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    Trainer(changed(painted_config(), epochs=1), painted_data()[1], tmp_path).run()
    assert torch.equal(torch.rand(3), expected)


def test_the_average_is_saved_as_weights_that_the_command_reads(tmp_path: Path) -> None:
    trainer = Trainer(painted_config(), painted_data()[1], tmp_path, command="keyreid train painted")
    report = trainer.run()
    assert report is not None
    assert report.weights == tmp_path / "last.safetensors"
    stored = load_weights(report.weights)
    assert stored.provenance.command == "keyreid train painted"
    assert stored.provenance.data_sets == ("painted",)
    assert stored.provenance.data_terms == {"painted": "not known"}
    assert "threads" in str(stored.provenance.hardware)
    assert stored.provenance.hours is not None
    assert {tensor.dtype for tensor in stored.tensors.values()} == {torch.float16, torch.int64}
    loaded = load_model(weights=str(report.weights))
    assert loaded.card.trained
    averaged = trainer.average.network.state_dict()
    for name, tensor in loaded.model.state_dict().items():
        torch.testing.assert_close(tensor, averaged[name], rtol=1e-3, atol=1e-3)
    assert not torch.equal(averaged["clip_head.global_norm.running_mean"], torch.zeros(64))


def test_hours_are_those_of_all_runs(tmp_path: Path) -> None:
    lines = [{"step": "20", "seconds_per_step": "1.5"}, {"step": "30", "seconds_per_step": "0.5"}]
    assert training_seconds(lines) == 35
    assert training_seconds([]) == 0


def test_losses_fall_and_people_are_learned(tmp_path: Path) -> None:
    config = painted_config(optimiser=OptimiserConfig(learning_rate=3e-3))
    config = changed(config, steps=60, epochs=1, log_every=5)
    Trainer(config, painted_data()[1], tmp_path).run()
    lines = read_record(tmp_path / "log.csv")
    assert float(lines[-1]["identity"]) < 0.7 * float(lines[0]["identity"])
    assert float(lines[-1]["accuracy"]) > 0.8


@pytest.mark.parametrize(
    ("people", "setting", "message"),
    [
        (5, {}, "is of 6 people, the training data have 5"),
        (6, {"seed": 3}, "was trained with seed = 0, now it is 3"),
        (6, {"batch": BatchConfig(identities=2, clips=2, frames=(1, 2))}, "was trained with batch.identities = 3"),
    ],
)
def test_resuming_another_training_is_refused(
    tmp_path: Path, people: int, setting: dict[str, object], message: str
) -> None:
    Trainer(changed(painted_config(), epochs=1), painted_data()[1], tmp_path).run()
    config = changed(painted_config(**setting), epochs=1)
    with pytest.raises(WeightsError, match=message) as caught:
        Trainer(config, painted_data(people)[1], tmp_path, resume=True)
    assert "\n" not in str(caught.value)


def test_settings_that_change_nothing_may_change(tmp_path: Path) -> None:
    with pytest.raises(CutError):
        Trainer(painted_config(), painted_data()[1], tmp_path, watch=stop_in_epoch(1)).run()  # type: ignore[arg-type]
    config = changed(painted_config(), log_every=1, validate_every=2)
    assert Trainer(config, painted_data()[1], tmp_path, resume=True).first_epoch == 1


@pytest.mark.parametrize("content", [b"", b"no checkpoint", None])
def test_damaged_checkpoints_are_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is None:
        Trainer(changed(painted_config(), epochs=1), painted_data()[1], tmp_path).run()
        content = (tmp_path / CHECKPOINT).read_bytes()[:-1000]
    (tmp_path / CHECKPOINT).write_bytes(content)
    with pytest.raises(WeightsError, match="checkpoint") as caught:
        Trainer(painted_config(), painted_data()[1], tmp_path, resume=True)
    assert "\n" not in str(caught.value)


def test_there_must_be_a_checkpoint_to_resume(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no checkpoint"):
        Trainer(painted_config(), painted_data()[1], tmp_path, resume=True)


def test_clips_longer_than_the_model_are_refused(tmp_path: Path) -> None:
    config = painted_config(batch=BatchConfig(identities=2, clips=2, frames=(1, 4)))
    with pytest.raises(ConfigError, match="clips of 4 frames, but the model holds 2"):
        Trainer(config, painted_data()[1], tmp_path)


def test_a_loss_that_is_no_number_stops_the_training_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    clips, data = painted_data()
    trainer = Trainer(painted_config(), data, tmp_path)
    poison = trainer.learner.loss.global_centers.centers

    class Poisoned(PaintedClips):
        def __getitem__(self, request: ClipRequest) -> ClipBatch:
            if request.epoch == 1:
                with torch.no_grad():
                    poison.fill_(torch.nan)
            return super().__getitem__(request)

    clips.__class__ = Poisoned
    with pytest.raises(TrainingFailedError, match=r"loss is nan near step.*lower optimiser\.learning_rate"):
        trainer.run()
    assert Trainer(painted_config(), painted_data()[1], tmp_path, resume=True).first_epoch == 1


def test_too_little_memory_brings_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(painted_config(), painted_data()[1], tmp_path)

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(trainer.learner.loss, "forward", full)
    with pytest.raises(ConfigError, match=r"set batch\.identities to 2 and loop\.accumulation to 2"):
        trainer.run()


def test_teachers_rows_follow_their_clips(tmp_path: Path) -> None:
    clips, data = painted_data()
    teacher = torch.arange(float(len(clips.appearances)))[:, None]
    taught = TrainingData(clips, clips.appearances, data.people, teacher=teacher)
    trainer = Trainer(changed(painted_config(), epochs=1), taught, tmp_path)
    seen: list[torch.Tensor] = []
    forward = trainer.learner.loss.forward

    def spy(*arguments: torch.Tensor) -> object:
        seen.append(arguments[4])
        return forward(*arguments)  # type: ignore[arg-type]

    trainer.learner.loss.forward = spy  # type: ignore[method-assign,assignment]
    trainer.run()
    assert torch.cat(seen).flatten().tolist() == [float(request.tracklet) for request in clips.asked]
