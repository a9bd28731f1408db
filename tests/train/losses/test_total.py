from __future__ import annotations

import torch

from keyreid_stream.models.clip_head import ClipFeatures
from keyreid_stream.models.keyreid import ClassScores
from keyreid_stream.structures import EmbeddingLayout
from keyreid_train.losses.attention import attention_loss
from keyreid_train.losses.config import LossConfig
from keyreid_train.losses.distillation import relational_distillation
from keyreid_train.losses.identity import identity_loss, part_identity_loss
from keyreid_train.losses.total import TotalLoss
from keyreid_train.losses.triplet import pairwise_distances, part_triplets, soft_margin_triplet

LAYOUT = EmbeddingLayout(global_dim=5, parts=2, part_dim=3)
LABELS = torch.tensor([0, 0, 1, 1])


def random_features() -> tuple[ClipFeatures, ClassScores, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    visibility = torch.tensor([[1.0, 0.5], [1.0, 0.0], [0.5, 1.0], [1.0, 1.0]])
    features = ClipFeatures(
        normal(4, 11), visibility, normal(4, 5), normal(4, 5), normal(4, 2, 3), normal(4, 2, 3), normal(4, 2)
    )
    return features, ClassScores(normal(4, 2), normal(4, 2, 2)), normal(4, 7)


def test_terms_are_mixed_and_weighted_as_the_method_says() -> None:
    features, scores, teacher = random_features()
    config = LossConfig(triplet=2.0, attention=0.3, distillation=0.7, temperature=0.5)
    loss = TotalLoss(config, LAYOUT, classes=2)
    erased = torch.tensor([[0.0, 1.0]] * 4)
    terms = loss(features, scores, LABELS, erased, teacher)
    visible = features.visibility > 0
    identity = 0.75 * identity_loss(scores.global_scores, LABELS, 0.1) + 0.25 * part_identity_loss(
        scores.part_scores, LABELS, visible, 0.1
    )
    triplet = 0.75 * soft_margin_triplet(pairwise_distances(features.global_feature), LABELS) + 0.25 * part_triplets(
        features.part_features, LABELS, visible
    )
    own_global, own_parts = loss.global_centers.centers[LABELS], loss.part_centers.centers[LABELS]
    of_global = (features.global_feature[:, None] - own_global).square().sum(dim=2).mean()
    of_parts = (features.part_features - own_parts).square().sum(dim=2)[visible].mean()
    center = 0.75 * of_global + 0.25 * of_parts
    attention = attention_loss(features.attention_logits, erased)
    distillation = relational_distillation(features.embedding, teacher, 0.5)
    torch.testing.assert_close(
        torch.stack(terms[1:]), torch.stack([identity, triplet, center, attention, distillation])
    )
    torch.testing.assert_close(
        terms.total, identity + 2.0 * triplet + 0.0005 * center + 0.3 * attention + 0.7 * distillation
    )


def test_without_a_teacher_nothing_is_distilled() -> None:
    features, scores, _ = random_features()
    terms = TotalLoss(LossConfig(distillation=1.0), LAYOUT, classes=2)(features, scores, LABELS, torch.zeros(4, 2))
    assert terms.distillation == 0


def test_the_triplet_loss_may_compare_what_comes_after_the_neck() -> None:
    features, scores, _ = random_features()
    loss = TotalLoss(LossConfig(triplet_on="after_neck"), LAYOUT, classes=2)
    expected = 0.75 * soft_margin_triplet(pairwise_distances(features.global_neck), LABELS) + 0.25 * part_triplets(
        features.part_necks, LABELS, features.visibility > 0
    )
    torch.testing.assert_close(loss(features, scores, LABELS, torch.zeros(4, 2)).triplet, expected)
