"""How `prepare.path`, `label`, `group` and `subset` name what a source tells of its images."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from sightline.common.errors import SightlineError

REGEX = "regex:"
PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Naming:
    """Columns by what they mean; `path` may be a template of columns, `label` a pattern for file names."""

    path: str
    label: str
    group: str
    subset: str

    @property
    def is_template(self) -> bool:
        return bool(PLACEHOLDER.search(self.path))

    @property
    def pattern(self) -> re.Pattern | None:
        """The pattern that finds a class in a file's name, None where `label` is a column."""
        return re.compile(self.label.removeprefix(REGEX)) if self.label.startswith(REGEX) else None

    def path_columns(self) -> list[str]:
        return PLACEHOLDER.findall(self.path) if self.is_template else [self.path]

    def path_in(self, row: dict[str, str]) -> str:
        """Return the path that a row names; ``""`` where a cell that it needs is empty."""
        if not all(row[column] for column in self.path_columns()):
            return ""
        return PLACEHOLDER.sub(lambda found: row[found[1]], self.path) if self.is_template else row[self.path]

    def columns(self) -> list[str]:
        return [*self.path_columns(), self.label, self.group, self.subset]

    def changed(self) -> dict[str, str]:
        """Return what differs from the plain names, by the key below `prepare`."""
        plain = asdict(PLAIN)
        return {key: name for key, name in asdict(self).items() if name != plain[key]}


PLAIN = Naming(path="path", label="label", group="group", subset="subset")


def naming_of(changed: dict[str, str]) -> Naming:
    """Return the plain names but for those that `Naming.changed` gave."""
    return replace(PLAIN, **changed)


KEYS = ("path", "label", "group", "subset")


def refuse_missing(columns: Iterable[str], naming: Naming, where: str, keys: tuple[str, ...] = KEYS) -> None:
    """Raise SightlineError for a column that is not there: path and label always, others where they were named.

    `keys` are those that this source tells by columns.
    """
    columns = list(columns)
    optional = {key for key in ("group", "subset") if key not in naming.changed()}
    for key in keys:
        for name in naming.path_columns() if key == "path" else [getattr(naming, key)]:
            if name not in columns and key not in optional:
                found = ", ".join(filter(None, columns)) or "none"
                raise SightlineError(f"{where}: has no column {name!r} (found: {found}): name the one by prepare.{key}")


def refuse_unused(naming: Naming, source: str, used: tuple[str, ...] = ()) -> None:
    """Raise SightlineError where a parameter names what this source does not have."""
    for key, name in naming.changed().items():
        if key not in used:
            raise SightlineError(
                f"params.yaml: prepare.{key}: {name!r} says nothing about {source}, which has no table: "
                f"set it back to {getattr(PLAIN, key)!r}, or name a table by prepare.source"
            )
