"""The schema of tune.yaml, and of the files of search spaces in tuning/; tune.yaml explains each key."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat, model_validator

from sightline.common.errors import SightlineError
from sightline.common.params import (
    Count,
    Name,
    NotNegative,
    Positive,
    Seed,
    StrictModel,
    check_params,
    load_params,
    validate,
)

Sampler = Literal["tpe", "gp", "cmaes", "random", "grid"]
Pruner = Literal["median", "hyperband", "wilcoxon", "none"]
Score = Literal["val/accuracy", "val/balanced_accuracy", "val/f1_macro", "val/loss"]
Cost = Literal["parameters", "macs", "bytes", "latency_ms"]
Plain = bool | int | float | str | None
FILE = "tune.yaml"
HERE = "journal"  # as storage: a file of this machine


class Entry(StrictModel):
    """What a key of params.yaml may be: `choices`, or a range from `low` to `high`, ends included.

    Parameters
    ----------
    choices : list, optional
        Its values.
    low, high : int or float, optional
        Whole numbers where both are.
    log : bool
        Search by factors rather than by differences.
    step : int or float, optional
        Only low, low + step, ...
    points : int
        So many values of a range, evenly spaced, are in a grid, unless there is a step.
    when : dict
        Keys, and the value or values that each must have for this entry to be of use.
    """

    choices: Annotated[list[Any], Field(min_length=1)] | None = None
    low: int | FiniteFloat | None = None
    high: int | FiniteFloat | None = None
    log: bool = False
    step: int | float | None = Field(default=None, gt=0)
    points: int = Field(default=3, ge=2)
    when: dict[str, Plain | list[Plain]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def is_a_range_or_choices(self) -> "Entry":
        ends = [end for end in (self.low, self.high) if end is not None]
        if (self.choices is None) == (not ends) or len(ends) == 1:
            raise ValueError("must have either choices, or low and high")
        if ends and self.low > self.high:
            raise ValueError(f"low ({self.low}) must not be above high ({self.high})")
        if self.log and (not ends or self.low <= 0 or self.step is not None):
            raise ValueError("log: true needs a low above 0, and no step")
        return self


Space = dict[Name, Any]  # an entry, or a list of entries of which one holds at a time


class TuneParams(StrictModel):
    """The content of tune.yaml."""

    study: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$")]
    objectives: Annotated[list[Score | Cost], Field(min_length=1)]
    limits: dict[Cost, Positive] = Field(default_factory=dict)
    space: Name | Space
    sampler: Sampler
    seed: Seed
    pruner: Pruner
    prune_after: Count
    seeds: list[Seed]
    trials: Count
    hours: NotNegative
    jobs: Count
    threads: int = Field(ge=0)
    storage: Name
    push: str

    @model_validator(mode="after")
    def objectives_fit_sampler_and_pruner(self) -> "TuneParams":
        if len(set(self.objectives)) < len(self.objectives):
            raise ValueError("objectives: one stands twice")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds: one stands twice")
        if len(self.objectives) > 1 and self.pruner != "none":
            raise ValueError("pruner: trials of several objectives cannot be pruned: set it to none")
        if len(self.objectives) > 1 and self.sampler == "cmaes":
            raise ValueError("sampler: cmaes knows one objective: set it to tpe or gp")
        if self.pruner != "none" and not self.objectives[0].startswith("val/"):
            raise ValueError(f"pruner: {self.objectives[0]} has no value for each epoch: set it to none")
        return self

    @property
    def folder(self) -> Path:
        """Where the study keeps what it finds."""
        return Path("tuning") / self.study


def load_settings(path: str = FILE) -> TuneParams:
    """Read tune.yaml, its search space from a file of its own where `space` names one.

    Raises
    ------
    SightlineError
        A file is missing or not YAML, a key is unknown or has a bad value.
    """
    check_params(TuneParams, path)
    settings = load_params(TuneParams, path)
    if isinstance(settings.space, str):
        return settings.model_copy(update={"space": read_space(settings.space)})
    return settings


def read_space(path: str) -> Space:
    """Read a file that holds a search space alone, below its key `space`."""

    class SpaceFile(StrictModel):
        space: Space

    if not Path(path).is_file():
        there = ", ".join(map(str, sorted(Path("tuning").glob("*.yaml"))))
        raise SightlineError(f"{FILE}: space: {path}: no such file (there are {there})")
    check_params(SpaceFile, path)
    return load_params(SpaceFile, path).space


def read_entries(content: Any, source: str) -> list[Entry]:
    """Return the entry of a key of the space, or the alternatives that it lists."""
    return [_read_entry(item, source) for item in (content if isinstance(content, list) else [content])]


def _read_entry(content: Any, source: str) -> Entry:
    if not isinstance(content, dict):
        raise SightlineError(f"{source}: must hold choices, or low and high (got {content!r})")
    return validate(Entry, content, source)
