"""The search space: what each key of params.yaml may become in a trial, some of them only where another key says so."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna import Trial
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from sightline.common.errors import SightlineError
from sightline.tuning.settings import FILE, Entry, Space, read_entries

Values = dict[str, Any]  # dotted key of params.yaml -> value


@dataclass(frozen=True)
class Parameter:
    """One range, or one list of choices, of a key.

    Parameters
    ----------
    name : str
        What Optuna calls it: the key, and its condition where it has one.
    key : str
        The dotted key of params.yaml.
    entry : Entry
        What tune.yaml says.
    """

    name: str
    key: str
    entry: Entry

    def holds(self, values: Values) -> bool:
        """Tell whether it is of use where other keys have these values."""
        return all(values[key] in _as_list(allowed) for key, allowed in self.entry.when.items())

    def distribution(self) -> BaseDistribution:
        """Return its range in Optuna's terms."""
        entry = self.entry
        if entry.choices is not None:
            return CategoricalDistribution([_label(choice) for choice in entry.choices])
        if all(isinstance(end, int) for end in (entry.low, entry.high)) and not isinstance(entry.step, float):
            return IntDistribution(entry.low, entry.high, log=entry.log, step=entry.step or 1)
        return FloatDistribution(entry.low, entry.high, log=entry.log, step=entry.step)

    def contains(self, value: Any) -> bool:
        """Tell whether a value is one that a trial may get."""
        if self.entry.choices is not None:
            return value in self.entry.choices
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        distribution = self.distribution()
        return is_number and distribution._contains(distribution.to_internal_repr(value))

    def label(self, value: Any) -> Any:
        """Return what Optuna knows a value by: a list or a section by its text."""
        return _label(value) if self.entry.choices is not None else value

    def value(self, label: Any) -> Any:
        """Return what a trial is run with, as the range's type."""
        if self.entry.choices is None:
            return label
        return next(choice for choice in self.entry.choices if _label(choice) == label)

    def grid(self) -> list[Any]:
        """Return its values in a grid, ends included."""
        entry = self.entry
        if entry.choices is not None:
            return entry.choices
        if entry.step is not None:
            count = int(np.floor((entry.high - entry.low) / entry.step * (1 + 1e-12))) + 1
            return [entry.low + number * entry.step for number in range(count)]
        spaced = (np.geomspace if entry.log else np.linspace)(entry.low, entry.high, entry.points)
        if isinstance(self.distribution(), IntDistribution):
            return sorted({round(value) for value in spaced})
        return [entry.low, *(float(value) for value in spaced[1:-1]), entry.high]


def read_parameters(space: Space) -> list[Parameter]:
    """Return the parameters of a space in the order of the file, each behind those that it depends on.

    Raises
    ------
    SightlineError
        An entry is not well formed, or two of a key hold at once.
    """
    parameters = []
    for key, content in space.items():
        source = f"{FILE}: space: {key}"
        entries = read_entries(content, source)
        _refuse_overlap(entries, source)
        parameters += [Parameter(_name(key, entry), key, entry) for entry in entries]
    return parameters


def suggest(trial: Trial, parameters: list[Parameter], today: Values, fixed: Values | None) -> Values:
    """Return the value of each key of the space in this trial; one that is not of use stays as it is today.

    Parameters
    ----------
    trial : optuna.Trial
        Asks the sampler, or gives what the trial was enqueued with.
    parameters : list of Parameter
        The space.
    today : dict
        The keys of params.yaml when the study began.
    fixed : dict or None
        Values that the sampler is not to choose; one that no range contains is run all the same, and stays unknown to
        the sampler.
    """
    values = {parameter.key: today[parameter.key] for parameter in parameters}
    for parameter in parameters:
        if not parameter.holds(today | values):
            continue
        if fixed is not None and parameter.key in fixed:
            values[parameter.key] = fixed[parameter.key]
        if fixed is None or parameter.key not in fixed or parameter.contains(fixed[parameter.key]):
            values[parameter.key] = parameter.value(trial._suggest(parameter.name, parameter.distribution()))
    return values


def label_fixed(parameters: list[Parameter], values: Values) -> dict[str, Any]:
    """Return values as Optuna's names and labels, of the parameters that contain them."""
    known = [parameter for parameter in parameters if parameter.key in values and parameter.holds(values)]
    return {
        parameter.name: parameter.label(values[parameter.key])
        for parameter in known
        if parameter.contains(values[parameter.key])
    }


def list_grid(parameters: list[Parameter], today: Values) -> Iterator[Values]:
    """Yield each point of the grid once: keys that are not of use keep today's value."""

    def extend(values: Values, rest: list[Parameter]) -> Iterator[Values]:
        if not rest:
            yield values
            return
        parameter, *others = rest
        if not parameter.holds(today | values):
            yield from extend(values, others)
            return
        for value in parameter.grid():
            yield from extend(values | {parameter.key: value}, others)

    yield from extend({parameter.key: today[parameter.key] for parameter in parameters}, parameters)


def _refuse_overlap(entries: list[Entry], source: str) -> None:
    for first, second in itertools.combinations(entries, 2):
        if not _apart(first.when, second.when):
            raise SightlineError(f"{source}: two of its entries hold at once: give each a `when` of its own")


def _apart(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Tell whether two conditions can never hold at once: they allow a key no value in common."""
    shared = first.keys() & second.keys()
    return any(not any(value in _as_list(second[key]) for value in _as_list(first[key])) for key in shared)


def _name(key: str, entry: Entry) -> str:
    conditions = ", ".join(f"{other}={allowed}" for other, allowed in entry.when.items())
    return f"{key} ({conditions})" if conditions else key


def _label(choice: Any) -> Any:
    return choice if choice is None or isinstance(choice, bool | int | float | str) else repr(choice)


def _as_list(allowed: Any) -> list[Any]:
    return allowed if isinstance(allowed, list) else [allowed]
