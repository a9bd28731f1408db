from __future__ import annotations

import pytest

from keyreid_stream.errors import ConfigError
from keyreid_train.overrides import with_settings
from keyreid_train.recipes import recipe


def test_settings_change_where_they_are_named() -> None:
    config = recipe("cuhk_tiny")
    changed = with_settings(
        config,
        ["loop.epochs=7", "batch.frames=[1, 2]", "model.name=other", "loss.triplet = 0.5", "data.folders.cuhk03=/a b"],
    )
    assert changed.loop.epochs == 7
    assert changed.batch.frames == (1, 2)
    assert changed.model.name == "other"
    assert changed.loss.triplet == 0.5
    assert changed.data.folders == {"cuhk03": "/a b"}
    assert changed.optimiser == config.optimiser
    assert with_settings(config, []) == config


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("loop.epochs", "is not NAME=VALUE"),
        ("=3", "is not NAME=VALUE"),
        (
            "lop.epochs=3",
            "no section 'lop'; choose from: augmentation, batch, data, loop, loss, model, optimiser, schedule",
        ),
        ("loop.epoch=3", r"unknown setting 'loop\.epoch'; choose from: .*epochs"),
        ("loop.epochs=many", r"setting 'loop\.epochs' is 'many'"),
        ("batch.identities=1", r"setting 'batch\.identities' is 1"),
        ("seed.deep=1", "no section 'seed'"),
    ],
)
def test_bad_settings_are_refused_in_one_line(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        with_settings(recipe("cuhk_tiny"), [assignment])
    assert "\n" not in str(caught.value)
