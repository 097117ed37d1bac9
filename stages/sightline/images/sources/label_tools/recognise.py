"""Which file of a source is a label tool's export, by what is in it."""

import io
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from sightline.common.errors import SightlineError, in_one_line
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.sources.containers import TEXT_LIMIT, Container
from sightline.images.sources.label_tools.coco import is_coco, read_coco
from sightline.images.sources.label_tools.cvat import is_cvat, read_cvat
from sightline.images.sources.label_tools.label_studio_records import (
    ABOUT_ANNOTATION,
    is_record,
    is_records,
    read_records,
    read_rows,
)
from sightline.images.sources.label_tools.label_studio_tasks import is_tasks, read_tasks
from sightline.images.sources.label_tools.synsets import find_lists, parse_list, read_list
from sightline.images.sources.label_tools.votes import Annotations
from sightline.images.sources.label_tools.vott import COLUMNS, is_project, read_project, read_regions
from sightline.images.sources.naming import Naming
from sightline.images.sources.table_rows import DELIMITERS, UTF16, parse_rows

MOST_ALIKE = 16  # files of one suffix in a folder; more of them tell of an image each
MOST_FILES = 64  # files that are looked into
# what a JSON must hold to be worth parsing: one of these keys
KEYS = (b'"annotations"', b'"completions"', b'"predictions"', b'"annotation_id"', b'"categories"', b'"assets"')
Reader = Callable[[Any, Naming, str], Annotations]


@dataclass(frozen=True)
class Export:
    """A file that holds labels: its path in the source, that for messages, its content and what reads that."""

    name: str
    where: str
    content: object
    reader: Reader

    def read(self, naming: Naming) -> Annotations:
        """Return what it says of images; SightlineError where it is not what its tool writes."""
        try:
            return self.reader(self.content, naming, self.where)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"{type(error).__name__}: {in_one_line(error)}"
            raise SightlineError(f"{self.where}: not as its tool writes it ({reason}): export it once more") from None


def find_exports(root: Path, container: Container, names: list[str]) -> list[Export]:
    """Return the exports among a source's files, looking into a few files of a suffix in each folder."""
    written = [name for name in names if name.lower().endswith(tuple(PARSERS))]
    alike = Counter(map(_kind, written))
    few = [name for name in written if alike[_kind(name)] <= MOST_ALIKE]
    if len(few) > MOST_FILES:
        return []
    found = []
    for name in few:
        try:
            raw = container.read(name, TEXT_LIMIT)
        except BadImageError:  # a file beside the images
            continue
        where = f"{root}/{name}"
        told = recognise(where, raw)
        found += [Export(name, where, *told)] if told else []
    return found + _find_lists(root, container, names)


def _find_lists(root: Path, container: Container, names: list[str]) -> list[Export]:
    found = []
    for classes, lists in find_lists(names).items():
        for name in lists:
            try:
                texts = [container.read(each, TEXT_LIMIT).decode("utf-8-sig") for each in (classes, name)]
            except (BadImageError, UnicodeDecodeError):
                continue
            content = parse_list(*texts)
            found += [Export(name, f"{root}/{name}", content, read_list)] if content else []
    return found


def recognise(where: str, raw: bytes) -> tuple[object, Reader] | None:
    """Return a file's content and what reads it where it is an export, None for any other file.

    Parameters
    ----------
    where : str
        The file's path, for its suffix and for messages.

    Raises
    ------
    SightlineError
        It begins as one and is damaged, or is in no encoding that its format knows.
    """
    try:
        return PARSERS[f".{where.lower().rpartition('.')[2]}"](raw, where)
    except (ValueError, LookupError, ElementTree.ParseError, RecursionError) as error:
        raise SightlineError(
            f"{where}: looks like the export of a label tool and cannot be read ({in_one_line(error)}): "
            f"export it once more, or remove it"
        ) from None


def table_reader(line: bytes) -> Reader | None:
    """Return what reads a table by its first line, None where no label tool writes such a one.

    Programs that saved it again may have put other delimiters, or UTF-16, whose last byte belongs to the line's end.
    """
    text = line.decode("utf-16" if line.startswith(UTF16) else "utf-8-sig", "replace").strip("\ufffd\r\n\0 ")
    header = tuple(re.split(f"[{DELIMITERS}]", text.replace('"', "")))
    if header == COLUMNS:
        return read_regions
    return read_rows if is_record(header) else None


def _kind(name: str) -> tuple[str, str]:
    return name.rpartition("/")[0], name.rpartition(".")[2].lower()


def _start(raw: bytes, length: int) -> bytes:
    """Return the first bytes without the zeros of UTF-16."""
    return raw[:length].replace(b"\0", b"")


def _parse_json(raw: bytes, _where: str) -> tuple[object, Reader] | None:
    plain = _start(raw, len(raw)) if b"\0" in raw[:8] else raw
    if not any(key in plain for key in KEYS):
        return None
    content = json.loads(raw)
    if isinstance(content, dict) and is_tasks([content]):
        content = [content]
    return next(((content, reader) for fits, reader in JSON_READERS.items() if fits(content)), None)


def _parse_xml(raw: bytes, _where: str) -> tuple[object, Reader] | None:
    if b"<annotations" not in _start(raw, 4096):
        return None
    root = ElementTree.fromstring(raw)
    return (root, read_cvat) if is_cvat(root) else None


def _parse_csv(raw: bytes, where: str) -> tuple[object, Reader] | None:
    reader = table_reader(raw.partition(b"\n")[0])
    if reader is None:
        return None
    rows = parse_rows(io.BytesIO(raw), (*COLUMNS, *ABOUT_ANNOTATION), where)
    _, header = next(rows)
    return [dict(zip(header, cells, strict=True)) for _, cells in rows], reader


JSON_READERS = {is_tasks: read_tasks, is_records: read_records, is_coco: read_coco, is_project: read_project}
PARSERS = {".json": _parse_json, ".xml": _parse_xml, ".csv": _parse_csv, ".tsv": _parse_csv}
