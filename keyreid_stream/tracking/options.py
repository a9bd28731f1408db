"""The settings of BoxMOT's trackers: which there are, what may override them, and the tracker built from them."""

from __future__ import annotations

import inspect
import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeGuard

from keyreid_stream.errors import ConfigError
from keyreid_stream.tracking.trackers import TRACKERS
from keyreid_stream.tracking.version import require_boxmot

NOT_OPTIONS = frozenset(
    {
        # Appearance comes from KeyRe-ID, precomputed: BoxMOT must never load (that is, download) a model of its own.
        *("reid_model", "reid_weights", "device", "half", "reid_preprocess"),
        # One class, upright boxes.
        *("per_class", "class_ids", "class_names", "is_obb"),
        # Set by `camera_motion_compensation`.
        *("use_cmc", "cmc_off"),
    }
)


def tracker_defaults(name: str) -> dict[str, Any]:
    """Every option of a tracker with its default: BoxMOT's tuned settings, else its constructor's.

    Raises:
        KeyReIDError: the installed BoxMOT is not one we support.
    """
    require_boxmot()
    from boxmot.trackers.config import load_tracker_defaults

    tuned = load_tracker_defaults(name)
    known = _constructor_defaults(_tracker_class(name)) | tuned
    refused = NOT_OPTIONS | TRACKERS[name].refused
    return {option: default for option, default in sorted(known.items()) if option not in refused}


def check_options(name: str, options: Mapping[str, Any], *, compensating: bool) -> None:
    """Refuse overrides that the tracker does not have, that are of the wrong kind, or that would do nothing.

    Raises:
        ConfigError: naming the option and what is allowed.
    """
    defaults = tracker_defaults(name)
    for option, value in options.items():
        if option not in defaults:
            raise ConfigError(f"{name} has no option {option!r}; it accepts: {', '.join(defaults)}")
        if option == "cmc_method" and not compensating:
            raise ConfigError(f"{name}'s option 'cmc_method' needs camera_motion_compensation; set that to true")
        _check_kind(name, option, value, defaults[option])


def build_tracker(name: str, options: Mapping[str, Any], *, compensating: bool, fps: float) -> Any:
    """A BoxMOT tracker that takes precomputed appearance and never loads, downloads or installs anything.

    Trackers that count lost frames in units of 1/30 s (`frame_rate`) are told `fps`, unless `options` says otherwise.

    Raises:
        ConfigError: the tracker refuses a value.
        KeyReIDError: the installed BoxMOT is not one we support.
    """
    require_boxmot()
    from boxmot.trackers.config import load_tracker_defaults

    settings: dict[str, Any] = load_tracker_defaults(name)
    if "frame_rate" in settings:
        settings["frame_rate"] = fps
    settings |= options
    if not compensating:
        settings |= TRACKERS[name].without_compensation
    tracker_class = _tracker_class(name)
    try:
        with quiet_boxmot():
            tracker = tracker_class(**settings)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name} refuses its options {dict(options)}: {error}") from None
    if name == "strongsort":
        if not compensating:
            tracker.cmc = None  # it always compensates camera motion; its constructor has no option for that
        confirm_as_configured(tracker)
    return tracker


@contextmanager
def quiet_boxmot() -> Iterator[None]:
    """Keep BoxMOT's own handler from telling about every tracker; its warnings are heard."""
    import boxmot.utils  # noqa: F401  # sets the logger's level when it is first imported

    logger = logging.getLogger("boxmot")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _tracker_class(name: str) -> Any:
    import boxmot

    return getattr(boxmot, TRACKERS[name].class_name)


def _constructor_defaults(tracker_class: Any) -> dict[str, Any]:
    """Keyword parameters of the constructor and of those it passes `**kwargs` on to; None where one has no default."""
    defaults: dict[str, Any] = {}
    for base in tracker_class.__mro__:
        if "__init__" not in vars(base) or base is object:
            continue
        for parameter in list(inspect.signature(base.__init__).parameters.values())[1:]:
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                plain = parameter.default if isinstance(parameter.default, bool | int | float | str) else None
                defaults.setdefault(parameter.name, plain)
    return defaults


def _check_kind(name: str, option: str, value: object, default: object) -> None:
    if isinstance(default, bool):
        fits, wanted = isinstance(value, bool), "true or false"
    elif isinstance(default, int | float):
        fits, wanted = _is_number_like(value, default)
    elif isinstance(default, str):
        fits, wanted = isinstance(value, str), "a text"
    else:
        fits, wanted = value is None or isinstance(value, bool | str) or _is_number(value), "a plain value"
    if not fits:
        raise ConfigError(f"{name}'s option {option!r} is {value!r}; give {wanted} (default: {default!r})")


def _is_number_like(value: object, default: float) -> tuple[bool, str]:
    """Whether a value is a number of the default's kind, and what that is: BoxMOT takes a negative age without a word.

    A default that is a whole number above 0 is a count (of frames, hits, observations): there must be something.
    """
    if not _is_number(value) or default < 0:
        return _is_number(value), "a finite number"
    if isinstance(default, int) and default > 0:
        return value > 0, "a number above 0"
    return value >= 0, "a number from 0 on"


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def confirm_as_configured(tracker: Any) -> None:
    """Let a StrongSORT tracker confirm tracks after `n_init` detections everywhere.

    Where the environment says GITHUB_ACTIONS it confirms a track at its first detection: a run must not depend on where
    it runs.
    """
    if tracker.n_init <= 1:
        return
    from boxmot.trackers.box.strongsort.track import TrackState

    initiate = tracker._initiate_track

    def initiate_tentative(detection: Any) -> None:
        initiate(detection)
        tracker.tracks[-1].state = TrackState.Tentative

    tracker._initiate_track = initiate_tentative
