"""The model card: what the model is for, what it was made from, how well it works, and where it does not.

Follows the sections of Mitchell et al., 2019, "Model Cards for Model Reporting"; every number is measured.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sightline.deployment.card.files import describe_files, describe_provenance
from sightline.deployment.card.quality import describe_calibration, describe_quality, describe_worst_slice
from sightline.deployment.card.robustness import describe_robustness, describe_unmeasured
from sightline.drawing.markdown import escape, table
from sightline.images.samples import SUBSETS, Samples
from sightline.images.store import DatasetSpec
from sightline.networks.calibration import Calibration
from sightline.networks.saved import ModelSpec

FEW = 30  # test images of a class: one mistake more or less moves its recall by over three percent points
LISTED = 30  # classes in the table, and names in a list
FITS = {
    "crop": "the centre square is kept, what lies outside it is not seen",
    "pad": "the whole image is kept, between bars",
    "stretch": "the aspect ratio is ignored",
}


@dataclass(frozen=True)
class CardFacts:
    """What the card tells.

    Parameters
    ----------
    spec, dataset : ModelSpec, DatasetSpec
        The trained model and the prepared images.
    samples : Samples
        The images that took part.
    test : pandas.DataFrame
        One row a test image: label, predicted.
    evaluation : dict
        The content of metrics/evaluate.json.
    export : dict
        The content of metrics/export.json.
    calibration : Calibration
        The content of models/calibration.json.
    intended_use : str
        From params.yaml.
    """

    spec: ModelSpec
    dataset: DatasetSpec
    samples: Samples
    test: pd.DataFrame
    evaluation: dict
    export: dict
    calibration: Calibration
    intended_use: str


def write_card(facts: CardFacts) -> str:
    """Return the card as Markdown."""
    sections = {
        "Model": _describe_model(facts),
        "Intended use": [facts.intended_use],
        "Data": _describe_data(facts),
        "How well it works": describe_quality(facts.evaluation),
        "Limitations": _describe_limitations(facts),
        "Files": describe_files(facts.spec, facts.export),
        "Made from": describe_provenance(facts.export),
    }
    body = [f"## {title}\n\n" + "\n".join(lines) for title, lines in sections.items()]
    return "\n\n".join(["# Model card", *body]) + "\n"


def _describe_model(facts: CardFacts) -> list[str]:
    counts = Counter(member.architecture for member in facts.spec.members)
    networks = ", ".join(name if count == 1 else f"{count} x {name}" for name, count in counts.items())
    together = " whose probabilities are averaged" if len(counts) > 1 else ""
    if any(member.fold is not None for member in facts.spec.members):
        together += ", folds pooled by the mean of their log-probabilities"
    if facts.spec.stack:
        together = " whose probabilities a logistic regression combines, fitted on images that they did not train on"
    return [
        f"- An image classifier: {networks}{together}, {facts.export['parameters']:,} parameters.",
        f"- Classes ({len(facts.spec.classes)}): {_list_names(facts.spec.classes)}.",
        f"- The network takes {facts.spec.input_size} x {facts.spec.input_size} px.",
        f"- Calibration: {describe_calibration(facts.calibration)}.",
    ]


def _describe_data(facts: CardFacts) -> list[str]:
    counts = ", ".join(f"{len(facts.samples.of(subset)):,} {subset}" for subset in SUBSETS)
    source = f"Source `{facts.dataset.source}`, {facts.dataset.images:,} images, of which {counts}."
    return [source, "", *_list_classes(facts)]


def _list_classes(facts: CardFacts) -> list[str]:
    """Return a table of the classes; of many, those that are recognised least."""
    classes = facts.spec.classes
    counts = {name: np.bincount(facts.samples.of(name).label, minlength=len(classes)) for name in SUBSETS}
    described = pd.DataFrame(counts, index=classes).assign(recall=_recall(facts))
    heading = []
    if len(described) > LISTED:
        described = described.sort_values("recall", kind="stable").head(LISTED)
        heading = [f"The {LISTED} classes of lowest recall on test, of {len(classes)}:", ""]
    rows = [(*row, None if pd.isna(recall) else recall) for *row, recall in described.itertuples()]
    return heading + table(("class", *SUBSETS, "recall on test"), rows)


def _recall(facts: CardFacts) -> pd.Series:
    """Return the share of each class's test images that are recognised, by class name; NaN without images."""
    right = (facts.test["label"] == facts.test["predicted"]).groupby(facts.test["label"]).mean()
    return right.reindex(range(len(facts.spec.classes))).set_axis(facts.spec.classes).astype(float)


def _describe_limitations(facts: CardFacts) -> list[str]:
    size = facts.spec.preprocessing.image_size
    lines = [
        "- It always names one of its classes, also for an image that shows none of them.",
        "- Test images come from the same source as the training images: other cameras or places are unmeasured.",
        f"- It sees {size} x {size} px; {FITS[facts.spec.preprocessing.fit]}. Finer detail is lost.",
        *describe_robustness(facts.evaluation),
        describe_unmeasured(facts.evaluation),
    ]
    weakest = _weakest_class(facts) + describe_worst_slice(facts.evaluation)
    return lines + weakest + _most_frequent_mistake(facts) + _small_classes(facts)


def _weakest_class(facts: CardFacts) -> list[str]:
    recall = _recall(facts).dropna()
    if recall.empty:
        return ["- There are no test images: nothing is known about new images."]
    if recall.min() == 1:
        return [f"- All {len(facts.test):,} test images are recognised; more images would find mistakes."]
    images = int((facts.test["label"] == facts.spec.classes.index(recall.idxmin())).sum())
    return [f"- The weakest class is {escape(recall.idxmin())}: recall {recall.min():.4f} on {images} test images."]


def _most_frequent_mistake(facts: CardFacts) -> list[str]:
    wrong = facts.test[facts.test["label"] != facts.test["predicted"]]
    if wrong.empty:
        return []
    pairs = wrong.groupby(["label", "predicted"]).size()
    actual, taken_for = (escape(facts.spec.classes[code]) for code in pairs.idxmax())
    return [f"- The most frequent mistake takes {actual} for {taken_for}: {pairs.max()} of {len(wrong)} mistakes."]


def _small_classes(facts: CardFacts) -> list[str]:
    counts = facts.test["label"].value_counts()
    small = [name for code, name in enumerate(facts.spec.classes) if counts.get(code, 0) < FEW]
    if not small:
        return []
    return [f"- Fewer than {FEW} test images, so that their recall is uncertain: {_list_names(small)}."]


def _list_names(names: list[str]) -> str:
    rest = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(escape(name) for name in names[:LISTED]) + rest
