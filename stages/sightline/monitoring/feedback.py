"""Labels that came later: how often the service was right, where it was worst, and what to label next."""

import csv
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from sightline.common.errors import SightlineError
from sightline.monitoring.lines import Seen
from sightline.scoring.metrics.intervals import wilson_interval

KEYS = ("image", "request")
NO_LABELS = {"image": {}, "request": {}}
LEVEL = 0.95  # of intervals
LEAST = 5  # labelled images in a slice
SURE = (0.5, 0.7, 0.9, 0.99)  # where confidence is cut into slices


class Rate(NamedTuple):
    """How often the service was right, with Wilson's interval."""

    name: str
    images: int
    accuracy: float
    low: float
    high: float


def read_feedback(path: Path, classes: list[str]) -> dict[str, dict[str, str]]:
    """Read labels by SHA-256 of the image and by request id; the last one of a key counts.

    Raises
    ------
    SightlineError
        The file or a column is missing, or a row has no key, or a label that is no class.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise SightlineError(f"{path}: {error.strerror}: name a CSV with image or request, and label") from None
    except (UnicodeDecodeError, csv.Error):
        raise SightlineError(f"{path}: not a CSV in UTF-8") from None
    labels = {key: {} for key in KEYS}
    for line, row in enumerate(rows, start=2):
        key = next((key for key in KEYS if row.get(key)), None)
        if key is None:
            raise SightlineError(f"{path}: line {line}: has neither image, its SHA-256, nor request, its id")
        if row.get("label") not in classes:
            raise SightlineError(f"{path}: line {line}: label {row.get('label')!r}: is none of the model's classes")
        labels[key][row[key]] = row["label"]
    return labels


def join(seen: list[Seen], labels: dict[str, dict[str, str]]) -> pd.DataFrame:
    """Return one row an answered image: label (None where nobody told it), predicted, confidence, margin, ...

    A request id labels an image only where its request had no other.
    """
    requests = Counter(image.request for image in seen)
    rows = []
    for image in seen:
        label = labels["image"].get(image.image)
        if label is None and requests[image.request] == 1:
            label = labels["request"].get(image.request)
        best = sorted(image.top.values(), reverse=True)
        margin = best[0] - best[1] if len(best) > 1 else best[0]
        brightness = image.pixels["brightness"] if image.pixels else np.nan
        rows.append((label, image.predicted, image.confidence, margin, brightness, image.time[:10], image.image))
    columns = ["label", "predicted", "confidence", "margin", "brightness", "day", "image"]
    return pd.DataFrame(rows, columns=columns)


def rates(table: pd.DataFrame) -> list[Rate]:
    """Return the accuracy of all labelled images, then of their slices, that with the lowest upper bound first."""
    known = table[table["label"].notna()]
    if known.empty:
        return []
    right = known["label"] == known["predicted"]
    slices = {
        "predicted": known["predicted"],
        "label": known["label"],
        "confidence": pd.cut(known["confidence"], [0, *SURE, 1], include_lowest=True),
        "day": known["day"],
    }
    if known["brightness"].nunique() > 10:
        slices["brightness"] = pd.qcut(known["brightness"], 4, duplicates="drop")
    found = [
        _rate(f"{what} {value}", part)
        for what, values in slices.items()
        for value, part in right.groupby(values, observed=True)
        if LEAST <= len(part) < len(right)
    ]
    return [_rate("all", right), *sorted(found, key=lambda rate: rate.high)]


def most_useful(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return images that nobody labelled, those whose two best classes are nearest first, predicted classes in turns.

    Settles, 2009, "Active Learning Literature Survey", section 3.1: margin sampling; the turns keep one class that is
    hard from taking all places.
    """
    known = set(table["image"][table["label"].notna()])
    left = table[~table["image"].isin(known)].drop_duplicates("image").sort_values("margin", kind="stable")
    turn = left.groupby("predicted").cumcount()
    return left.assign(turn=turn).sort_values(["turn", "margin"], kind="stable").drop(columns="turn").head(most)


def _rate(name: str, right: pd.Series) -> Rate:
    low, high = wilson_interval(np.array(right.sum()), len(right), LEVEL)
    return Rate(name, len(right), *(round(float(number), 4) for number in (right.mean(), low, high)))
