"""Which images an earlier model has learnt from: those that the split.csv beside it names as train."""

from pathlib import Path

import numpy as np

from sightline.common.files import read_table
from sightline.images.samples import Samples
from sightline.images.store import read_index

SPLIT = "split.csv"  # a copy of the data/split/split.csv that the model was trained by


def read_seen(weights: str) -> set[str] | None:
    """Return the ids of the images that the model in a folder has learnt from; None where no split.csv tells them."""
    path = Path(weights, SPLIT)
    if not weights or not path.is_file():
        return None
    split = read_table(path, text=("id", "subset"))
    return set(split.loc[split["subset"] == "train", "id"])


def mark_seen(samples: Samples, weights: str) -> np.ndarray:
    """Return whether the earlier model is known to have learnt from each of the samples, bool [N]."""
    seen = read_seen(weights)
    if not seen:
        return np.zeros(len(samples), dtype=bool)
    ids = read_index(columns=("id",))["id"].to_numpy()[samples.row]
    return np.array([identity in seen for identity in ids], dtype=bool)


def count_seen_judges(samples: Samples, weights: str) -> dict[str, dict[str, int]]:
    """Return how many images that judge here the earlier model has learnt from, as a part of metrics/train.json.

    Returns
    -------
    dict
        ``learnt_before``: val, test and folds -> images, where there are any; empty without any.
    """
    seen = samples[mark_seen(samples, weights)]
    counts = {"val": len(seen.of("val")), "test": len(seen.of("test")), "folds": int((seen.fold >= 0).sum())}
    counts = {name: count for name, count in counts.items() if count}
    return {"learnt_before": counts} if counts else {}


def seen_notes(counts: dict[str, int], weights: str) -> list[str]:
    """Return a line about what `count_seen_judges` counted, if anything."""
    if not counts:
        return []
    told = ", ".join(f"{count:,} of {name}" for name, count in counts.items())
    return [
        f"train: {weights} has learnt from images that judge here ({told}), so that scores come out too high: with "
        "split.method: hash no image moves when others come"
    ]
