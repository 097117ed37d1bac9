"""Whether a table that evaluate wrote is of the images that are prepared and divided now."""

from pathlib import Path
from typing import TYPE_CHECKING

from sightline.common.errors import SightlineError

if TYPE_CHECKING:
    import pandas as pd

PREDICTIONS = Path("data/predictions/predictions.csv")
COMPARED = ("id", "subset", "label")


def refuse_other_images(table: "pd.DataFrame", images: "pd.DataFrame", path: str | Path) -> None:
    """Raise SightlineError, naming the first one, when a row of the table is of another image than stands there now.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns row (position in images.npy), id, subset, label (int), as evaluate wrote them.
    images : pandas.DataFrame
        row and id of all images that may stand there, and label, or subset and fold, where they are to be equal too: as
        `sightline.images.samples.tabulate` gives them. What evaluate predicted out of fold, it calls val.
    path : str or Path
        The table's, for the message.
    """
    compared = [name for name in COMPARED if name in images.columns]
    now = images.set_index("row").reindex(table["row"])
    if "subset" in compared:
        out_of_fold = (now["fold"] >= 0) & (table["subset"] == "val").to_numpy()
        now = now.assign(subset=now["subset"].mask(out_of_fold, "val"))
    other = (now[compared].to_numpy(dtype=object) != table[compared].to_numpy(dtype=object)).any(axis=1)
    if other.any():
        raise SightlineError(
            f"{path}: is of other images, labels or subsets than data/prepared and data/split "
            f"(first {table['id'].iloc[other.argmax()]!r}): run `dvc repro evaluate`"
        )
