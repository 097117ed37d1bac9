"""params.yaml: read it, check it against a stage's schema, and say in one line what is wrong."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sightline.common.errors import SightlineError

Schema = TypeVar("Schema", bound=BaseModel)

# kinds of values that several schemas share
Arithmetic = Literal["portable", "native"]
Seed = Annotated[int, Field(ge=0)]
NearBits = Annotated[int, Field(ge=0, le=8)]
Count = Annotated[int, Field(ge=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Name = Annotated[str, Field(min_length=1)]


def ascending(span: list[float]) -> list[float]:
    """Check a lowest and a highest value for pydantic.

    Raises
    ------
    ValueError
        They stand the wrong way round.
    """
    if span[0] > span[1]:
        raise ValueError(f"the first number ({span[0]}) must not be above the second ({span[1]})")
    return span


Span = Annotated[list[Positive], Field(min_length=2, max_length=2), AfterValidator(ascending)]
Area = Annotated[float, Field(gt=0, le=1)]
AreaSpan = Annotated[list[Area], Field(min_length=2, max_length=2), AfterValidator(ascending)]


class StrictModel(BaseModel):
    """A schema without coercion, defaults from elsewhere or unknown keys."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class StageParams(StrictModel):
    """The keys of params.yaml that one stage reads; each stage script begins with its own."""


def load_params(schema: type[Schema], path: str = "params.yaml") -> Schema:
    """Read the schema's keys from a YAML 1.2 file, where a hand-written ``1e-4`` is a number.

    Other top-level keys belong to other stages and are left alone.

    Raises
    ------
    SightlineError
        The file is missing or not YAML, a key is missing, unknown, or has a value outside its range.
    """
    content = _read_yaml(path)
    return validate(schema, {key: content[key] for key in schema.model_fields if key in content}, path)


def check_params(schema: type[BaseModel], path: str = "params.yaml") -> None:
    """Hold a whole file against a schema of all its keys; raises SightlineError as `load_params` does."""
    validate(schema, _read_yaml(path), path)


def validate(schema: type[Schema], values: dict, source: str) -> Schema:
    """Build the schema from plain values; the first mistake becomes ``source: key: what (got value)``."""
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise SightlineError(f"{source}: {_describe(error.errors(), values, schema)}") from None


def _read_yaml(path: str) -> dict:
    try:
        content = YAML(typ="safe", pure=True).load(Path(path))
    except FileNotFoundError:
        raise SightlineError(f"{path}: not found: run the stage from the repository's root") from None
    except YAMLError as error:
        raise SightlineError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise SightlineError(f"{path}: must hold `key: value` lines")
    return content


def _describe(errors: list[dict], values: dict, schema: type[BaseModel]) -> str:
    """Describe the first mistake; where several types were allowed, by what each of them asks for.

    A key that is not known comes first: another one is missing where a key was misspelt.
    """
    first = next((error for error in errors if error["type"] == "extra_forbidden"), errors[0])
    key = _key(first["loc"], values)
    if first["type"] == "missing":
        return f"{key}: is missing"
    if first["type"] == "extra_forbidden":
        return f"{key}: is not a known key{_suggestion(key, list(known_keys(schema)))}"
    messages = [_message(error) for error in errors if _key(error["loc"], values) == key]
    return f"{key}: {' or '.join(messages)} (got {first['input']!r})" if key else messages[0]


def known_keys(schema: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield every key of a schema, those of its sections with a dot."""
    for name, field in schema.model_fields.items():
        yield f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from known_keys(field.annotation, f"{prefix}{name}.")


def _suggestion(key: str, known: list[str]) -> str:
    """Return the nearest known key: one of the same name elsewhere, else one that is spelt alike."""
    name = key.rpartition(".")[2]
    moved = [candidate for candidate in known if candidate.rpartition(".")[2] == name]
    nearest = moved or get_close_matches(key, known, n=1) or _alike(name, known)
    return f": did you mean {nearest[0]}?" if nearest else ""


def _alike(name: str, known: list[str]) -> list[str]:
    """Return the keys whose last part is spelt most like a name."""
    spelt = get_close_matches(name, [candidate.rpartition(".")[2] for candidate in known], n=1)
    return [candidate for candidate in known if candidate.rpartition(".")[2] in spelt]


def _message(error: dict) -> str:
    message = error["msg"].removeprefix("Value error, ")
    return re.sub(r"^(Input|String|List) should", "must", message)


def _key(loc: tuple[str | int, ...], values: object) -> str:
    """Return the dotted key, without the names of allowed types that pydantic puts behind it."""
    names = []
    for name in loc:
        if not isinstance(values, dict | list) or (isinstance(values, list) and not isinstance(name, int)):
            break
        names.append(str(name))
        values = values.get(name) if isinstance(values, dict) else values[name]
    return ".".join(names)
