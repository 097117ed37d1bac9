"""What a model that went on from an earlier one still knows: accuracy on its classes, before and after."""

from pathlib import Path

import numpy as np
import torch

from sightline.images.samples import Samples
from sightline.networks.classifier import Classifier
from sightline.networks.memory import images_at_once
from sightline.networks.predict import predict_logits
from sightline.networks.saved import ModelSpec, load_members
from sightline.parameters.train import TrainParams
from sightline.training.continual.seen import mark_seen
from sightline.training.heads.known import find_known, read_earlier


def measure_forgetting(
    trained: Path, spec: ModelSpec, samples: Samples, pixels: np.ndarray, params: TrainParams, device: torch.device
) -> dict[str, float] | None:
    """Return how the first member does on validation images of the classes that the model in `weights` knew.

    Images that this model has learnt from do not count.

    Returns
    -------
    dict or None
        classes, images, before (of the earlier model, which chooses among its own classes), after (which chooses among
        all), and forgetting, the difference (Chaudhry et al., 2018, "Riemannian Walk for Incremental Learning"). None
        where `head_init` is not known, or there are no such images.
    """
    if params.head_init != "known":
        return None
    earlier = read_earlier(params.weights)
    known = find_known(earlier, spec.classes, params.weights)
    held_out = samples.of("val")
    held_out = held_out[np.isin(held_out.label, known.places) & ~mark_seen(held_out, params.weights)]
    if not len(held_out):
        return None
    first = load_members(params.weights, earlier)[0]
    rows = np.full(len(spec.classes), -1)
    rows[known.places] = known.rows
    before = _share_right(first, pixels, held_out.row, rows[held_out.label], params, device)
    after = _share_right(load_members(trained, spec)[0], pixels, held_out.row, held_out.label, params, device)
    numbers = {"before": before, "after": after, "forgetting": before - after}
    return {"classes": len(known.places), "images": len(held_out)} | numbers


def describe_forgetting(found: dict[str, float]) -> str:
    """Return a line about what `measure_forgetting` gave."""
    return (
        f"train: the {found['classes']} classes known before: accuracy {found['before']:.4f} before and "
        f"{found['after']:.4f} after, on {found['images']} validation images"
    )


def _share_right(
    classifier: Classifier,
    pixels: np.ndarray,
    rows: np.ndarray,
    labels: np.ndarray,
    params: TrainParams,
    device: torch.device,
) -> float:
    at_once = images_at_once(classifier, pixels.shape[1], params.memory_mb)
    logits = predict_logits(classifier, pixels, rows, at_once, device)
    return float((logits.argmax(dim=1).numpy() == labels).mean())
