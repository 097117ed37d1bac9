"""Which images of the pool may be asked for, and what is said of a batch."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightline.common.errors import SightlineError
from sightline.images.store import DatasetSpec
from sightline.networks.saved import ModelSpec

if TYPE_CHECKING:
    import pandas as pd


def find_askable(index: "pd.DataFrame", asked: "pd.DataFrame", again: bool) -> tuple[np.ndarray, list[str]]:
    """Return the rows, int64 [n], of images that no batch had and that look like no labelled one; and lines on others.

    Parameters
    ----------
    index : pandas.DataFrame
        data/pool/index.csv.
    asked : pandas.DataFrame
        The rows of all batches.
    again : bool
        Whether those of batches may be asked for once more.

    Raises
    ------
    SightlineError
        None is left.
    """
    if not len(index):
        raise SightlineError(
            "label: data/pool holds no image: each has a label already, or there is none without: name such images by "
            "prepare.unlabelled, then `dvc repro`"
        )
    known = (index["near_labelled"] != "").to_numpy()
    in_batch = index["sha256"].str.decode("ascii").isin(set(asked["sha256"])).to_numpy() & ~known
    left_out = [(known, "look like labelled ones (near_labelled in data/pool/index.csv)")]
    left_out += [] if again else [(in_batch, "are in earlier batches: read their labels, or ask once more by --again")]
    notes = [f"{rows.sum():,} images of the pool {reason}" for rows, reason in left_out if rows.any()]
    askable = np.flatnonzero(~np.logical_or.reduce([rows for rows, _ in left_out]))
    if not len(askable):
        raise SightlineError(f"label: no image is left to ask for: {'; '.join(notes)}")
    return askable, notes


def refuse_other_pixels(dataset: DatasetSpec, spec: ModelSpec) -> None:
    """Raise SightlineError where the pool was decoded in another way than the images that the model learnt from."""
    if dataset.preprocessing != spec.preprocessing:
        raise SightlineError("label: the model was trained on images of another size or preprocessing: run `dvc repro`")


def describe_batch(folder: Path, count: int, wanted: int, alike: int) -> list[str]:
    """Return lines on a batch that was written.

    Parameters
    ----------
    count, wanted : int
        Images in it, and asked for.
    alike : int
        How many images of the pool were left out for another one that looks like them.
    """
    of_alike = f", {alike:,} of the pool look like another one of it" if alike else ""
    lines = [f"{count:,} images{of_alike}: {folder}/sheet.png shows them"]
    if count < wanted:
        lines.append(f"{wanted:,} were asked for, the pool has no more that differ")
    lines.append(
        f"import {folder}/tasks.json into Label Studio (docs/few_labels.md), then `make label READ=<its JSON export>`"
    )
    return lines
