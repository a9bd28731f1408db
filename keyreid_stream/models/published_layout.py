"""The tensors of a published checkpoint: their names and shapes, and where they belong in our model."""

from __future__ import annotations

from dataclasses import dataclass

from keyreid_stream.models.keyreid import KeyReID

CAMERAS = "base.Cam"
CLASSIFIER = "classifier.weight"
POSITIONS = "base.pos_embed"
LOCAL_BLOCK = "block1."
LOCAL_BLOCK_ALIAS = "b2.0."

_IMAGENET_CLASSES = 1000
_PREFIXES = {
    "frame_encoder.backbone.vit.": "base.",
    "frame_encoder.cameras.weight": CAMERAS,
    "frame_encoder.global_block.": "b1.0.",
    "frame_encoder.global_norm.": "b1.1.",
    "clip_head.temporal.reduce.": "attention_conv.",
    "clip_head.temporal.score.": "attention_tconv.",
    "clip_head.global_norm.": "bottleneck.",
    "clip_head.local.block.": LOCAL_BLOCK,
    "clip_head.local.norm.": "b2.1.",
    "classifiers.on_global.": "classifier.",
}
_NUMBERED_PREFIXES = {"clip_head.part_norms.": "bottleneck_", "classifiers.on_parts.": "classifier_"}


@dataclass(frozen=True, slots=True)
class PublishedLayout:
    """What a published checkpoint holds for a given model.

    Attributes:
        shapes: the shape of every tensor, by published name.
        ours: our name of every tensor that is used, by published name.
    """

    shapes: dict[str, tuple[int, ...]]
    ours: dict[str, str]

    @property
    def ignored(self) -> tuple[str, ...]:
        """Tensors that are in the file and take no part in any embedding, or are aliases of others."""
        return tuple(name for name in self.shapes if name not in self.ours)


def published_layout(model: KeyReID) -> PublishedLayout:
    """The checkpoint that fits this model (in published mode) with its classes, cameras and position grid."""
    ours = {published_name(name): name for name in model.state_dict()}
    tensors = model.state_dict()
    used = {published: _published_shape(published, tuple(tensors[name].shape)) for published, name in ours.items()}
    depth = len(model.frame_encoder.backbone.vit.blocks)
    return PublishedLayout({**used, **_never_computed(used, depth), **_aliases(used)}, ours)


def published_name(name: str) -> str:
    """The published name of one of our tensors."""
    for prefix, published in _PREFIXES.items():
        if name.startswith(prefix):
            return published + name.removeprefix(prefix)
    for prefix, published in _NUMBERED_PREFIXES.items():
        if name.startswith(prefix):
            index, rest = name.removeprefix(prefix).split(".", maxsplit=1)
            return f"{published}{int(index) + 1}.{rest}"
    raise ValueError(f"{name!r} has no place in a published checkpoint")


def _published_shape(published: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Cameras were stored to broadcast over tokens, and the first temporal layer as a convolution of 1 by 1."""
    if published == CAMERAS:
        return shape[0], 1, shape[1]
    if published == "attention_conv.weight":
        return (*shape, 1, 1)
    return shape


def _never_computed(used: dict[str, tuple[int, ...]], depth: int) -> dict[str, tuple[int, ...]]:
    """The backbone's own last block, norm and classifier: the global branch took their place."""
    channels = used["base.cls_token"][-1]
    block = {
        name.replace(".0.", f".{depth}.", 1): shape for name, shape in used.items() if name.startswith("base.blocks.0.")
    }
    norm = {"base.norm.weight": (channels,), "base.norm.bias": (channels,)}
    classifier = {"base.fc.weight": (_IMAGENET_CLASSES, channels), "base.fc.bias": (_IMAGENET_CLASSES,)}
    return block | norm | classifier


def _aliases(used: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The local block was registered twice."""
    return {
        LOCAL_BLOCK_ALIAS + name.removeprefix(LOCAL_BLOCK): shape
        for name, shape in used.items()
        if name.startswith(LOCAL_BLOCK)
    }
