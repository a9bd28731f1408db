from __future__ import annotations

import pytest
from pydantic import ValidationError

from keyreid_stream.errors import ConfigError
from keyreid_stream.models.config import NAMED_MODELS, ModelConfig, named_model


@pytest.mark.parametrize("field", ["name", "backbone"])
@pytest.mark.parametrize("text", ["", "\x1b[31mred", "two\nlines", "hub:owner/name", "../up", ".hidden", "x" * 129])
def test_names_cannot_drive_a_terminal_or_lead_elsewhere(field: str, text: str) -> None:
    with pytest.raises(ValidationError, match=field):
        ModelConfig.model_validate({"name": "mine", "backbone": "test_vit"} | {field: text})


def test_a_backbone_may_name_its_pretraining() -> None:
    name = "vit_base_patch16_224.augreg_in21k"
    assert ModelConfig(name="mine", backbone=name).backbone == name


def test_models_are_known_by_their_own_names() -> None:
    assert {name: named_model(name).name for name in NAMED_MODELS} == {name: name for name in NAMED_MODELS}
    with pytest.raises(ConfigError, match="unknown model 'huge'; choose one of: tiny, small, base, published"):
        named_model("huge")
