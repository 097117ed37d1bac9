"""The schema of sweep.yaml: data sets, models, seeds, limits. The file explains each key."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError

from sightline.common.errors import SightlineError
from sightline.common.params import Count, Positive, Probability, Seed, StrictModel, load_params

SWEEP = "sweep.yaml"
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]  # a part of an experiment's name, between hyphens
Keys = dict[str, Any]  # of params.yaml, with dots or in sections


class Limits(StrictModel):
    """What the winner of a data set must keep to; None: no limit."""

    max_file_mb: Positive | None = None
    max_latency_ms: Positive | None = None
    min_accuracy: Probability | None = None


class LimitsSection(Limits):
    """The section `limits`: those of all data sets, and others for single ones."""

    on: dict[Label, Limits] = Field(default_factory=dict)

    def of(self, data: str) -> Limits:
        """Return the limits of a data set: its own where it has some, else those of all."""
        general = self.model_dump(exclude={"on"})
        own = self.on[data].model_dump(exclude_unset=True) if data in self.on else {}
        return Limits(**(general | own))


class SweepFile(StrictModel):
    """The content of sweep.yaml."""

    data: Annotated[dict[Label, Keys], Field(min_length=1)]
    models: Annotated[dict[Label, Keys], Field(min_length=1)]
    seeds: Annotated[list[Seed], Field(min_length=1)]
    jobs: Count
    tune: int = Field(ge=0)
    limits: LimitsSection

    @field_validator("seeds")
    @classmethod
    def seeds_differ(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("a seed must not stand twice")
        return seeds


def read_sweep(path: str = SWEEP) -> SweepFile:
    """Read sweep.yaml.

    Raises
    ------
    SightlineError
        The file is missing or not YAML, a name stands twice, a key is missing, unknown or out of its range.
    """
    refuse_doubles(path)
    sweep = load_params(SweepFile, path)
    for name, where in _named_sets(sweep):
        if name not in sweep.data:
            raise SightlineError(f"{path}: {where}: {name}: no data set is called so: {', '.join(sweep.data)}")
    return sweep


def refuse_doubles(path: str) -> None:
    """Raise SightlineError where a name stands twice; what else is wrong with the file is left to its reader."""
    with suppress(FileNotFoundError):
        try:
            YAML(typ="safe", pure=True).load(Path(path))
        except DuplicateKeyError as error:
            name = str(error).partition('duplicate key "')[2].partition('"')[0]
            line = error.problem_mark.line + 1
            raise SightlineError(f"{path}: line {line}: {name} stands twice: give one of them another name") from None
        except YAMLError:
            return


def _named_sets(sweep: SweepFile) -> Iterator[tuple[str, str]]:
    yield from ((name, "limits.on") for name in sweep.limits.on)
    for model, keys in sweep.models.items():
        yield from ((name, f"models.{model}.on") for name in keys.get("on") or {})
