"""Which predictions are worth explaining."""

import pandas as pd

from sightline.common.errors import SightlineError
from sightline.common.rows import evenly

NAMED = "named"
ORDERS = {  # what counts as this kind, and in which order of confidence
    "correct": (lambda test: test["label"] == test["predicted"], False),
    "wrong": (lambda test: test["label"] != test["predicted"], False),
    "least_confident": (lambda test: test["confidence"].notna(), True),
}
KINDS = {
    "correct": "Correct predictions, the most confident of each class first",
    "wrong": "Wrong predictions, the most confident of each class first",
    "least_confident": "Least confident predictions of each class",
    NAMED: "Chosen by id",
}


def choose(predictions: pd.DataFrame, kinds: list[str], images: int, ids: list[str]) -> dict[str, pd.DataFrame]:
    """Choose up to `images` test predictions of each kind, going round the classes, and those named.

    Each class gives its most confident correct, its most confident wrong or its least confident prediction before any
    gives a second one; of equally confident ones the smaller id comes first. A round shows correct ones in the order
    of the classes, the others by confidence.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns id, subset, label, predicted, confidence.
    kinds : list of str
        Keys of `ORDERS`.
    ids : list of str
        Of any predicted image; they become the kind `named`, in this order.

    Raises
    ------
    SightlineError
        An id has no prediction.
    """
    test = predictions[predictions["subset"] == "test"]
    groups = {kind: _choose_kind(test, kind, images) for kind in kinds}
    return groups | ({NAMED: _find(predictions, ids)} if ids else {})


def choose_quality_sample(predictions: pd.DataFrame, images: int) -> pd.DataFrame:
    """Choose up to `images` test images going round the classes by id: the same ones whatever the model predicts."""
    return _go_round(predictions[predictions["subset"] == "test"].sort_values("id"), images, by_class=True)


def choose_of_classes(predictions: pd.DataFrame, images: int, classes: int) -> dict[int, pd.DataFrame]:
    """Return up to `images` correct test predictions of each of the first `classes` classes that have some.

    They are evenly chosen by id: neighbours are often shots of one scene.
    """
    test = predictions[predictions["subset"] == "test"]
    right = test[test["label"] == test["predicted"]].sort_values("id")
    groups = [(int(label), group.iloc[evenly(len(group), images)]) for label, group in right.groupby("label")]
    return dict(groups[:classes])


def _choose_kind(test: pd.DataFrame, kind: str, images: int) -> pd.DataFrame:
    belongs, ascending = ORDERS[kind]
    ordered = test[belongs(test)].sort_values(["confidence", "id"], ascending=[ascending, True])
    return _go_round(ordered, images, by_class=kind == "correct")


def _find(predictions: pd.DataFrame, ids: list[str]) -> pd.DataFrame:
    by_id = predictions.set_index("id", drop=False)
    unknown = [name for name in ids if name not in by_id.index]
    if unknown:
        raise SightlineError(
            f"params.yaml: gradcam.ids: {unknown[0]!r} has no prediction: take ids of validation or test images from "
            f"data/predictions/predictions.csv"
        )
    return by_id.loc[list(dict.fromkeys(ids))]


def _go_round(ordered: pd.DataFrame, images: int, by_class: bool) -> pd.DataFrame:
    turns = ordered.assign(turn=ordered.groupby("label").cumcount())
    within = ["turn", "label"] if by_class else ["turn"]
    return turns.sort_values(within, kind="stable").drop(columns="turn").head(images)
