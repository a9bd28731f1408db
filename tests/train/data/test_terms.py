from __future__ import annotations

import pytest

from keyreid_train.assembly import set_names
from keyreid_train.data.terms import terms_of


@pytest.mark.parametrize("name", [*set_names(), "ilids-2", "prid2011-10-test"])
def test_a_set_that_can_be_read_has_terms(name: str) -> None:
    assert terms_of(name) != "not known"


def test_nobody_knows_the_terms_of_another_set() -> None:
    assert terms_of("elsewhere") == "not known"
    assert terms_of("cuhk03-val") == terms_of("cuhk03") == "research only"
