"""Decisions of people about labels: a table of id, action, label, who, when, reason, and what the file was then."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from sightline.common.errors import SightlineError
from sightline.images.sources.names import tidy
from sightline.images.sources.open import RAW
from sightline.images.sources.table_rows import parse_rows

Action = Literal["keep", "relabel", "remove"]
ACTIONS = get_args(Action)
COLUMNS = ("id", "action", "label", "who", "when", "reason", "sha256")
REQUIRED = ("id", "action", "label")


@dataclass(frozen=True)
class Correction:
    """What was decided about an image.

    `label` is the class that it has from now on where the action is to relabel; `sha256`, of the file's bytes in
    hexadecimal digits, is empty where nobody noted it; `where` is its place, for messages.
    """

    id: str
    action: Action
    label: str
    who: str
    when: str
    reason: str
    sha256: str
    where: str

    @property
    def decision(self) -> tuple[str, str]:
        """What two rows about one image must agree on."""
        return self.action, self.label if self.action == "relabel" else ""


def read_corrections(path: Path) -> dict[str, Correction]:
    """Read a table of corrections by id; a row without an action is undecided and left out.

    Raises
    ------
    SightlineError
        There is no such file, a column is missing, an action is unknown, an image gets no label, or two rows
        contradict each other; the message names the line.
    """
    if not path.is_file():
        raise SightlineError(f"{path}: not found: `make review` proposes corrections")
    with path.open("rb") as stream:
        rows = parse_rows(stream, COLUMNS, str(path))
        _, columns = next(rows, (0, []))
        missing = [name for name in REQUIRED if name not in columns]
        if missing:
            raise SightlineError(f"{path}: has no column {missing[0]!r}: it needs {', '.join(REQUIRED)}")
        found: dict[str, Correction] = {}
        for line, cells in rows:
            row = dict(zip(columns, cells, strict=True))
            if row["action"]:
                correction = _to_correction(row, f"{path}: line {line}")
                _refuse_contradiction(found.setdefault(correction.id, correction), correction)
    return found


def locate(corrections: dict[str, Correction], names: Collection[str]) -> dict[str, Correction]:
    """Return corrections by the ids that their images have among `names`; one that has none stays as it is.

    An id gets longer at its front where a table takes the place of the folder or the archive that it lists, as `make
    label` makes one. So a row that says which file it means, by `sha256`, may have the end of an id, if one id alone
    ends so; a row that has the whole id takes its place.
    """
    unknown = {name for name, correction in corrections.items() if correction.sha256} - set(names)
    longer = defaultdict(list)
    for name in names if unknown else ():
        steps = name.split("/")
        for end in ("/".join(steps[start:]) for start in range(1, len(steps))):
            if end in unknown:
                longer[end].append(name)
    found = {short: whole for short, (whole, *others) in longer.items() if not others}
    placed = [
        replace(one, id=found.get(name, name))
        for name, one in corrections.items()
        if found.get(name) not in corrections
    ]
    return {correction.id: correction for correction in placed}


def _to_correction(row: dict[str, str], where: str) -> Correction:
    action = row["action"].lower()
    label = tidy(row["label"])
    if not row["id"]:
        raise SightlineError(f"{where}: names no image: fill in the id")
    if action not in ACTIONS:
        raise SightlineError(f"{where}: the action {row['action']!r} must be one of {', '.join(ACTIONS)}")
    if action == "relabel" and not label:
        raise SightlineError(f"{where}: to relabel {row['id']!r} needs a label")
    who, when, reason, sha256 = (row.get(name, "") for name in COLUMNS[3:])
    return Correction(row["id"], action, label, who, when, reason, sha256.lower(), where)


def _refuse_contradiction(first: Correction, second: Correction) -> None:
    if first.decision != second.decision:
        one, other = (" to ".join(filter(None, correction.decision)) for correction in (first, second))
        raise SightlineError(f"{second.where}: {other} {first.id!r} contradicts {first.where}: {one}: delete one row")


def corrections_path(name: str) -> Path:
    """Return the path that `prepare.corrections` names.

    Raises
    ------
    SightlineError
        It does not lie below data/raw.
    """
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or path.parts[: len(RAW.parts)] != RAW.parts:
        raise SightlineError(f"params.yaml: prepare.corrections: {name!r} must lie below {RAW}, where DVC sees it")
    return path
