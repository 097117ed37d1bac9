"""What the names of shards tell: which of train, val and test they hold, and which files a pattern in braces means."""

import re
from collections import defaultdict
from pathlib import Path, PurePosixPath

from sightline.common.errors import SightlineError, quote_some
from sightline.images.sources.layouts.subset_names import subsets_of

NUMBERS = re.compile(r"[-_.]?\d+(-of-\d+)?$")
OF_SEVERAL = re.compile(r"(\d+)-of-(\d+)(?=\.[^/]*$)")
RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
MOST_SHARDS = 100_000


def shard_subsets(names: list[str]) -> dict[str, str]:
    """Return the subset of each shard, ``""`` where none is told.

    It stands in the file's name (``train-00000-of-00004.parquet``), or in that of a folder around it: the innermost
    that tells one counts.

    Raises
    ------
    SightlineError
        Some of the names tell a subset and others do not.
    """
    deepest = max((name.count("/") for name in names), default=0)
    for level in range(deepest + 1):
        told = {name: _name_at(name, level) for name in names}
        kinds = subsets_of(set(told.values()))
        if kinds:
            silent = [name for name in names if told[name] not in kinds]
            if silent:
                raise SightlineError(
                    f"prepare.source: {quote_some(silent)} tells no subset, {min(kinds)!r} does: name all shards "
                    f"train, val or test, or none"
                )
            return {name: kinds[told[name]] for name in names}
    return dict.fromkeys(names, "")


def note_missing_shards(names: list[str]) -> list[str]:
    """Return lines about files called ``train-00000-of-00004`` of which not all are there."""
    numbers = defaultdict(set)
    for name in names:
        found = OF_SEVERAL.search(name)
        if found:
            numbers[name[: found.start()], int(found[2])].add(int(found[1]))
    return [
        f"{len(some):,} of {count:,} files {start}*-of-{count:05d} are there"
        for (start, count), some in numbers.items()
        if len(some) < count
    ]


def expand_braces(path: Path) -> list[str]:
    """Return the file names that ``{0000..0063}.tar`` means; SightlineError where one of them is not there."""
    names = [path.name]
    while names and (found := RANGE.search(names[0])):
        first, last = found.groups()
        numbers = range(int(first), int(last) + 1)
        if len(numbers) * len(names) > MOST_SHARDS:
            raise SightlineError(f"params.yaml: prepare.source: {path} means more than {MOST_SHARDS:,} files")
        names = [RANGE.sub(str(number).zfill(len(first)), name, count=1) for name in names for number in numbers]
    if not names:
        raise SightlineError(f"params.yaml: prepare.source: {path}: a range must rise: {{0000..0063}}")
    missing = [name for name in names if not (path.parent / name).is_file()]
    if missing:
        raise SightlineError(f"params.yaml: prepare.source: {path.parent} has no {quote_some(missing)}")
    return names


def _name_at(name: str, level: int) -> str:
    """Return the file's name without its suffix and number, or the folder so many levels above it."""
    path = PurePosixPath(name)
    return NUMBERS.sub("", path.name.partition(".")[0]) if level == 0 else "/".join(path.parts[-level - 1 : -level])
