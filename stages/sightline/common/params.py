"""params.yaml: read it, check it against a stage's schema, and say in one line what is wrong."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sightline.common.errors import SightlineError


class StrictModel(BaseModel):
    """A schema without coercion, defaults from elsewhere or unknown keys."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class StageParams(StrictModel):
    """The keys of params.yaml that one stage reads; each stage script begins with its own."""


Schema = TypeVar("Schema", bound=BaseModel)


def load_params(schema: type[Schema], path: str = "params.yaml") -> Schema:
    """Read the schema's keys from a YAML 1.2 file, where a hand-written ``1e-4`` is a number.

    Other top-level keys belong to other stages and are left alone.

    Raises
    ------
    SightlineError
        The file is missing or not YAML, a key is missing, unknown, or has a value outside its range.
    """
    found = _read_yaml(path)
    return validate(schema, {key: found[key] for key in schema.model_fields if key in found}, path)


def validate(schema: type[Schema], values: dict, source: str) -> Schema:
    """Build the schema from plain values; the first mistake becomes ``source: key: what (got value)``."""
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise SightlineError(f"{source}: {_describe(error.errors(), values)}") from None


def _read_yaml(path: str) -> dict:
    try:
        found = YAML(typ="safe", pure=True).load(Path(path))
    except FileNotFoundError:
        raise SightlineError(f"{path}: not found: run the stage from the repository's root") from None
    except YAMLError as error:
        raise SightlineError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict):
        raise SightlineError(f"{path}: must hold `key: value` lines")
    return found


def _describe(errors: list[dict], values: dict) -> str:
    """Describe the first mistake; where several types were allowed, by what each of them asks for."""
    first, key = errors[0], _key(errors[0]["loc"], values)
    if first["type"] == "missing":
        return f"{key}: is missing"
    if first["type"] == "extra_forbidden":
        return f"{key}: is not a known key"
    messages = [_message(error) for error in errors if _key(error["loc"], values) == key]
    return f"{key}: {' or '.join(messages)} (got {first['input']!r})" if key else messages[0]


def _message(error: dict) -> str:
    message = error["msg"].removeprefix("Value error, ")
    return message.replace("Input should be", "must be").replace("Input should", "must")


def _key(loc: tuple[str | int, ...], values: object) -> str:
    """Return the dotted key, without the names of allowed types that pydantic puts behind it."""
    parts = []
    for part in loc:
        if not isinstance(values, dict | list):
            break
        parts.append(str(part))
        values = values.get(part) if isinstance(values, dict) else values[part]
    return ".".join(parts)
