"""The training loop.

Everything random follows from the seed, the epoch and the step, never from what ran before: a training that was cut
between two epochs and resumed gives the same numbers as one that was not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import torch

from keyreid_stream.errors import ConfigError, KeyReIDError
from keyreid_train.averaging import MovingAverage
from keyreid_train.checkpoints import Checkpoint, check_continues, load_checkpoint, save_checkpoint
from keyreid_train.feeding import Serving, TrainingData, servings
from keyreid_train.hardware import hardware_name
from keyreid_train.learner import Learner, Lesson
from keyreid_train.losses.total import LossTerms
from keyreid_train.meter import LossMeter
from keyreid_train.network import starting_network
from keyreid_train.optimiser import build_optimiser, center_parameters
from keyreid_train.outcome import Outcome, TrainReport
from keyreid_train.sampler import IdentitySampler
from keyreid_train.schedule import learning_rate_factor
from keyreid_train.settings import TrainConfig
from keyreid_train.surroundings import accelerator_for, memory_advice, on_device, randomness_restored, step_seed
from keyreid_train.tensorboard_record import require_tensorboard

CHECKPOINT = "checkpoint.pt"


class Progress(NamedTuple):
    """Told to whoever watches a training, at every line of the log and every validation.

    Attributes:
        epoch, epochs: the epoch that runs, 0-based, and how many there are.
        step, steps: steps done in the whole training, and how many there are.
        values: the line of the log.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    values: dict[str, Any]


class TrainingFailedError(KeyReIDError):
    """The training cannot go on; what was learned until the last checkpoint is kept."""


