"""What a model card says of the terms of the data sets that we can read."""

from __future__ import annotations

_RESEARCH = "research only"
_OWN_TERMS = "its authors' terms, which come with the data"

_TERMS = {
    "cuhk03": _RESEARCH,
    "cuhk01": _RESEARCH,
    "worlds": "drawn by this package: nobody's footage, no terms",
    "folder": "the user's own footage",
    "mars": _OWN_TERMS,
    "ilids": _OWN_TERMS,
    "prid2011": _OWN_TERMS,
    "lsvid": _OWN_TERMS,
    "duke": "withdrawn by its authors in 2019",
}


def terms_of(data_set: str) -> str:
    """The terms of a data set, by its name or that of one of its splits, such as `ilids-2`."""
    return _TERMS.get(data_set.partition("-")[0], "not known")
