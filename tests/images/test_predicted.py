import pandas as pd
import pytest

from sightline.common.errors import SightlineError
from sightline.images.predicted import refuse_other_images

IMAGES = pd.DataFrame(
    {
        "row": [0, 1, 3, 4, 5],
        "id": ["a", "b", "d", "e", "f"],
        "subset": ["train", "val", "train", "test", "test"],
        "label": [0, 1, 2, 0, 1],
        "fold": [-1, -1, 1, -1, -1],
    }
)
PREDICTED = pd.DataFrame(
    {"id": ["f", "b", "d", "d"], "row": [5, 1, 3, 3], "subset": ["test", "val", "val", "train"], "label": [1, 1, 2, 2]}
)


def changed(place, **cells):
    table = PREDICTED.copy()
    for column, value in cells.items():
        table.loc[place, column] = value
    return table


def test_predictions_of_these_images_pass_also_those_out_of_fold():
    refuse_other_images(PREDICTED, IMAGES, "p.csv")
    refuse_other_images(PREDICTED.iloc[:0], IMAGES, "p.csv")
    refuse_other_images(PREDICTED, IMAGES[["row", "id"]], "p.csv")


@pytest.mark.parametrize(
    ("place", "cells", "first"),
    [
        (0, {"id": "e"}, "e"),
        (1, {"row": 0}, "b"),
        (1, {"row": 2}, "b"),  # an image that takes no part
        (1, {"row": 6}, "b"),
        (1, {"subset": "test"}, "b"),
        (0, {"subset": "val"}, "f"),
        (2, {"subset": "test"}, "d"),
        (2, {"label": 1}, "d"),
    ],
)
def test_the_first_of_another_image_is_named(place, cells, first):
    with pytest.raises(
        SightlineError, match=rf"^p\.csv: is of other images.* \(first '{first}'\): run `dvc repro evaluate`$"
    ):
        refuse_other_images(changed(place, **cells), IMAGES, "p.csv")


def test_what_only_ids_tell_is_told_too():
    with pytest.raises(SightlineError, match="first 'x'"):
        refuse_other_images(changed(0, id="x", label=9), IMAGES[["row", "id"]], "p.csv")
    refuse_other_images(changed(0, label=9), IMAGES[["row", "id"]], "p.csv")
