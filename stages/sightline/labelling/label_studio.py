"""A batch as Label Studio takes it: tasks with the model's predictions, and the configuration of a project."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    import pandas as pd

CONTROL = "label"
OBJECT = "image"
MODEL = "sightline"  # how predictions are signed, so that they are never taken for answers


def to_tasks(batch: "pd.DataFrame", address: str) -> list[dict[str, Any]]:
    """Return a task an image, in the batch's order.

    Parameters
    ----------
    batch : pandas.DataFrame
        As `sightline.labelling.batch.tabulate` gives it.
    address : str
        What stands before a file's name where Label Studio finds it: ``/data/local-files/?d=labels/1/images/``.
    """
    return [
        {
            "data": {OBJECT: f"{address}{row.file}", "path": row.id, "rank": int(row.rank)},
            "predictions": [_prediction(row.prediction, float(row.confidence))],
        }
        for row in batch.itertuples()
    ]


def _prediction(label: str, confidence: float) -> dict[str, Any]:
    mark = {"from_name": CONTROL, "to_name": OBJECT, "type": "choices", "value": {"choices": [label]}}
    return {"model_version": MODEL, "score": confidence, "result": [mark]}


def to_config(classes: Iterable[str]) -> str:
    """Return the labelling configuration, XML: an image, and one choice of the classes."""
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Image", name=OBJECT, value=f"${OBJECT}", zoom="true")
    choices = ElementTree.SubElement(view, "Choices", name=CONTROL, toName=OBJECT, choice="single", required="true")
    for name in classes:
        ElementTree.SubElement(choices, "Choice", value=name)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"
