"""Curves of a training as a picture."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from keyreid_train.records import read_record

_LOSSES = ("identity", "triplet", "center", "attention", "distillation")


def plot_training(log: Path, validation: Path, target: Path) -> None:
    """Draw losses, accuracy, learning rate and validation scores.

    Args:
        log: the CSV record of the steps.
        validation: the CSV record of the validations; may be empty.
        target: the PNG file to write.
    """
    lines, scores = read_record(log), read_record(validation)
    steps = [float(line["step"]) for line in lines]
    figure = Figure(figsize=(12, 8), layout="constrained")
    (losses, accuracy), (rate, retrieval) = figure.subplots(2, 2)
    for name in _LOSSES:
        values = [float(line[name]) for line in lines]
        if any(values):
            losses.semilogy(steps, values, label=name)
    losses.set(title="losses, before their weights", xlabel="step")
    losses.legend()
    accuracy.plot(steps, [100 * float(line["accuracy"]) for line in lines])
    accuracy.set(title="training clips named right, %", xlabel="step", ylim=(0, 100))
    rate.plot(steps, [float(line["learning_rate"]) for line in lines])
    rate.set(title="learning rate", xlabel="step")
    epochs = [float(line["epoch"]) + 1 for line in scores]
    for name in ("rank1", "mean_average_precision"):
        retrieval.plot(epochs, [100 * float(line[name]) for line in scores], marker="o", label=name)
    retrieval.set(title="validation, %", xlabel="epochs done")
    retrieval.legend()
    figure.savefig(target, dpi=110)
