from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.world.scene import Furniture, Pillar, Wall
from keyreid_stream.world.solids import Solids


def test_distance_to_a_turned_box_is_measured_from_its_sides() -> None:
    box = Furniture(centre=(2.0, 1.0), size=(2.0, 1.0, 0.5), heading_deg=90.0).solid("box")
    places = np.array([[2.0, 1.0], [2.5, 1.0], [3.0, 1.0], [2.0, 3.0], [2.5 + 3.0, 2.0 + 4.0]])

    assert Solids([box]).clearance(places) == pytest.approx([-0.5, 0.0, 0.5, 1.0, 5.0])


def test_a_pillar_is_round_and_a_wall_has_thickness() -> None:
    solids = Solids(
        [
            Pillar(centre=(0.0, 0.0), radius=0.5).solid("pillar"),
            Wall(start=(5.0, 0.0), end=(5.0, 4.0), thickness=0.2).solid("wall"),
        ]
    )

    assert solids.distances(np.array([[3.0, 4.0]]))[0] == pytest.approx([4.5, 1.9])


def test_outwards_leads_away_from_the_nearest_solid() -> None:
    solids = Solids([Pillar(centre=(1.0, 1.0), radius=0.5).solid("pillar")])

    assert solids.outwards(np.array([[1.3, 1.0], [1.0, 0.2]])) == pytest.approx(np.array([[1, 0], [0, -1]]), abs=1e-6)


def test_nothing_is_in_the_way_on_an_empty_floor() -> None:
    solids = Solids([])

    assert np.isinf(solids.clearance(np.zeros((2, 2)))).all()
    assert solids.around(0, 0, 0) is None
