from __future__ import annotations

import pytest

from keyreid_stream.errors import ConfigError
from keyreid_stream.models.build import build_skeleton
from keyreid_train.recipes import recipe, recipe_names, recipe_purpose
from keyreid_train.schedule import learning_rate_factor


@pytest.mark.parametrize("name", recipe_names())
def test_recipes_know_their_name_and_fit_a_network(name: str) -> None:
    config = recipe(name)
    assert config.recipe == name
    assert recipe_purpose(name)
    model = build_skeleton(config.model, classes=10)
    assert max(config.batch.frames) <= model.config.frames


def test_the_published_recipe_has_the_published_numbers() -> None:
    config = recipe("mars_vit_base_published")
    rates = [
        config.optimiser.learning_rate * learning_rate_factor(epoch, 121, config.schedule) for epoch in (0, 5, 120)
    ]
    assert rates == pytest.approx([8e-5, 0.008, 1.6e-5], rel=0.01)
    assert config.optimiser.learning_rate * config.optimiser.bias_factor == 0.016
    assert (config.optimiser.name, config.optimiser.momentum, config.optimiser.weight_decay) == ("sgd", 0.9, 1e-4)
    assert (config.batch.identities, config.batch.clips, config.batch.frames) == (4, 4, (4,))
    assert (config.loss.global_share, config.loss.label_smoothing, config.loss.center) == (0.75, 0.1, 0.0005)
    assert config.loop.epochs == 120
    assert config.model.mode == "published"


def test_an_unknown_recipe_brings_the_list() -> None:
    with pytest.raises(ConfigError, match="unknown recipe 'huge'; choose one of: world_tiny, cuhk_tiny, keyreid_tiny"):
        recipe("huge")
