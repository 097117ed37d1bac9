"""params.yaml as it stands, flat, and whether it accepts what a search space may put into it."""

from typing import Any

from sightline.common.errors import SightlineError
from sightline.common.params import known_keys, load_params, validate
from sightline.parameters.whole import WholeParams
from sightline.tuning.settings import FILE
from sightline.tuning.space import Parameter, Values

PARAMS = "params.yaml"


def read_today() -> Values:
    """Return the keys of params.yaml, those of a section with a dot."""
    return flatten(load_params(WholeParams).model_dump(mode="json"))


def flatten(content: dict[str, Any], prefix: str = "") -> Values:
    """Return nested sections as one dictionary of dotted keys."""
    flat = {}
    for key, value in content.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {f"{prefix}{key}": value}
    return flat


def unflatten(values: Values) -> dict[str, Any]:
    """Return dotted keys as nested sections."""
    nested: dict[str, Any] = {}
    for key, value in values.items():
        *sections, name = key.split(".")
        section = nested
        for part in sections:
            section = section.setdefault(part, {})
        section[name] = value
    return nested


def refuse_values(values: Values, source: str) -> None:
    """Raise SightlineError, beginning with `source`, when params.yaml must not hold these values."""
    validate(WholeParams, unflatten(values), source)


def refuse_space(parameters: list[Parameter], today: Values) -> None:
    """Raise SightlineError when the space names a key that is not there, or a value that params.yaml refuses.

    Each choice, and both ends of each range, are tried on today's values, with the first values that its condition
    asks for.
    """
    seen: list[str] = []
    for parameter in parameters:
        _refuse_unknown(parameter, today)
        source = f"{FILE}: space: {parameter.name}"
        _refuse_early(parameter, parameters, seen, source)
        under = {key: allowed[0] if isinstance(allowed, list) else allowed for key, allowed in _when(parameter)}
        entry = parameter.entry
        for value in entry.choices if entry.choices is not None else (entry.low, entry.high):
            refuse_values(today | under | {parameter.key: value}, source)
        seen.append(parameter.key)


def _refuse_unknown(parameter: Parameter, today: Values) -> None:
    for key in (parameter.key, *parameter.entry.when):
        if key in known_keys(WholeParams) and key not in today:
            raise SightlineError(f"{FILE}: space: {key}: is a section: name one of its keys")
        if key not in today:
            validate(WholeParams, unflatten({key: None}), f"{FILE}: space")  # names the key that is spelt most like it


def _refuse_early(parameter: Parameter, parameters: list[Parameter], seen: list[str], source: str) -> None:
    """Raise SightlineError when a condition is about a key of the space that stands below."""
    for key, _ in _when(parameter):
        if key not in seen and any(other.key == key for other in parameters):
            raise SightlineError(f"{source}: when: {key} must stand above it")


def _when(parameter: Parameter) -> list[tuple[str, Any]]:
    return list(parameter.entry.when.items())
