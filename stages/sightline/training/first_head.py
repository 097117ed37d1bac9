"""What the head of a member starts from, by `head_init`; and the member that is left as it starts, with `epochs: 0`."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from tqdm import tqdm

from sightline.networks.classifier import Classifier
from sightline.networks.memory import images_at_once
from sightline.networks.stack import PARTS
from sightline.training.batches import Batches
from sightline.training.heads.imprint import imprint
from sightline.training.heads.known import read_rows
from sightline.training.heads.prototypes import Prototypes, fit_prototypes
from sightline.training.history import Fitted
from sightline.training.recipe.head import linear_head, read_features, set_head, zero_head
from sightline.training.recipe.layout import lay_out
from sightline.training.recipe.probe import Features, Probe, fit_probe
from sightline.training.run import Run
from sightline.training.state import copy_to_cpu
from sightline.training.validate import validate_classifier

Head = Prototypes | Probe  # what both have: weight [classes, features] and bias [classes]
Fit = Callable[[Features, Features, Run], Head]  # of training and validation images


def fit_known(seen: Features, held_out: Features, run: Run) -> Head:
    """Take the rows that `weights` has for the classes that it knows by name, and add one for each other class."""
    rows, known = read_rows(run.params.weights, run.names)
    run.say(f"train: head_init: known: {len(known.places)} of {run.classes} classes are those of {run.params.weights}")
    return imprint(rows, known.places, seen)


def fit_linear_probe(seen: Features, held_out: Features, run: Run) -> Head:
    """Fit a linear probe."""
    probe = fit_probe(seen, held_out, run.classes, _on_cpu(run.loss.weights))
    chosen = f"{len(held_out)} validation images" if len(held_out) else f"{PARTS} parts of the training images"
    run.say(f"train: head_init: probe of {len(seen)} images, C {probe.c:g} chosen on {chosen}")
    return probe


def fit_head(fit: Fit, classifier: Classifier, is_new: bool, train: Batches, val: Batches, run: Run) -> None:
    """Fit a head, new or not, on the features of the images as they are stored; every process fits the same one.

    Fine-tuning that goes on from there distorts the features less (Kumar et al., 2022, "Fine-Tuning can Distort
    Pretrained Features and Underperform Out-of-Distribution").
    """
    linear_head(classifier.network)
    if run.is_begun():  # whose head is in its state
        return
    lay_out(classifier, run.params.channels_last, run.accelerator.device)
    at_once = images_at_once(classifier, train.pixels.shape[1], run.params.memory_mb)  # features are never in bf16
    seen, held_out = (_features(classifier, images, at_once, run) for images in (train, val))
    head = fit(seen, held_out, run)
    offsets = _on_cpu(run.loss.offsets)  # training adds them to the logits, which the fit did not
    set_head(classifier.network, head.weight, head.bias if offsets is None else head.bias - offsets.numpy())


FITS: dict[str, Fit] = {  # head_init -> what fits it on features
    "probe": fit_linear_probe,
    "prototypes": lambda seen, held_out, run: fit_prototypes(seen, run.classes),
    "known": fit_known,
}
HEADS = {  # head_init -> builder from (classifier, is new, training images, validation images, run)
    "zero": lambda classifier, is_new, train, val, run: zero_head(classifier.network) if is_new else None,
    "timm": lambda classifier, is_new, train, val, run: None,
    **{name: partial(fit_head, fit) for name, fit in FITS.items()},
}


def start_head(classifier: Classifier, is_new: bool, train: Batches, val: Batches, run: Run) -> None:
    """Give the network the head that `head_init` names.

    Parameters
    ----------
    is_new : bool
        The network has given weights, but its head has none of them.
    """
    HEADS[run.params.head_init](classifier, is_new, train, val, run)


def keep_start(classifier: Classifier, train: Batches, val: Batches, run: Run) -> Fitted:
    """Score the member as it starts, and train nothing.

    The log gets epoch 0: ``train/loss``, the cross-entropy of the training images as they are stored, their
    ``train/accuracy``, and, where there are validation images, the scores of `validate_classifier`.
    """
    lay_out(classifier, run.params.channels_last, run.accelerator.device)
    size = run.images_at_once(classifier, train)
    measured = validate_classifier(classifier, train, size, run.accelerator)
    scores = {f"train/{name}": measured[f"val/{name}"] for name in ("loss", "accuracy")}
    if len(val):
        scores |= validate_classifier(classifier, val, size, run.accelerator)
    run.log(0, scores)
    run.say("epochs: 0  " + "  ".join(f"{name} {value:.4g}" for name, value in scores.items()))
    weights = copy_to_cpu(classifier.network.state_dict())
    return Fitted(0, scores, weights, weights)


def _features(classifier: Classifier, images: Batches, at_once: int, run: Run) -> Features:
    with tqdm(total=len(images), desc="features", unit="img", disable=None if run.is_main else True) as bar:
        values = read_features(classifier, _pixels(images, at_once, bar), len(images))
    return Features(values, images.labels.cpu().long().numpy())


def _pixels(images: Batches, at_once: int, bar: tqdm) -> Iterator[torch.Tensor]:
    for chosen, pixels, _ in images.ahead(images.in_order(at_once, 0, 1)):
        yield pixels
        bar.update(len(chosen))


def _on_cpu(values: torch.Tensor | None) -> torch.Tensor | None:
    return None if values is None else values.cpu()
