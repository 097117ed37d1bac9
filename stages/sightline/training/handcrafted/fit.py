"""Train a handcrafted model: one pass for the features, one fit by scikit-learn, in place of the loop."""

from collections.abc import Iterator

import torch
from tqdm import tqdm

from sightline.networks.classifier import Classifier
from sightline.training.batches import Batches
from sightline.training.handcrafted.estimators import ClassicalSettings, fit_handcrafted
from sightline.training.history import Fitted
from sightline.training.logs import describe_epoch
from sightline.training.recipe.losses import weights_by_class
from sightline.training.run import Run
from sightline.training.state import copy_to_cpu
from sightline.training.validate import validate_classifier

AT_ONCE = 256  # images whose features are computed together: more is slower, as they leave the processor's cache


def fit_classical(classifier: Classifier, train: Batches, val: Batches, run: Run) -> Fitted:
    """Fit the classifier's network on training images as they are stored, and validate it.

    The log gets epoch 0 and its scores: ``train/loss``, the cross-entropy of the training images, their
    ``train/accuracy``, and, where there are validation images, those of `validate_classifier`.

    Parameters
    ----------
    classifier : Classifier
        Around a `HandcraftedNetwork`; it is fitted on the CPU and left on the device of `train`.

    Returns
    -------
    Fitted
        Its only epoch is the best and the last.

    Raises
    ------
    SightlineError
        All training images are of one class.
    """
    network = classifier.cpu().eval().network
    tqdm.write(f"{network.architecture}: {len(train)} images, fitted once, and in parts to calibrate the probabilities")
    fit_handcrafted(network, _scaled(classifier, train), train.labels.cpu().long().numpy(), settings_of(run))
    classifier.to(train.device)
    at_once = run.images_at_once(classifier, train)
    measured = validate_classifier(classifier, train, at_once, run.accelerator)
    scores = {f"train/{name}": measured[f"val/{name}"] for name in ("loss", "accuracy")}
    if len(val):
        scores |= validate_classifier(classifier, val, at_once, run.accelerator)
    run.log(0, scores)
    tqdm.write(describe_epoch(1, 1, scores))
    weights = copy_to_cpu(network.state_dict())
    return Fitted(0, scores, weights, weights)


def settings_of(run: Run) -> ClassicalSettings:
    """Return what scikit-learn's estimators are told by the parameters."""
    chosen = run.params.classical
    weights = weights_by_class(run.loss.weights)
    return ClassicalSettings(run.seed("classical"), weights, chosen.svm_c, chosen.forest_trees, chosen.forest_depth)


def _scaled(classifier: Classifier, images: Batches) -> Iterator[torch.Tensor]:
    """Yield float [B, 3, input_size, input_size] in [0, 1] of all images in their order, behind a progress bar."""
    with tqdm(total=len(images), desc="features", unit="img", disable=None) as bar:
        for chosen in images.in_order(AT_ONCE, 0, 1):
            yield classifier.scale(images.take(chosen)[0].cpu())
            bar.update(len(chosen))
