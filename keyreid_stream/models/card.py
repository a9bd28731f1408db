"""Model cards: what weights are, who may use them for what, and every figure with its protocol, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from keyreid_stream.models.load import ModelCard
from keyreid_stream.models.weights import Provenance, ScoredFigures, WeightsFile

_NOT_STATED = "not stated"

_CAUTION = (
    "Embeddings tell people apart: where they come from footage of real people they are biometric data, and law and "
    "decency limit what they may be used for. Nothing here was measured for fairness between groups of people."
)


def model_card(weights: WeightsFile) -> str:
    """The card of a pair of files; what nobody noted is called not stated, never left out."""
    provenance = weights.provenance
    pieces = [
        f"# {_text(weights.path.stem)}",
        _summary(weights),
        _table(("network", ""), _network_rows(weights)),
        "## Data and terms",
        f"The weights: {_text(provenance.terms)}.",
        _data(provenance),
        "## How they were made",
        _table(("", ""), _making_rows(weights)),
        "## Figures",
        _figures(provenance),
        "## Limits",
        _CAUTION,
    ]
    if provenance.notes:
        pieces += ["## Notes", _text(provenance.notes)]
    return "\n\n".join(pieces) + "\n"


def _summary(weights: WeightsFile) -> str:
    provenance, config = weights.provenance, weights.config
    card = ModelCard(
        config.name,
        config.mode,
        _parameters(weights),
        provenance.trained,
        weights.sha256,
        str(weights.path),
        provenance.data_sets,
    )
    about = f"Person re-identification over clips of {config.frames} crops, for `keyreid track --weights`."
    return about if card.notice is None else f"{about}\n\n**Note:** {_text(card.notice)}."


def _network_rows(weights: WeightsFile) -> list[tuple[str, str]]:
    config = weights.config
    changed = ", ".join(f"{name} {number}" for name, number in config.reshaped.items())
    return [
        ("kind", config.mode),
        ("backbone", f"{config.backbone}{f' with {changed}' if changed else ''}, {config.stem} stem"),
        ("crops", f"{config.crop_height} x {config.crop_width} pixels, clips of {config.frames}"),
        ("parts", f"{config.parts}, {config.part_dim} numbers each"),
        ("parameters", f"{_parameters(weights):,}"),
        ("file", f"{weights.path.stat().st_size:,} bytes, SHA-256 `{weights.sha256}`"),
    ]


def _making_rows(weights: WeightsFile) -> list[tuple[str, str]]:
    provenance = weights.provenance
    hours = provenance.hours
    rows = [
        ("made by", provenance.source),
        ("day", provenance.created.isoformat()),
        ("recipe", provenance.recipe or _NOT_STATED),
        ("command", f"`{provenance.command}`" if provenance.command else _NOT_STATED),
        ("hardware", provenance.hardware or _NOT_STATED),
        ("time of training steps", _NOT_STATED if hours is None else f"{hours:.2g} hours"),
    ]
    for label, sha256 in (("started from", provenance.parent_sha256), ("converted from", provenance.source_sha256)):
        if sha256:
            rows.append((label, f"SHA-256 `{sha256}`"))
    return rows


def _data(provenance: Provenance) -> str:
    if not provenance.data_sets:
        return f"Trained on: {_NOT_STATED if provenance.trained else 'nothing; the parameters are random'}."
    terms = provenance.data_terms
    return _table(("trained on", "terms"), [(name, terms.get(name, _NOT_STATED)) for name in provenance.data_sets])


def _figures(provenance: Provenance) -> str:
    pieces = []
    if provenance.metrics:
        rows = [(name.replace("_", " "), _figure(name, value)) for name, value in provenance.metrics.items()]
        pieces.append("While training:\n\n" + _table(("figure", "value"), rows))
    by_data: dict[str, list[ScoredFigures]] = {}
    for one in provenance.figures:
        by_data.setdefault(one.data, []).append(one)
    for data, figures in by_data.items():
        names = list(dict.fromkeys(name for one in figures for name in one.values))
        rows_of_data = [
            (one.protocol, *(_figure(name, one.values[name]) if name in one.values else "" for name in names))
            for one in figures
        ]
        heading = ("protocol", *(name.replace("_", " ") for name in names))
        seen = ", which they were trained on" if data in provenance.data_sets else ""
        pieces.append(f"On {_text(data)}{seen}:\n\n" + _table(heading, rows_of_data))
    return "\n\n".join(pieces) or "None were noted."


def _figure(name: str, value: float) -> str:
    """A share in percent; a count as it is."""
    if name.endswith("queries"):
        return f"{value:.0f}"
    return f"{100 * value:.1f} %" if 0 <= value <= 1 else f"{value:g}"


def _parameters(weights: WeightsFile) -> int:
    return sum(
        tensor.numel()
        for name, tensor in weights.tensors.items()
        if tensor.is_floating_point() and not name.endswith(("running_mean", "running_var"))
    )


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *([_text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(text: str) -> str:
    """In one line, and without what would be markup: this may come from a file of somebody else's."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
