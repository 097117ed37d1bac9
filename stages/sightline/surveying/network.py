"""Where given weights see the images, before anything is trained."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from sightline.common.errors import SightlineError
from sightline.common.rows import evenly
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.networks.architectures.build import build_network, is_own, network_normalization
from sightline.networks.classifier import Classifier
from sightline.networks.memory import images_at_once
from sightline.networks.saved import load_members, read_spec
from sightline.scoring.embeddings import principal_axes
from sightline.surveying.embedding import Embedding, agree, agree_by_chance
from sightline.training.recipe.head import read_features
from sightline.training.recipe.pretrained import load_weights
from sightline.training.recipe.published import Published, in_channels, read_published

IMAGES = 1000  # that are embedded at most, evenly chosen


def open_classifier(weights: Path, model: str, preprocessing: Preprocessing) -> Classifier:
    """Build the network that weights are of, with their normalisation and input size where these are known.

    Parameters
    ----------
    weights : Path
        A file, or a copy of `models/trained`.
    model : str
        The network, where nothing beside the file tells it.

    Raises
    ------
    SightlineError
        The weights are missing, damaged or of another network, or images have other channels.
    """
    channels = preprocessing.bands
    if weights.is_dir():
        spec = read_spec(weights)
        if spec.channels != channels:
            raise SightlineError(f"{weights}: is for {spec.channels} channels, and data/prepared has {channels}")
        return load_members(weights, spec)[0]
    published = read_published(weights)
    if published is None and is_own(model):
        raise SightlineError(f"{weights}: no JSON beside it tells its normalisation: name a copy of models/trained")
    name = _architecture_of(published) if published else model
    size = published.preprocessing.input_size if published else preprocessing.image_size
    network = build_network(name, 2, size, pretrained=False, channels=channels)
    load_weights(network, weights)
    expected = published.preprocessing if published else None
    levels = (expected.mean, expected.std) if expected else network_normalization(name)
    mean, std = (in_channels(values, channels) for values in levels)
    return Classifier(network, mean, std, size).eval()


def _architecture_of(published: Published) -> str:
    """Return the network that weights are of: what `make pretrain` learnt has a name of its own."""
    return published.pretraining["model"] if published.pretraining else published.name


@torch.inference_mode()
def embed(classifier: Classifier, pixels: np.ndarray, labels: np.ndarray, memory_mb: int) -> Embedding | None:
    """Embed images, uint8 [N, H, W, C], of which `labels` are int [N]; None for fewer than three of them."""
    rows = evenly(len(pixels), IMAGES)
    if len(rows) < 3:
        return None
    at_once = images_at_once(classifier, pixels.shape[1], memory_mb)
    features = read_features(classifier, _batches(pixels, rows, at_once), len(rows)).astype(np.float64)
    places = (features - features.mean(axis=0)) @ principal_axes(features, 2).T
    return Embedding(rows, places, agree(features, labels[rows]), agree_by_chance(labels[rows]))


def _batches(pixels: np.ndarray, rows: np.ndarray, at_once: int) -> Iterator[torch.Tensor]:
    for start in range(0, len(rows), at_once):
        yield torch.from_numpy(np.asarray(pixels[rows[start : start + at_once]]))
