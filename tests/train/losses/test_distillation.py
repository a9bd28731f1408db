from __future__ import annotations

import math

import pytest
import torch

from keyreid_train.losses.distillation import relational_distillation


def test_equal_relations_cost_nothing_whatever_the_coordinates() -> None:
    generator = torch.Generator().manual_seed(0)
    student = torch.randn(6, 4, generator=generator)
    turn = torch.linalg.qr(torch.randn(7, 4, generator=generator)).Q
    assert relational_distillation(student, 3 * student @ turn.T, 0.1).item() == pytest.approx(0, abs=1e-5)


def test_three_clips_by_hand() -> None:
    # The teacher's clips are at right angles: to each, both others are equally close (1/2, 1/2). The student's first
    # two are equal and the third opposite: cosines of the first are 1, -1, so are the second's; the third's -1, -1.
    teacher = torch.eye(3)
    student = torch.tensor([[1.0], [1.0], [-1.0]])
    temperature = 2.0
    near = 1 / (1 + math.exp(-2 / temperature))
    divergence = 0.5 * math.log(0.5 / near) + 0.5 * math.log(0.5 / (1 - near))
    loss = relational_distillation(student, teacher, temperature)
    assert loss.item() == pytest.approx(2 * divergence / 3, rel=1e-5)


def test_it_teaches_the_student_alone() -> None:
    student = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    teacher = torch.randn(4, 5, generator=torch.Generator().manual_seed(1)).requires_grad_()
    relational_distillation(student, teacher, 0.1).backward()
    assert student.grad is not None
    assert student.grad.abs().sum() > 0
    assert teacher.grad is None
