"""What a batch of new images looks like, by the same numbers as the reference."""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
import torch
from tqdm import tqdm

from sightline.common.errors import SightlineError
from sightline.drifting.numbers import Batch
from sightline.networks.decider import Decider
from sightline.networks.embedding import watching
from sightline.networks.parts import Parts
from sightline.scoring.pixel_summary import DECIMALS, summarize_pixels
from sightline.scoring.reference import EmbeddingReference, place


def look_at(
    images: Iterable[np.ndarray | None],
    decider: Decider,
    embedding: EmbeddingReference | None,
    at_once: int,
    device: torch.device,
) -> Batch:
    """Run the model over images, uint8 [H, W, 3] each, None for a file that is none; pixels are not kept.

    `at_once` of them go through the network together, fewer where the device has no memory for them.

    Raises
    ------
    SightlineError
        There is no image, or the reference's embeddings are those of another network.
    """
    decider = decider.to(device).eval()
    unreadable = 0
    probabilities = []
    summaries = []
    embeddings = []
    parts = Parts(at_once)
    for pixels, skipped in stack_up(tqdm(images, desc="drift", unit="img", disable=None), at_once):
        unreadable += skipped
        if len(pixels):
            summaries.append(summarize_pixels(pixels, np.arange(len(pixels))))
        for decided, seen in parts.over(len(pixels), partial(_decide, decider, pixels, device)):
            probabilities.append(decided)
            embeddings += seen
    if not probabilities:
        raise SightlineError("drift: none of the files can be read as an image")
    pixel_numbers = {name: np.concatenate([summary[name] for summary in summaries]) for name in summaries[0]}
    predicted = np.concatenate(probabilities)
    return Batch(
        {name: values.astype(np.float64).round(DECIMALS) for name, values in pixel_numbers.items()},
        predicted.max(axis=1).astype(np.float64).round(DECIMALS),
        np.bincount(predicted.argmax(axis=1), minlength=predicted.shape[1]),
        None if embedding is None else _place_all(embeddings, embedding),
        unreadable,
    )


@torch.inference_mode()
def _decide(
    decider: Decider, pixels: np.ndarray, device: torch.device, part: slice
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return probabilities [n, classes] of a part, and the first member's embeddings of it."""
    embeddings: list[np.ndarray] = []
    with watching(decider.members[0], embeddings.append):
        probabilities = decider(torch.from_numpy(pixels[part]).to(device)).exp().cpu().numpy()
    return probabilities, embeddings


def stack_up(images: Iterable[np.ndarray | None], at_once: int) -> Iterator[tuple[np.ndarray, int]]:
    """Yield up to `at_once` images at a time, uint8 [n, H, W, 3], and how many of the files before them were none."""
    readable = []
    skipped = 0
    for image in images:
        if image is None:
            skipped += 1
        else:
            readable.append(image)
        if len(readable) == at_once:
            yield np.stack(readable), skipped
            readable = []
            skipped = 0
    if readable or skipped:
        yield np.stack(readable) if readable else np.empty((0, 0, 0, 3), dtype=np.uint8), skipped


def _place_all(embeddings: list[np.ndarray], reference: EmbeddingReference) -> np.ndarray:
    features = embeddings[0].shape[1] if embeddings else 0
    if features != len(reference.mean):
        raise SightlineError(
            f"data/predictions/reference.json: describes embeddings of {len(reference.mean)} features, but the "
            f"model has {features}: run `dvc repro evaluate`"
        )
    mean = np.array(reference.mean)
    axes = np.array(reference.axes)
    return np.concatenate([place(batch, mean, reference.scale, axes) for batch in embeddings])
