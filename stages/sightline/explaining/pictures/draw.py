"""The pictures of the gradcam stage: which there are follows from its parameters alone."""

import pandas as pd
from PIL import Image

from sightline.drawing.tiles import draw_message
from sightline.explaining.choice import KINDS, choose_of_classes
from sightline.explaining.explainer import Case, Explainer
from sightline.explaining.methods.catalogue import METHODS
from sightline.explaining.pictures.averages import MOST, draw_averages, mean_explanation
from sightline.explaining.pictures.features import draw_features, read_features
from sightline.explaining.pictures.sheet import Explained, draw_sheet

NOTHING = "No method of gradcam.method applies to this model: take occlusion, lime or kernel_shap"


def draw_kinds(
    explainer: Explainer, chosen: dict[str, pd.DataFrame], cases: dict[int, Case], classes: list[str], alpha: float
) -> dict[str, Image.Image]:
    """Return a sheet for each kind of prediction, even where there is none of it or nothing to say."""
    if not explainer.methods:
        return {kind: draw_message([NOTHING]) for kind in chosen}
    return {
        kind: draw_sheet(KINDS[kind], [_show(explainer, one, cases, classes) for one in group.itertuples()], alpha)
        for kind, group in chosen.items()
    }


def draw_classes(
    explainer: Explainer,
    predictions: pd.DataFrame,
    cases: dict[int, Case],
    classes: list[str],
    images: int,
    alpha: float,
) -> Image.Image:
    """Return the mean map of the first method over correct test images of each class."""
    if not explainer.methods:
        return draw_message([NOTHING])
    method = explainer.methods[0]
    groups = {label: group["row"].tolist() for label, group in choose_of_classes(predictions, images, MOST).items()}
    targets = {row: label for label, rows in groups.items() for row in rows if row not in cases}
    maps = explainer.explain(list(targets), list(targets.values()), method)
    means = {}
    for label, rows in groups.items():  # in the order of `targets`; correct, so a case explains the same class
        heats = [next(maps) if row in targets else cases[row].maps[method] for row in rows]
        means[classes[label]] = mean_explanation([explainer.seen(row) for row in rows], heats)
    if not means:
        return draw_message(["No correct test images to average"])
    part = f", {len(means)} of {len(classes)} classes" if len(means) < len(classes) else ""
    heading = f"{METHODS[method].title}, mean over up to {images} correct test images of each class{part}"
    return draw_averages(heading, means, alpha)


def draw_layers(explainer: Explainer, predictions: pd.DataFrame, wanted: list[str]) -> Image.Image:
    """Return feature maps of the first member for the test image with the smallest id."""
    test = predictions[predictions["subset"] == "test"].sort_values("id")
    if test.empty:
        return draw_message(["No test images to show feature maps of"])
    first = test.iloc[0]
    subject = explainer.subjects[0]
    features = read_features(subject, wanted, explainer.image(first["row"]))
    if not features:
        return draw_message([f"{subject.architecture} has no such layer that lies on a grid over the image"])
    return draw_features(f"Feature maps of {first['id']}", explainer.seen(first["row"]), features)


def _show(explainer: Explainer, one, cases: dict[int, Case], classes: list[str]) -> Explained:
    case = cases[one.row]
    maps = {METHODS[name].title: heat for name, heat in case.maps.items()}
    return Explained(
        explainer.seen(one.row), maps, classes[one.label], classes[one.predicted], one.confidence, case.box
    )
