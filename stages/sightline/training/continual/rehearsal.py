"""Going on from an earlier model: of what it has learnt a few images train again, beside all that is new."""

import numpy as np
import torch

from sightline.common.errors import SightlineError
from sightline.images.samples import SUBSETS, Samples
from sightline.networks.saved import load_members
from sightline.parameters.train import TrainParams
from sightline.training.continual.herding import herd
from sightline.training.continual.seen import read_seen
from sightline.training.heads.known import find_known, read_earlier
from sightline.training.heads.look import look_at


def rehearse(
    samples: Samples, ids: np.ndarray, pixels: np.ndarray, classes: list[str], params: TrainParams, device: torch.device
) -> tuple[Samples, str]:
    """Return the samples without the training images that are known and not needed, and a line about it.

    Of each class that the model in `weights` knows, `rehearsal` training images that it has seen are kept, chosen by
    herding on what it sees in them. Seen are those that the split.csv beside it names as such; where there is none, all
    images of its classes.

    Parameters
    ----------
    ids : ndarray of str [N]
        Of all images of images.npy.

    Raises
    ------
    SightlineError
        `weights` is no copy of a models/trained, knows none of the classes, or there are folds.
    """
    if (samples.fold >= 0).any():
        raise SightlineError("params.yaml: rehearsal: needs folds: 0, since each fold would remember other images")
    earlier = read_earlier(params.weights)
    known = find_known(earlier, classes, params.weights)
    member = load_members(params.weights, earlier)[0]
    seen = find_seen(samples, ids, known.places, params.weights)
    kept = np.ones(len(samples), dtype=bool)
    kept[seen] = False
    for label in known.places:
        rows = seen[samples.label[seen] == label]
        if len(rows):
            values = look_at(member, pixels, samples.row[rows], params.memory_mb, device)
            kept[rows[herd(values, params.rehearsal)]] = True
    new = int((samples.subset == SUBSETS.index("train")).sum()) - len(seen)
    line = (
        f"train: rehearsal: {int(kept[seen].sum()):,} of {len(seen):,} images that {params.weights} has seen, beside "
        f"{new:,} new ones"
    )
    return samples[kept], line


def find_seen(samples: Samples, ids: np.ndarray, known: np.ndarray, weights: str) -> np.ndarray:
    """Return the positions of the training images that the earlier model was trained on."""
    train = np.flatnonzero((samples.subset == SUBSETS.index("train")) & np.isin(samples.label, known))
    before = read_seen(weights)
    if before is None:
        return train
    return train[[identity in before for identity in ids[samples.row[train]]]]
