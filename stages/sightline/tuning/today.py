"""params.yaml as it stands, flat, and whether it accepts what a search space may put into it."""

from typing import Any

from sightline.common.errors import SightlineError
from sightline.common.params import known_keys, load_params, validate
from sightline.experiments.keys import flatten, unflatten
from sightline.parameters.whole import WholeParams
from sightline.tuning.objectives import keys_read
from sightline.tuning.settings import FILE
from sightline.tuning.space import Parameter, Values

PARAMS = "params.yaml"
JUDGED_ON = ("seed", "prepare.source", "split.")  # keys that say which images are trained and judged on


def read_today() -> Values:
    """Return the keys of params.yaml, those of a section with a dot."""
    return flatten(load_params(WholeParams).model_dump(mode="json"))


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
        _refuse_never(parameter, parameters, today, source)
        under = {key: allowed[0] if isinstance(allowed, list) else allowed for key, allowed in _when(parameter)}
        entry = parameter.entry
        for value in entry.choices if entry.choices is not None else (entry.low, entry.high):
            refuse_values(today | under | {parameter.key: value}, source)
        seen.append(parameter.key)


def refuse_idle(parameters: list[Parameter], objectives: list[str]) -> None:
    """Raise SightlineError when the space is empty, or has a key that no stage of a trial reads or that chooses images.

    Trials that are judged on other images cannot be compared, and test images of one would be validation images of
    another.
    """
    if not parameters:
        raise SightlineError(f"{FILE}: space: is empty: name keys of {PARAMS}")
    for parameter in parameters:
        key = parameter.key
        if key.startswith(JUDGED_ON):
            raise SightlineError(f"{FILE}: space: {key}: chooses images, which must be the same for all trials")
        if key.partition(".")[0] not in keys_read(objectives):
            raise SightlineError(f"{FILE}: space: {key}: changes none of the objectives: take it out")


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


def _refuse_never(parameter: Parameter, parameters: list[Parameter], today: Values, source: str) -> None:
    """Raise SightlineError when a condition asks for values that its key has in no trial."""
    for key, allowed in _when(parameter):
        others = [other for other in parameters if other.key == key]
        values = allowed if isinstance(allowed, list) else [allowed]
        if not any(value == today[key] or any(other.contains(value) for other in others) for value in values):
            raise SightlineError(f"{source}: when: {key} is never {' or '.join(map(str, values))} in this space")


def _when(parameter: Parameter) -> list[tuple[str, Any]]:
    return list(parameter.entry.when.items())