class Trainer:
    """One training, from its start or from its last checkpoint to its end.

    Attributes:
        config: its settings.
        learner: the network with its losses.
        average: the moving average of the network, which is validated and saved.
    """

    def __init__(
        self,
        config: TrainConfig,
        data: TrainingData,
        out: Path,
        *,
        resume: bool = False,
        command: str | None = None,
        watch: Callable[[Progress], None] | None = None,
    ) -> None:
        """Prepare a training.

        Args:
            config: its settings.
            data: what it reads.
            out: its folder; made if it is missing.
            resume: go on from the folder's checkpoint.
            command: what the user typed, for the record.
            watch: is told how it goes.

        Raises:
            InputError: settings, data, weights or checkpoint do not fit each other.
            MissingExtraError: TensorBoard is wanted and not installed.
        """
        if config.loop.tensorboard:
            require_tensorboard()
        self.config, self._data, self._out = config, data, out
        self._watch = watch or (lambda _: None)
        self._accelerator = accelerator_for(config)
        _check_frames(config)
        self._sampler = IdentitySampler(
            data.appearances,
            config.batch,
            steps=config.loop.steps,
            seed=config.seed,
            process=self._accelerator.process_index,
            processes=self._accelerator.num_processes,
        )
        model, parent = starting_network(config, len(data.people))
        model.to(self._accelerator.device)
        self.average = MovingAverage(model, config.loop.average_decay)
        with randomness_restored(self._accelerator.device):
            torch.manual_seed(config.seed)  # of the centers
            self.learner = Learner(model, config.loss).to(self._accelerator.device)
        self._centers = center_parameters(self.learner)
        self._others = [one for name, one in self.learner.named_parameters() if not name.endswith("centers")]
        self._wrapped, self._optimiser, self._center_optimiser = self._accelerator.prepare(
            self.learner,
            build_optimiser(self.learner, config.optimiser),
            torch.optim.SGD(self._centers, lr=config.optimiser.center_learning_rate),
        )
        self.first_epoch, best = self._restore() if resume else (0, None)
        self._outcome: Outcome | None = None
        if self._accelerator.is_main_process:
            out.mkdir(parents=True, exist_ok=True)
            self._outcome = Outcome(
                config,
                data,
                out,
                parent,
                command,
                hardware=hardware_name(self._accelerator.device, self._accelerator.num_processes),
                steps=self._sampler.steps,
                first_epoch=self.first_epoch,
                best=best,
            )

    @property
    def steps(self) -> int:
        """Batches of the whole training, per process."""
        return self.config.loop.epochs * self._sampler.steps

    @property
    def process(self) -> int:
        """The number of this process; 0 is the one that writes."""
        return int(self._accelerator.process_index)

    def run(self) -> TrainReport | None:
        """Train to the end.

        Returns:
            The report; None in a process other than the first, which writes nothing.

        Raises:
            TrainingFailedError: the loss is no number any more.
            ConfigError: a batch does not fit into memory.
        """
        with randomness_restored(self._accelerator.device):
            for epoch in range(self.first_epoch, self.config.loop.epochs):
                self._train_epoch(epoch)
                self._finish_epoch(epoch)
        return None if self._outcome is None else self._outcome.finish(self.average.network)

    def _train_epoch(self, epoch: int) -> None:
        self._wrapped.train()
        meter, accumulation = LossMeter(), self.config.loop.accumulation
        for place, serving in enumerate(servings(self._data, self._sampler, epoch, self.config.loop.workers)):
            done, left = place % accumulation, self._sampler.steps - place
            group = done + min(accumulation - done, left)  # the last group of an epoch may be smaller
            step = epoch * self._sampler.steps + place
            lesson = self._step(serving, step, group, moves=done + 1 == group)
            meter.add(lesson, len(serving.batch.labels) * serving.batch.images.shape[1])
            if (place + 1) % self.config.loop.log_every == 0 or left == 1:
                self._log(epoch, step, meter)

    def _step(self, serving: Serving, step: int, group: int, *, moves: bool) -> Lesson:
        """Forward and backward; the parameters move after the last batch of a group."""
        seed = step_seed(self.config.seed, step, self._accelerator.process_index)
        torch.manual_seed(seed)  # stochastic depth draws from torch's own randomness
        generator = torch.Generator().manual_seed(seed)
        batch, teacher = on_device(serving, self._accelerator.device)
        try:
            with nullcontext() if moves else self._accelerator.no_sync(self._wrapped):
                lesson: Lesson = self._wrapped(batch, teacher, generator)
                self._accelerator.backward(lesson.terms.total / group)
        except torch.OutOfMemoryError as error:
            raise ConfigError(memory_advice(self.config)) from error
        if moves:
            self._move(step)
        return Lesson(LossTerms(*(term.detach() for term in lesson.terms)), lesson.accuracy)

    def _move(self, step: int) -> None:
        factor = learning_rate_factor(step, self.steps, self.config.schedule)
        for settings in self._optimiser.param_groups:
            settings["lr"] = settings["peak"] * factor
        if self.config.optimiser.gradient_norm:
            self._accelerator.clip_grad_norm_(self._others, self.config.optimiser.gradient_norm)
        self._optimiser.step()
        self._center_optimiser.step()
        self._optimiser.zero_grad()
        self._center_optimiser.zero_grad()
        self.average.update(self.learner.model, step)

    def _log(self, epoch: int, step: int, meter: LossMeter) -> None:
        values = meter.line() | {
            "epoch": epoch,
            "step": step + 1,
            "learning_rate": float(self._optimiser.param_groups[0]["lr"]),
        }
        if not math.isfinite(values["total"]):
            raise TrainingFailedError(
                f"the loss is {values['total']} near step {step + 1}; lower optimiser.learning_rate "
                f"({self.config.optimiser.learning_rate}) or set loop.precision to 'no', and use --resume"
            )
        if self._outcome is not None:
            self._outcome.log(values)
            self._watch(Progress(epoch, self.config.loop.epochs, step + 1, self.steps, values))

    def _finish_epoch(self, epoch: int) -> None:
        """Validate if it is time, then write the checkpoint: what is in it has been told."""
        self._accelerator.wait_for_everyone()
        if self._outcome is not None:
            last = epoch + 1 == self.config.loop.epochs
            if last or (epoch + 1) % self.config.loop.validate_every == 0:
                values = self._outcome.validate(self.average.network, epoch)
                if values:
                    step = (epoch + 1) * self._sampler.steps
                    self._watch(Progress(epoch, self.config.loop.epochs, step, self.steps, values))
            save_checkpoint(self._out / CHECKPOINT, self._state(epoch + 1, self._outcome.best))
        self._accelerator.wait_for_everyone()

    def _state(self, epoch: int, best: tuple[float, int] | None) -> Checkpoint:
        scaler = self._accelerator.scaler
        return Checkpoint(
            epoch=epoch,
            settings=self.config.model_dump_json(),
            people=self._data.people,
            learner=self.learner.state_dict(),
            average=self.average.state_dict(),
            optimiser=self._optimiser.state_dict(),
            center_optimiser=self._center_optimiser.state_dict(),
            scaler={} if scaler is None else scaler.state_dict(),
            best=best,
        )

    def _restore(self) -> tuple[int, tuple[float, int] | None]:
        path = self._out / CHECKPOINT
        found = load_checkpoint(path)
        check_continues(path, found, self.config.model_dump(mode="json"), self._data.people)
        self.learner.load_state_dict(found.learner)
        self.average.load_state_dict(found.average)
        self._optimiser.load_state_dict(found.optimiser)
        self._center_optimiser.load_state_dict(found.center_optimiser)
        if self._accelerator.scaler is not None and found.scaler:
            self._accelerator.scaler.load_state_dict(found.scaler)
        return found.epoch, found.best


def _check_frames(config: TrainConfig) -> None:
    longest, slots = max(config.batch.frames), config.model.frames
    if longest > slots:
        raise ConfigError(
            f"batch.frames has clips of {longest} frames, but the model holds {slots}; "
            f"set batch.frames to numbers up to {slots}, or model.frames to {longest}"
        )
