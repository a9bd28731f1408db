from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.errors import ConfigError, InputError
from keyreid_train.data.structures import Tracklet, TrackletSet
from keyreid_train.searches import Search, load_searches, search_names, searches_of


def tracklets(name: str, *rows: tuple[str, str]) -> TrackletSet:
    return TrackletSet(
        name, tuple(Tracklet(person, camera, f"{person}/{camera}", (Path("x.png"),)) for person, camera in rows)
    )


def named(search: Search, places: np.ndarray | None) -> list[str]:
    assert places is not None
    return [search.tracklets[place].name for place in places]


def test_mars_looks_for_queries_in_the_gallery_with_distractors() -> None:
    parts = {
        "mars-query": tracklets("mars-query", ("0007", "c1"), ("0002", "c3")),
        "mars-gallery": tracklets("mars-gallery", ("0000", "c2"), ("0002", "c1"), ("0007", "c1")),
    }
    (search,) = searches_of("mars", parts.__getitem__)
    assert named(search, search.queries) == ["query/0007/c1", "query/0002/c3"]
    assert named(search, search.gallery) == ["gallery/0000/c2", "gallery/0002/c1", "gallery/0007/c1"]
    assert search.people.tolist() == [2, 1, 0, 1, 2]
    assert [search.camera_names[camera] for camera in search.cameras] == ["c1", "c3", "c2", "c1", "c1"]
    assert search.protocol.startswith("2 queries against 3 gallery tracklets")


def test_two_camera_sets_are_searched_from_the_first_to_the_second_in_every_split() -> None:
    asked = []

    def read(part: str) -> TrackletSet:
        asked.append(part)
        return tracklets(part, ("ann", "a"), ("ann", "b"), ("bob", "b"), ("bob", "a"))

    searches = searches_of("prid2011", read)
    assert asked == ["prid2011-test", *(f"prid2011-{split}-test" for split in range(2, 11))]
    assert [one.name for one in searches] == asked
    assert named(searches[0], searches[0].queries) == ["ann/a", "bob/a"]
    assert named(searches[0], searches[0].gallery) == ["ann/b", "bob/b"]
    (third,) = searches_of("ilids-3", read)
    assert third.name == "ilids-3-test"
    with pytest.raises(ConfigError, match="no split 11 of ilids; choose 1 to 10"):
        searches_of("ilids-11", read)
    with pytest.raises(InputError, match="has 1 cameras, not two"):
        searches_of("ilids", lambda part: tracklets(part, ("ann", "a"), ("bob", "a")))


def test_all_others_are_searched_camera_to_camera() -> None:
    (search,) = searches_of("folder", lambda part: tracklets(part, ("ann", "x"), ("bob", "y")))
    assert (search.queries, search.gallery) == (None, None)
    assert search.people.tolist() == [1, 2]
    with pytest.raises(ConfigError, match=r"unknown data set 'marsupial'; choose from: .*cuhk03-val.*mars"):
        searches_of("marsupial", lambda part: tracklets(part))
    assert not any(name.endswith(("-query", "-gallery", "-test")) for name in search_names())


def test_a_folder_given_for_a_set_holds_all_its_parts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"MARS needs {tmp_path}/info/test_name.txt"):
        load_searches("mars", None, {"mars": tmp_path})
    with pytest.raises(InputError, match=rf"iLIDS-VID needs {tmp_path}/ilids/i-LIDS-VID"):
        load_searches("ilids-2", tmp_path, {})
    with pytest.raises(ConfigError, match="where is lsvid-query"):
        load_searches("lsvid", None, {})
