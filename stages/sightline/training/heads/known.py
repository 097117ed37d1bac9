"""The classes that an earlier model knows by their names, and the rows of its head that are theirs."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightline.common.errors import SightlineError
from sightline.networks.saved import ModelSpec, load_members, read_spec
from sightline.training.heads.prototypes import Prototypes
from sightline.training.recipe.head import linear_head


@dataclass(frozen=True)
class Known:
    """An earlier model's classes among those of today.

    Parameters
    ----------
    places : ndarray of int [known]
        Where they stand today, sorted.
    rows : ndarray of int [known]
        Where each of them stands in the earlier model.
    """

    places: np.ndarray
    rows: np.ndarray


def read_earlier(weights: str) -> ModelSpec:
    """Return what the earlier model that `weights` names says of itself.

    Raises
    ------
    SightlineError
        It is no copy of a models/trained.
    """
    if not (Path(weights) / "model.json").is_file():
        raise SightlineError(
            f"params.yaml: weights: {weights or 'nothing'} does not tell its classes: name a folder below "
            "models/pretrained with a copy of an earlier models/trained"
        )
    return read_spec(weights)


def find_known(earlier: ModelSpec, classes: list[str], weights: str) -> Known:
    """Return which of the classes the earlier model knows.

    Raises
    ------
    SightlineError
        None of them.
    """
    names = [name for name in classes if name in earlier.classes]
    if not names:
        raise SightlineError(
            f"params.yaml: weights: {weights} knows none of the classes of data/prepared/dataset.json: name a model "
            "that was trained on some of them, or use another head_init and rehearsal: 0"
        )
    places = [classes.index(name) for name in names]
    return Known(np.array(places), np.array([earlier.classes.index(name) for name in names]))


def read_rows(weights: str, classes: list[str]) -> tuple[Prototypes, Known]:
    """Return a head for today's classes, with the rows of the earlier model's first member, and zeros elsewhere."""
    earlier = read_earlier(weights)
    known = find_known(earlier, classes, weights)
    first = earlier.model_copy(update={"members": earlier.members[:1]})
    (member,) = load_members(weights, first)
    layer = linear_head(member.network)
    weight = np.zeros((len(classes), layer.in_features))
    bias = np.zeros(len(classes))
    weight[known.places] = layer.weight.detach().double().numpy()[known.rows]
    bias[known.places] = layer.bias.detach().double().numpy()[known.rows]
    return Prototypes(weight, bias), known
