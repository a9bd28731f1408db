"""Relational distillation: who resembles whom, learned from a teacher's embeddings (Fang et al., arXiv 2101.04731).

Letters: B clips, E and F numbers of the student's and of the teacher's embeddings.
"""

from __future__ import annotations

import torch
from torch.nn.functional import kl_div, normalize


def relational_distillation(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """How far the student's ranking of the other clips is from the teacher's.

    Every clip's cosines to all others in the batch become a distribution (a softmax at this temperature); the loss is
    the Kullback-Leibler divergence of the student's from the teacher's, averaged over the clips. Embeddings may
    differ in size, and nothing about them but the relations is imitated.

    Args:
        student: (B, E), not normalised.
        teacher: (B, F), not normalised; takes no gradient.
        temperature: above 0; the smaller, the more the nearest clips count.

    Returns:
        A scalar, 0 for equal relations.
    """
    ours = _log_relations(student, temperature)
    wanted = _log_relations(teacher.detach(), temperature)
    return kl_div(ours, wanted, log_target=True, reduction="batchmean")


def _log_relations(embeddings: torch.Tensor, temperature: float) -> torch.Tensor:
    """(B, B - 1) log-probabilities of the other clips."""
    unit = normalize(embeddings.float(), dim=1)
    cosines = unit @ unit.T / temperature
    count = len(cosines)
    others = ~torch.eye(count, dtype=torch.bool, device=cosines.device)
    return cosines[others].view(count, count - 1).log_softmax(dim=1)
