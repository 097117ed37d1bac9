"""Where labels go: into the table that prepare reads, or into one beside a folder or an archive that becomes it."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sightline.common.errors import SightlineError
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.beside_table import BesideTable
from sightline.images.sources.label_tools.open_export import is_named_export
from sightline.images.sources.naming import PLAIN, Naming, naming_of
from sightline.images.sources.open import RAW, TABLE_SUFFIXES, open_source
from sightline.images.store import INDEX_COLUMNS, DatasetSpec
from sightline.labelling.table import Table, read_source_table, same
from sightline.preparing.pool_source import rows_without_label

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 1 << 31  # bytes of a file


class Destination(NamedTuple):
    """A table and how its columns are called, and whether it is what `prepare.source` names."""

    path: Path
    naming: Naming
    is_source: bool

    @property
    def before(self) -> str:
        """What stands before a path of the table to make it one below data/raw."""
        return below_raw(self.path.parent)


def find_destination(dataset: DatasetSpec, ids: list[str]) -> Destination:
    """Return where the labels of images go: to the source, where it is a table that may name them, else to a new one.

    Parameters
    ----------
    ids : list of str
        Of images of the pool: paths below data/raw.
    """
    source = Path(dataset.source)
    naming = naming_of(dataset.naming or {})
    if source.suffix.lower() in TABLE_SUFFIXES and not is_named_export(source):
        found = Destination(source, naming, True)
        if _may_name(found, ids):
            return found
    return Destination(RAW / name_table(source), PLAIN, False)


def name_table(source: Path) -> str:
    """Return how the table of a folder or an archive is called: by its whole path, so that no two share one."""
    below = below_raw(source).rstrip("/")
    return below.replace("%", "%25").replace("/", "%2F") + "_labelled.csv"


def _may_name(table: Destination, ids: list[str]) -> bool:
    """Tell whether all images lie below a table's folder, and have a row where a row cannot be made from a path."""
    if not all(path.startswith(table.before) for path in ids):
        return False
    if not table.naming.is_template:
        return True
    there = read_source_table(table.path, table.naming).has_path(table.naming)
    return all(same(path.removeprefix(table.before)) in there for path in ids)


def find_root(dataset: DatasetSpec, known: str) -> str:
    """Return what stands before the ids of labelled images to make them paths below data/raw.

    Parameters
    ----------
    known : str
        The id of one of them.

    Raises
    ------
    SightlineError
        The source's images are no files that a table could name.
    """
    refusal = SightlineError(
        f"label: prepare.source: {dataset.source}: its images are no files, which a table could name: save them as "
        "files below data/raw with a table of path and label"
    )
    if not dataset.source.startswith(f"{RAW.as_posix()}/"):
        raise refusal
    _, container = open_source(dataset.source, naming_of(dataset.naming or {}))
    root = below_raw(getattr(container, "root", Path(dataset.source)))
    try:
        BesideTable(RAW, [root + known]).read(root + known, LONGEST)
    except BadImageError:
        raise refusal from None
    return root


def below_raw(folder: Path) -> str:
    """Return the beginning of the paths of what lies in a folder or an archive, as seen from data/raw."""
    below = folder.relative_to(RAW).as_posix()
    return "" if below == "." else f"{below}/"


def make_table(index: "pd.DataFrame", root: str, open_rows: list[str]) -> Table:
    """Return a table of the images that prepare has read, with their groups and further columns.

    Parameters
    ----------
    index : pandas.DataFrame
        data/prepared/index.csv.
    root : str
        As `find_root` gives it.
    open_rows : list of str
        Images that the source lists without a label, as paths below data/raw; they stay so.
    """
    further = [name for name in index.columns if name not in INDEX_COLUMNS]
    told = [name for name in ("group", *further) if (index[name].astype(str) != "").any()]
    columns = [root + index["id"], index["class"].astype(str), *(index[name].astype(str) for name in told)]
    labelled = [list(cells) for cells in zip(*columns, strict=True)]
    return Table([PLAIN.path, PLAIN.label, *told], labelled + [[path, "", *[""] * len(told)] for path in open_rows])


def complete_table(path: Path, made: Table, source: str) -> tuple[Table, int]:
    """Return the table that an earlier export went to with the rows that it lacks, and how many these are.

    Parameters
    ----------
    made : Table
        As `make_table` gives it now: the source may have got images since.

    Raises
    ------
    SightlineError
        It holds none of the source's images.
    """
    table = read_source_table(path, PLAIN)
    added = table.add_missing(made, PLAIN) if PLAIN.path in table.header else len(made.rows)
    if added == len(made.rows):
        raise SightlineError(f"{path}: holds no image of {source}: it is another source's: move it away, or rename it")
    return table, added


def list_open_rows(dataset: DatasetSpec) -> list[str]:
    """Return the images that a source lists without a label, as paths below data/raw; none of a folder."""
    listing, container = open_source(dataset.source, naming_of(dataset.naming or {}))
    parts = rows_without_label(listing, container, dataset.source)
    return [part.id_of(place) for part in parts for place in range(len(part.listing.paths))]
