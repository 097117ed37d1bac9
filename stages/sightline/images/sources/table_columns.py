"""Columns of a table that say where an image belongs: kept where they are called subset, refused where not."""

import math
import sys
from pathlib import Path

from sightline.common.errors import SightlineError
from sightline.images.sources.layouts.subset_names import WORDS, subset_of, subsets_of, words_of
from sightline.images.sources.names import MISSING
from sightline.images.store import BOX_COLUMNS, INDEX_COLUMNS

RESERVED = {*INDEX_COLUMNS, "row", "fold", "near_labelled"}  # names of what prepare and split tell of an image
DIVIDES = {"split", "splits", "partition", "subset", "subsets", "fold", "folds", "kfold", "cv", *WORDS}
FILLERS = {
    "is",
    "in",
    "for",
    "image",
    "images",
    "data",
    "dataset",
    "set",
    "sample",
    "flag",
    "id",
    "index",
    "number",
    "cv",
}
REFUSED = ("", "unlabelled")


def refuse_missing_group(group: str, where: str) -> None:
    """Raise SightlineError for a group that programs write where there is none: all such images would be one group."""
    if group.lower() in MISSING:
        raise SightlineError(f"{where}: the group {group!r} stands for a missing value: leave the cell empty")


def refuse_subset(text: str, where: str) -> None:
    """Raise SightlineError for a cell of the column subset that is neither empty nor a subset's name."""
    if text and subset_of(text) in REFUSED:
        raise SightlineError(f"{where}: subset {text!r} must be one of train, val, test or empty")


def may_be_pooled(subset: str) -> bool:
    """Tell whether an image without a label may be learnt from: val and test, where labels are withheld, may not."""
    return not subset or subset_of(subset) in ("train", "unlabelled")


def read_subsets(written: list[str]) -> list[str]:
    """Return train, val, test or ``""`` for each cell of the column subset."""
    kinds = {"": "", **subsets_of({text for text in written if text}, shared_words=False)}
    return [sys.intern(kinds[text]) for text in written]


def refuse_divisions(path: Path, further: dict[str, list[str]]) -> None:
    """Raise SightlineError for a further column that divides the images: its test images would be trained on.

    Parameters
    ----------
    further : dict of str to list of str
        Cells by the column's name.
    """
    for name, cells in further.items():
        values = sorted(set(cells) - {""})
        if values and all(map(subset_of, values)):
            reason = f"holds only {', '.join(values[:4])}"
        elif _is_division(name):
            reason = "is called as if it divided the images"
        else:
            continue
        raise SightlineError(
            f"{path}: the column {name!r} {reason}: call it subset (train, val, test) or name it "
            f"by prepare.subset to keep that division, or remove it to draw another"
        )


def _is_division(name: str) -> bool:
    words = set(words_of(name))
    return name.lower() == "set" or (bool(words & DIVIDES) and words <= DIVIDES | FILLERS)


def check_box(box: list[str], where: str) -> None:
    """Raise SightlineError for the four cells of a box that are neither all empty nor numbers of a real box."""
    if any(box) and not (all(_is_number(text) for text in box) and min(map(float, box[2:])) > 0):
        raise SightlineError(
            f"{where}: {', '.join(BOX_COLUMNS)} must be four numbers, the width and height above 0, "
            f"or all empty (got {', '.join(map(repr, box))})"
        )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and text.isascii() and "_" not in text  # pandas reads neither back
    except ValueError:
        return False
