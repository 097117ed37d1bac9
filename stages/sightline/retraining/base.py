"""What the commit that was trained last holds: its images, each on its side, and where they lie."""

import io
import json
from dataclasses import dataclass

import pandas as pd

from sightline.common.errors import SightlineError
from sightline.common.params import validate
from sightline.images.store import INDEX_COLUMNS, DatasetSpec
from sightline.reporting.revision import Revision


@dataclass(frozen=True)
class Base:
    """The data of a commit.

    Parameters
    ----------
    dataset : DatasetSpec
    images : pandas.DataFrame
        One row an image of the split, in the order of index.csv: id, class, group, subset as it was drawn, sha256 of
        the pixels, and further columns.
    """

    dataset: DatasetSpec
    images: pd.DataFrame

    @property
    def further(self) -> list[str]:
        """Columns that a table told of the images."""
        return [name for name in self.images.columns if name not in INDEX_COLUMNS]


def read_base(revision: Revision) -> Base:
    """Read it from Git and DVC's cache.

    Raises
    ------
    SightlineError
        Something is not there: the pipeline has not run at this commit, or its results were not fetched.
    """
    dataset = validate(
        DatasetSpec, json.loads(_read(revision, "data/prepared/dataset.json")), "data/prepared/dataset.json"
    )
    index = _table(_read(revision, "data/prepared/index.csv"))
    split = _table(_read(revision, "data/split/split.csv"))
    sides = dict(zip(split["id"], split["subset"], strict=True))
    kept = index[index["id"].isin(sides)]
    return Base(dataset, kept.assign(subset=kept["id"].map(sides)).reset_index(drop=True))


def _table(content: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)


def _read(revision: Revision, path: str) -> bytes:
    content = revision.read(path)
    if content is None:
        raise SightlineError(
            f"{path} of {revision.name}: not in DVC's cache: commit what `dvc repro` made, or `dvc pull`, and try again"
        )
    return content
