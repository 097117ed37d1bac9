"""What prepare shows of the images: samples of each class, and contradictions between labels."""

import numpy as np

from sightline.common.rows import evenly
from sightline.drawing.contact_sheet import say_part, thumbnail
from sightline.preparing.ingest import Images

CONFLICT_COLUMNS = ("class", "other_class", "id", "other_id")
CONFLICTS_SHOWN, LONGEST_NAME = 24, 32  # pairs, characters
MOST_THUMBNAILS = 800  # which make a picture of some megabytes at most, since it lies in Git

Sheet = tuple[str, list[tuple[str, np.ndarray]]]  # title, and rows of caption and uint8 [n, H, W, 3]


def sample_sheet(pixels: np.ndarray, labels: np.ndarray, classes: list[str], each: int, side: int) -> Sheet:
    """Choose `each` images of a class, evenly spaced, as thumbnails of `side` pixels for the contact sheet.

    Of many classes some are chosen, evenly spaced too, and the title says so.
    """
    rows = []
    for label in evenly(len(classes), max(1, MOST_THUMBNAILS // each)):
        members = np.flatnonzero(labels == label)
        samples = members[evenly(len(members), each)]
        # shrunk one by one: photos of a thousand classes would take a gigabyte
        small = np.stack([np.asarray(thumbnail(pixels[place], side)) for place in samples])
        rows.append((f"{classes[label]} ({len(members):,})", small))
    return f"samples of each class (images){say_part(len(rows), len(classes))}", rows


def conflict_rows(images: Images, conflicts: np.ndarray, classes: list[str]) -> list[tuple[str, str, str, str]]:
    """Name the classes and ids of each pair of equal images."""
    return [
        (classes[images.labels[one]], classes[images.labels[other]], images.ids[one], images.ids[other])
        for one, other in conflicts
    ]


def conflict_sheet(pixels: np.ndarray, images: Images, conflicts: np.ndarray, classes: list[str]) -> Sheet:
    """Show the first pairs of equal images with their labels."""
    title = f"equal pixels under two labels: {len(conflicts)}"
    shown = conflicts[:CONFLICTS_SHOWN]
    names = conflict_rows(images, shown, classes)
    captions = [f"{one} / {other}: {_short(one_id)} = {_short(other_id)}" for one, other, one_id, other_id in names]
    return title, [(caption, pixels[pair]) for caption, pair in zip(captions, shown, strict=True)]


def _short(name: str) -> str:
    """Return the end of a long path, which tells files apart."""
    return name if len(name) <= LONGEST_NAME else f"…{name[-LONGEST_NAME:]}"
