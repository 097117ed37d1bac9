"""Fit a handcrafted network: scikit-learn does it, and its numbers move into the network's tensors."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from sightline.common.errors import SightlineError
from sightline.networks.architectures.handcrafted.heads import HEADS
from sightline.networks.architectures.handcrafted.network import HandcraftedNetwork
from sightline.training.handcrafted.convert import convert

if TYPE_CHECKING:  # a second to import, which networks of other kinds need not wait for
    from sklearn.base import ClassifierMixin

KERNEL_CACHE = 1000  # MB
CALIBRATION_FOLDS = 3
AT_ONCE = 1024  # images a pass through a head: the kernel takes images x support vectors
NEVER = -1e4  # logit of a class without training images: far below any score


@dataclass(frozen=True)
class ClassicalSettings:
    """What scikit-learn's estimators are told.

    Parameters
    ----------
    seed : int
        Of the forest's draws and of the folds that calibration takes.
    class_weight : {"balanced"}, dict of int to float, or None
        As in scikit-learn.
    svm_c : float
        Cost of a margin error, > 0, for features whose squared length is 1 on average.
    forest_trees, forest_depth : int
        Number of trees, and how deep each may grow.
    """

    seed: int
    class_weight: Literal["balanced"] | dict[int, float] | None
    svm_c: float
    forest_trees: int
    forest_depth: int


def fit_handcrafted(
    network: HandcraftedNetwork, batches: Iterable[torch.Tensor], labels: np.ndarray, settings: ClassicalSettings
) -> None:
    """Fit standardisation, classifier and calibration, in place and on the CPU.

    Calibration divides the scores by one temperature, so that the predicted class stays the classifier's own. It is
    fitted on the scores that 3-fold cross-validation gives to images which a classifier has not seen, and stays 1
    where there are too few for that. A logistic regression with a weight for each pair of classes came out 0.02
    better in log loss with 10,000 images of CIFAR-10, and lost accuracy with 400 digits.

    Parameters
    ----------
    network : HandcraftedNetwork
        On the CPU.
    batches : iterable of torch.Tensor
        float [B, 3, H, W] in [0, 1]; together in the order of `labels`. Only their features are kept.
    labels : ndarray
        int [n] in [0, classes).

    Raises
    ------
    SightlineError
        All images are of one class.
    """
    if len(np.unique(labels)) < 2:
        raise SightlineError(f"train: {network.architecture} needs training images of at least two classes")
    with torch.no_grad():
        features = torch.cat([network.describe(images) for images in batches])
        _fit_standardization(network, features)
        features = network.standardize(features).numpy()
    network.head.take(**_fit_head(network, features, labels, settings))
    network.temperature = torch.tensor(_fit_temperature(network, features, labels, settings))
    present = torch.from_numpy(np.unique(labels))
    network.bias = torch.full((network.classes,), NEVER).index_fill(0, present, 0.0)


def build_estimator(classifier: str, settings: ClassicalSettings) -> "ClassifierMixin":
    """Return scikit-learn's unfitted estimator of that name."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.svm import SVC, LinearSVC

    weight = settings.class_weight
    seed = settings.seed
    if classifier == "linear_svm":
        return LinearSVC(C=settings.svm_c, class_weight=weight, dual=False, random_state=seed)
    if classifier == "svm":  # gamma 1 is scikit-learn's "scale" for features of unit length
        return SVC(
            C=settings.svm_c, gamma=1.0, class_weight=weight, decision_function_shape="ovo", cache_size=KERNEL_CACHE
        )
    return RandomForestClassifier(
        settings.forest_trees, max_depth=settings.forest_depth, class_weight=weight, random_state=seed, n_jobs=-1
    )


def _fit_standardization(network: HandcraftedNetwork, features: torch.Tensor) -> None:
    """Centre each feature and divide it by its deviation, and all so that the mean squared length becomes 1.

    With unit length one `svm_c` means the same for any number of features. A forest cuts features where they are.
    """
    if network.classifier == "random_forest":
        return
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(features.numpy())
    network.mean = torch.from_numpy(scaler.mean_).float()
    network.scale = torch.from_numpy(1 / (scaler.scale_ * np.sqrt(features.shape[1]))).float()


def _fit_head(
    network: HandcraftedNetwork, features: np.ndarray, labels: np.ndarray, settings: ClassicalSettings
) -> dict[str, torch.Tensor]:
    estimator = build_estimator(network.classifier, settings).fit(features, labels)
    return convert(network.classifier, estimator, network.classes)


def _fit_temperature(
    network: HandcraftedNetwork, features: np.ndarray, labels: np.ndarray, settings: ClassicalSettings
) -> float:
    """Fit on the classes that have at least two images: the others are missing where their image is held out."""
    from sightline.networks.temperature import fit_temperature  # imports SciPy

    counts = np.bincount(labels)
    repeated = np.flatnonzero(counts >= 2)
    if len(repeated) < 2 or counts.max() < CALIBRATION_FOLDS:
        return 1.0
    rows = np.isin(labels, repeated)
    scores = _unseen_scores(network, features[rows], labels[rows], settings)
    return fit_temperature(scores[:, repeated], np.searchsorted(repeated, labels[rows]))


def _unseen_scores(
    network: HandcraftedNetwork, features: np.ndarray, labels: np.ndarray, settings: ClassicalSettings
) -> np.ndarray:
    """Return each image's scores, float32 [n, classes], by a classifier fitted without it."""
    from sklearn.model_selection import StratifiedKFold

    folds = StratifiedKFold(CALIBRATION_FOLDS, shuffle=True, random_state=settings.seed)
    scores = np.empty((len(labels), network.classes), dtype=np.float32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")  # two images: one fold does without
        for seen, unseen in folds.split(features, labels):
            head = HEADS[network.classifier](network.classes, features.shape[1])
            head.take(**_fit_head(network, features[seen], labels[seen], settings))
            scores[unseen] = _score(head, features[unseen])
    return scores


@torch.inference_mode()
def _score(head: torch.nn.Module, features: np.ndarray) -> np.ndarray:
    return torch.cat([head(rows) for rows in torch.from_numpy(features).split(AT_ONCE)]).numpy()
