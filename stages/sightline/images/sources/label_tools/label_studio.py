"""What all exports of Label Studio share: how a choice is written, and which key of the data names the image."""

from sightline.common.errors import SightlineError, quote_some
from sightline.images.sources.names import IMAGE_SUFFIXES
from sightline.images.sources.naming import Naming
from sightline.images.sources.records.records import as_text

KINDS = ("choices", "taxonomy")  # of controls
TOOL = "Label Studio"
AGREEMENT = "agreement"  # what some editions tell of a task; the column of that name is ours


def choices_in(value: object) -> tuple[str, ...]:
    """Return what was chosen; steps of a choice within another are joined by slashes."""
    marks = value if isinstance(value, list) else [value]
    chosen = [choice for mark in marks for choice in (_chosen(mark) if isinstance(mark, dict) else [mark])]
    texts = ("/".join(map(str, choice)) if isinstance(choice, list) else as_text(choice) for choice in chosen)
    return tuple(sorted(set(filter(None, texts))))


def _chosen(value: dict[str, list]) -> list:
    return next((value[kind] for kind in KINDS if kind in value), [])


def image_key(data: list[dict], naming: Naming, where: str) -> str:
    """Return the key of the data that names the image: the one that is told, `image`, or the only one that may."""
    keys = {key for task in data for key in task}
    if "path" in naming.changed():
        if naming.path not in keys:
            found = quote_some(sorted(keys))
            raise SightlineError(f"{where}: no task has {naming.path!r} in its data (found: {found}): set prepare.path")
        return naming.path
    if "image" in keys:
        return "image"
    named = sorted({key for task in data for key, value in task.items() if _names_image(value)})
    if len(named) == 1:
        return named[0]
    raise SightlineError(
        f"{where}: which of the data {quote_some(sorted(keys))} names the image is not clear: say so by prepare.path"
    )


def _names_image(value: object) -> bool:
    parts = value.lower().split("?") if isinstance(value, str) else []
    return any(part.endswith(tuple(IMAGE_SUFFIXES)) for part in parts)
