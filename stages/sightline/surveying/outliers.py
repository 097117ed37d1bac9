"""Images that are far from most others in one of their numbers."""

import numpy as np
import pandas as pd

from sightline.surveying.numbers import LOOKS

FAR = 3.0  # interquartile ranges beyond a quartile: what Tukey (1977, "Exploratory Data Analysis") calls far out
LOGARITHMIC = ("width", "height", "aspect")  # half as wide is as far as twice as wide


def find_outliers(numbers: pd.DataFrame) -> pd.DataFrame:
    """Return the images that are far out in a number, the farthest first, each with the number that it is farthest in.

    A number that is the same for half of the images has no far ones.

    Parameters
    ----------
    numbers : pandas.DataFrame
        As `measure_images` gives them.

    Returns
    -------
    pandas.DataFrame
        row, number, value, low and high (beyond which it is far), distance (interquartile ranges beyond the quartile).
    """
    names = [name for name in (*LOGARITHMIC, *LOOKS) if name in numbers]
    found = pd.concat([_far_in(numbers[name], name) for name in names])
    farthest = found.sort_values(["distance", "row"], ascending=[False, True], kind="stable").drop_duplicates("row")
    return farthest.reset_index(drop=True)


def _far_in(values: pd.Series, name: str) -> pd.DataFrame:
    scale, back = (np.log, np.exp) if name in LOGARITHMIC else (np.asarray, np.asarray)
    scaled = scale(values.to_numpy(dtype=float))
    lower, upper = np.quantile(scaled, [0.25, 0.75])
    spread = upper - lower
    distance = np.maximum(lower - scaled, scaled - upper) / spread if spread > 0 else np.zeros(len(scaled))
    far = np.flatnonzero(distance > FAR)
    limits = {"low": back(lower - FAR * spread), "high": back(upper + FAR * spread)}
    shown = {"row": values.index.to_numpy()[far], "number": name, "value": values.to_numpy()[far]}
    return pd.DataFrame(shown | limits | {"distance": distance[far]})
