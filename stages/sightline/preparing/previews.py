"""What prepare shows of the images: samples of each class, and contradictions between labels."""

import numpy as np

from sightline.common.rows import evenly
from sightline.drawing.contact_sheet import say_part, thumbnail
from sightline.preparing.ingest import Ingested

CONFLICT_COLUMNS = ("class", "other_class", "id", "other_id")
MOST_CONFLICTS = 24  # pairs
LONGEST_NAME = 32  # characters
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


def conflict_rows(images: Ingested, conflicts: np.ndarray, classes: list[str]) -> list[tuple[str, str, str, str]]:
    """Name the classes and ids of each pair of equal images."""
    return [
        (classes[images.labels[first]], classes[images.labels[second]], images.ids[first], images.ids[second])
        for first, second in conflicts
    ]


def conflict_sheet(pixels: np.ndarray, images: Ingested, conflicts: np.ndarray, classes: list[str]) -> Sheet:
    """Show the first pairs of equal images with their labels."""
    title = f"equal pixels under two labels: {len(conflicts)}"
    pairs = conflicts[:MOST_CONFLICTS]
    captions = [
        f"{first} / {second}: {_end_of(first_id)} = {_end_of(second_id)}"
        for first, second, first_id, second_id in conflict_rows(images, pairs, classes)
    ]
    return title, [(caption, pixels[pair]) for caption, pair in zip(captions, pairs, strict=True)]


def _end_of(name: str) -> str:
    """Return the end of a long path, which tells files apart."""
    return name if len(name) <= LONGEST_NAME else f"…{name[-LONGEST_NAME:]}"
