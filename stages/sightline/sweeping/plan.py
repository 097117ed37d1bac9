"""Which experiments a sweep is made of: each model on each data set with each seed, and the parameters of each."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from ruamel.yaml import YAML

from sightline.common.errors import SightlineError
from sightline.common.params import known_keys, validate
from sightline.experiments.keys import flatten, unflatten
from sightline.parameters.whole import WholeParams
from sightline.sweeping.file import SWEEP, Keys, SweepFile

RECIPES = Path("recipes")
RECIPE = "recipe"
ON = "on"  # further keys of a model on one data set
TUNE = "tune"  # the file of the search space with which a model is tuned before it runs
OF_DATA = ("prepare.", "split.")  # sections that a data set may set
BY_DATA = ("prepare.source", "split.")  # what a model may not: all models of a data set are judged on the same images


@dataclass(frozen=True)
class Cell:
    """One experiment: a model on a data set with a seed; `values` are the keys of params.yaml that it sets."""

    data: str
    model: str
    seed: int
    values: dict[str, Any]

    @property
    def title(self) -> str:
        """What it is called when something is said about it."""
        return f"{self.data} {self.model} seed {self.seed}"


@dataclass(frozen=True)
class Job:
    """An experiment that is to run, by its name."""

    name: str
    cell: Cell


def plan_cells(sweep: SweepFile) -> list[Cell]:
    """Return every experiment, model by model, so that jobs side by side seldom prepare the same images twice.

    Keys of a model's `on` count most, then the model's, the data set's, those of its recipe.

    Raises
    ------
    SightlineError
        A recipe or a key is unknown, or stands where it may not.
    """
    data = {name: _keys_of_data(name, keys) for name, keys in sweep.data.items()}
    cells = []
    for model, keys in sweep.models.items():
        recipe, own, on = _keys_of_model(model, keys)
        for name, images in data.items():
            values = recipe | images | own | on.get(name, {})
            cells += [Cell(name, model, seed, values | {"seed": seed}) for seed in sweep.seeds]
    return cells


def check_cells(cells: list[Cell], params: dict) -> None:
    """Hold the parameters of every experiment against the schema of params.yaml; raises SightlineError."""
    checked = []
    for cell in cells:
        if (cell.data, cell.model) not in checked:
            checked.append((cell.data, cell.model))
            validate(WholeParams, merge(params, cell.values), f"{SWEEP}: models.{cell.model} on {cell.data}")


def read_params(path: str = "params.yaml") -> dict:
    """Return params.yaml as it stands."""
    return YAML(typ="safe", pure=True).load(Path(path))


def merge(params: dict, values: dict[str, Any]) -> dict:
    """Return nested parameters with the values of dotted keys in their places."""
    return unflatten(flatten(params) | values)


def flat(keys: Keys) -> Keys:
    """Return keys with dots in place of sections."""
    found = {}
    for name, value in keys.items():
        found |= (
            {f"{name}.{key}": item for key, item in flat(value).items()} if isinstance(value, dict) else {name: value}
        )
    return found


def read_recipe(name: str, where: str) -> Keys:
    """Return the keys that a recipe sets.

    Raises
    ------
    SightlineError
        There is no such recipe.
    """
    path = RECIPES / name
    known = sorted(file.name for file in RECIPES.iterdir())
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise SightlineError(f"{SWEEP}: {where}: recipe: no recipe is called {name}: {hint}")
    lines = re.findall(r"^-S (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {override.key_or_group: override.value() for override in OverridesParser.create().parse_overrides(lines)}


def _keys_of_data(name: str, keys: Keys) -> Keys:
    where = f"data.{name}"
    values = flat(keys)
    for key in values:
        if not key.startswith(OF_DATA):
            raise SightlineError(
                f"{SWEEP}: {where}: {key}: a data set sets keys of prepare and split; models the others"
            )
    _refuse_unknown(where, values)
    return values


def _keys_of_model(name: str, keys: Keys) -> tuple[Keys, Keys, dict[str, Keys]]:
    """Return the keys of a model's recipe, its own, and those for single data sets."""
    where = f"models.{name}"
    own = flat({key: value for key, value in keys.items() if key not in (RECIPE, ON, TUNE)})
    on = {data: flat(further) for data, further in (keys.get(ON) or {}).items()}
    places = {where: own} | {f"{where}.on.{data}": further for data, further in on.items()}
    for place, values in places.items():
        _refuse_unknown(place, values)
        for key in values:
            if key.startswith(BY_DATA) or key == "seed":
                raise SightlineError(
                    f"{SWEEP}: {place}: {key}: is the same for all models: set it in data, or in seeds"
                )
    recipe = read_recipe(str(keys[RECIPE]), where) if RECIPE in keys else {}
    return {key: value for key, value in recipe.items() if not key.startswith(BY_DATA)}, own, on


def _refuse_unknown(where: str, values: Keys) -> None:
    known = list(known_keys(WholeParams))
    for key in values:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f": did you mean {near[0]}?" if near else ", which params.yaml lists"
            raise SightlineError(f"{SWEEP}: {where}: {key}: is not a known key{hint}")
