"""What is to be run as an experiment of DVC, and the command that does it."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Order:
    """An experiment that is to run in a copy of its own.

    Parameters
    ----------
    name : str
        The experiment's name.
    values : dict
        Keys of params.yaml, those of a section with a dot, and what they are in this experiment.
    target : str
        The stage up to which it runs; empty: all stages.
    log : Path
        Where its output goes.
    environment : dict
        Variables beside those of this process, such as its share of the machine (`shares.py`).
    """

    name: str
    values: dict[str, Any]
    target: str
    log: Path
    environment: dict[str, str] = field(default_factory=dict)

    def command(self) -> list[str]:
        """Return the command line of `dvc`."""
        overrides = [part for key, value in self.values.items() for part in ("-S", f"{key}={spell(value)}")]
        targets = [self.target] if self.target else []
        return ["dvc", "--wait-for-lock", "exp", "run", "--temp", "--name", self.name, *overrides, *targets]


def spell(value: Any) -> str:
    """Return a value in the grammar of Hydra's overrides, in which `-S` takes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(map(spell, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{key}:{spell(item)}' for key, item in value.items())}}}"
    quoted = re.sub(r"(\\*)('|$)", lambda match: 2 * match[1] + ("\\'" if match[2] else ""), str(value))
    return f"'{quoted}'"
