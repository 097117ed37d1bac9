"""The images that a survey points at, side by side, with what is strange about them."""

import numpy as np
import pandas as pd

from sightline.drawing.contact_sheet import thumbnail

SHOWN = 24  # outliers, pairs
SIDE = 96  # px of a thumbnail

Rows = list[tuple[str, np.ndarray]]  # caption, and uint8 [n, H, W, 3]


def show_number(name: str, value: float) -> str:
    """Return a number of an image, or of a class of which none was measured, as people read it."""
    if np.isnan(value):
        return "-"
    return f"{value:,.0f} px" if name in ("width", "height") else f"{value:.3f}"


def outlier_rows(outliers: pd.DataFrame, index: pd.DataFrame, pixels: np.ndarray) -> Rows:
    """Return the farthest images, each with its class and the number that it is far in."""
    return [
        (f"{index['class'].iat[far.row]}: {far.number} {show_number(far.number, far.value)}", _small(pixels[[far.row]]))
        for far in outliers.head(SHOWN).itertuples()
    ]


def twin_rows(twins: pd.DataFrame, index: pd.DataFrame, pixels: np.ndarray) -> Rows:
    """Return the pairs that are most alike, each with its two classes."""
    names = index["class"]
    return [
        (f"{names.iat[pair.first]} / {names.iat[pair.second]}", _small(pixels[[pair.first, pair.second]]))
        for pair in twins.head(SHOWN).itertuples()
    ]


def name_outliers(outliers: pd.DataFrame, index: pd.DataFrame) -> pd.DataFrame:
    """Return the table of outliers with ids and classes in place of rows."""
    return _named(index, {"": outliers["row"]}).join(outliers.drop(columns="row").round(4))


def name_twins(twins: pd.DataFrame, index: pd.DataFrame) -> pd.DataFrame:
    """Return the table of pairs with ids and classes in place of positions."""
    return _named(index, {"": twins["first"], "other_": twins["second"]}).join(twins["bits"])


def _named(index: pd.DataFrame, rows: dict[str, pd.Series]) -> pd.DataFrame:
    columns = {
        f"{before}{name}": index[name].to_numpy()[places] for before, places in rows.items() for name in ("class", "id")
    }
    return pd.DataFrame(columns)


def _small(pixels: np.ndarray) -> np.ndarray:
    return np.stack([np.asarray(thumbnail(image, SIDE)) for image in pixels])
