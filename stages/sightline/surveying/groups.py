"""How the classes are spread over the groups of a source, such as patients or cameras."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Groups:
    """Images a class and group, the largest groups first, and how far a group tells the class.

    Parameters
    ----------
    counts : pandas.DataFrame
        One row a group, one column a class.
    one_class : int
        Groups of two images or more that hold one class alone.
    larger : int
        Groups of two images or more.
    """

    counts: pd.DataFrame
    one_class: int
    larger: int


def count_groups(index: pd.DataFrame, classes: list[str]) -> Groups | None:
    """Count images by group and class; None where the source names no group."""
    named = index[index["group"].astype(str) != ""]
    if named.empty:
        return None
    counts = pd.crosstab(named["group"].astype(str), named["label"]).reindex(columns=range(len(classes)), fill_value=0)
    counts = counts.set_axis(classes, axis="columns")
    sizes = counts.sum(axis=1)
    counts = counts.loc[sizes.sort_values(ascending=False, kind="stable").index]
    larger = counts[counts.sum(axis=1) > 1]
    return Groups(counts, int(((larger > 0).sum(axis=1) == 1).sum()), len(larger))
