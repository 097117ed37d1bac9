"""What evaluate found for each image that it judged, for the stages after it."""

from pathlib import Path
from typing import TYPE_CHECKING

from sightline.common.files import damaged, read_array, read_table, require_rows

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

NUMBERS = {"row": "i", "label": "i", "predicted": "i", "confidence": "f"}  # column -> NumPy's kind


def read_predictions(folder: str | Path = "data/predictions") -> "tuple[pd.DataFrame, np.ndarray]":
    """Read one row an image, and its probabilities float32 [rows, classes], mapped into memory.

    Raises
    ------
    SightlineError
        A file is missing or damaged, or they do not fit together.
    """
    path = Path(folder) / "predictions.csv"
    predictions = read_table(path, text=("id", "subset"))
    for name, kind in NUMBERS.items():
        found = predictions[name].dtype.kind if name in predictions.columns else "none"
        if len(predictions) and found != kind:
            raise damaged(path, f"{name} must be a column of numbers")
    probabilities = read_array(path.with_name("probabilities.npy"), "r", "float32", (None, None))
    require_rows(path.with_name("probabilities.npy"), len(probabilities), path, len(predictions))
    return predictions, probabilities
