"""Where the network is weaker: accuracy by class, group, image size and whatever else the index tells of an image."""

import itertools

import numpy as np
import pandas as pd

from sightline.images.store import INDEX_COLUMNS
from sightline.scoring.metrics.intervals import wilson_interval

QUANTILES = 4  # parts into which numbers are cut
KNOWN = {*INDEX_COLUMNS, "row", "fold"}
FEWEST = 2  # images a value, on average: a column with fewer, such as a file's name, slices nothing
MOST_VALUES = 10  # a column of more different numbers is cut


def describe_images(index: pd.DataFrame) -> pd.DataFrame:
    """Return what images can be sliced by, one column of text a property; blank where an image has no value.

    Parameters
    ----------
    index : pandas.DataFrame
        Rows of index.csv. `class`, `group` and the size in pixels (the root of width x height) are used, and every
        column beyond those that prepare always writes, unless nearly every image has a value of its own. Text that
        is a number counts as one.

    Returns
    -------
    pandas.DataFrame
        Same rows. Only properties in which images differ.
    """
    size = np.sqrt(index["width"] * index["height"]).round().astype(int)
    columns = {"class": index["class"], "group": index["group"], "size in px": _cut(size)}
    further = {name: _cut(index[name]) for name in index.columns if name not in KNOWN}
    columns |= {name: values for name, values in further.items() if _groups_images(values)}
    return pd.DataFrame({name: values for name, values in columns.items() if values.nunique() > 1}, index=index.index)


def measure_slices(properties: pd.DataFrame, right: np.ndarray, confidence: float) -> pd.DataFrame:
    """Measure each slice, the surest weak one first.

    Parameters
    ----------
    properties : pandas.DataFrame
        From `describe_images`, one row an image.
    right : ndarray
        bool [n], whether its prediction is right.
    confidence : float
        Of the intervals, in (0, 1).

    Returns
    -------
    pandas.DataFrame
        slice (property and value), images, accuracy, low, high (Wilson's interval). Sorted by high: where few images
        make the interval wide, a slice comes late.
    """
    tables = []
    for name, values in properties.items():
        known = (values != "").to_numpy()
        if not known.any():
            continue
        grouped = pd.Series(right[known], dtype=float).groupby(values[known].to_numpy(), sort=True)
        table = pd.DataFrame({"images": grouped.size(), "accuracy": grouped.mean()})
        tables.append(table.assign(slice=[f"{name} {value}" for value in table.index]))
    empty = pd.DataFrame({"images": [], "accuracy": [], "slice": []})
    table = pd.concat(tables, ignore_index=True) if tables else empty
    low, high = wilson_interval(table["accuracy"] * table["images"], table["images"], confidence)
    table = table.assign(low=low, high=high).astype({"images": int})
    columns = ["slice", "images", "accuracy", "low", "high"]
    return table[columns].sort_values(["high", "slice"], kind="stable", ignore_index=True)


def summarize_slices(table: pd.DataFrame) -> dict:
    """Return the worst slice and the spread of the accuracy over all of them; nothing without slices."""
    if table.empty:
        return {}
    worst = table.iloc[0]
    numbers = {name: float(worst[name]) for name in ("accuracy", "low", "high")}
    return {"slices": {"worst": {"slice": worst["slice"], "images": int(worst["images"])} | numbers}}


def _groups_images(values: pd.Series) -> bool:
    known = values[values != ""]
    return known.nunique() <= len(known) / FEWEST


def _cut(values: pd.Series) -> pd.Series:
    """Return values as text: few different ones as they are, many numbers as ranges of about equally many images."""
    text = values.astype(str)
    numbers = pd.to_numeric(text[text != ""], errors="coerce").astype(float)
    if numbers.nunique() <= MOST_VALUES or not np.isfinite(numbers).all():
        return text
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, QUANTILES + 1)))
    quantile = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
    names = np.array([f"{low:.6g} to {high:.6g}" for low, high in itertools.pairwise(edges)], dtype=object)
    return pd.Series(names[quantile], index=numbers.index).reindex(values.index, fill_value="")
