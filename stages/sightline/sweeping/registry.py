"""`registry/`: what a backend reads. registry.json has every model, selection.json the winner of each data set.

`registry.schema.json` and `selection.schema.json` beside them say what they hold.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from sightline.common.errors import SightlineError
from sightline.common.files import read_json, remedy, write_json
from sightline.common.params import StrictModel, validate
from sightline.sweeping.file import Limits

MODEL = "models/exported/model.onnx"
FORMAT = 1  # of both files; a reader refuses what it does not know
REGISTRY = Path("registry/registry.json")
SELECTION = Path("registry/selection.json")


class ScoresRecord(StrictModel):
    """Of one subset; low and high are the ends of accuracy's interval."""

    accuracy: float
    low: float
    high: float
    f1_macro: float
    ece: float


class FileRecord(StrictModel):
    """The exported model: `dvc get <repository> <path> --rev <commit>` brings it."""

    path: str
    sha256: str | None
    bytes: int


class Record(StrictModel):
    """A model of a data set: the seed with the best validation; `version` grows with each other commit."""

    version: int = Field(ge=1)
    experiment: str
    commit: str = Field(pattern="^[0-9a-f]{40}$")
    seed: int
    parameters: dict[str, Any]
    metrics: dict[Literal["val", "test"], ScoresRecord]
    file: FileRecord
    latency_ms: float | None
    machine: str
    trained_parameters: int
    macs: int


class Registry(StrictModel):
    """The content of registry.json: data set -> model -> record."""

    format: Literal[1]
    models: dict[str, dict[str, Record]]


class Choice(StrictModel):
    """The winner of a data set, best on validation under the limits; None: no model keeps to them."""

    model: str | None
    record: Record | None
    limits: Limits
    passed_over: dict[str, list[str]]  # better models, and the limits that they miss


class Selection(StrictModel):
    """The content of selection.json: data set -> choice."""

    format: Literal[1]
    selected: dict[str, Choice]


def read_registry(root: Path) -> Registry:
    """Return registry.json, or an empty registry where there is none; raises SightlineError as `read_file`."""
    return read_file(Registry, root / REGISTRY) if (root / REGISTRY).is_file() else Registry(format=FORMAT, models={})


def read_selection(root: Path) -> Selection:
    """Return selection.json, or an empty selection where there is none; raises SightlineError as `read_file`."""
    path = root / SELECTION
    return read_file(Selection, path) if path.is_file() else Selection(format=FORMAT, selected={})


def read_file(schema: type[StrictModel], path: Path) -> Any:
    """Read a file of the registry.

    Raises
    ------
    SightlineError
        It is missing or damaged, or a newer version of Sightline wrote it.
    """
    if not path.is_file():
        raise SightlineError(f"{path}: not found: `make sweep` writes it")
    content = read_json(path)
    found = content.get("format") if isinstance(content, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise SightlineError(f"{path}: format {found}, written by a newer version; this one knows {FORMAT}: update it")
    try:
        return validate(schema, content, str(path))
    except SightlineError as error:
        raise SightlineError(f"{error}: {remedy(path)}") from None


def write_files(registry: Registry, selection: Selection, root: Path) -> None:
    """Write both files, and their schemas; without any model there is nothing to write."""
    if not registry.models:
        return
    for path, content in ((REGISTRY, registry), (SELECTION, selection)):
        write_json(root / path, content.model_dump())
        write_json((root / path).with_suffix(".schema.json"), type(content).model_json_schema())
