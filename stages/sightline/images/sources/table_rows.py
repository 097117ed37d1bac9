"""The rows of a table, whoever wrote it: UTF-8 or UTF-16, commas, semicolons or tabs; each as long as its header."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from sightline.common.errors import SightlineError
from sightline.images.sources.names import one_line

DELIMITERS = ",;\t|"
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SEPARATOR_LINE = "sep="  # the first line by which Excel is told the delimiter


def read_rows(path: Path, named: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield what `parse_rows` does of a file; SightlineError, too, where there is none."""
    if not path.exists():
        raise SightlineError(f"params.yaml: prepare.source: {path} does not exist: put your table there")
    if not path.is_file():
        raise SightlineError(f"params.yaml: prepare.source: {path} is not a file")
    with path.open("rb") as stream:
        yield from parse_rows(stream, named, str(path))


def parse_rows(stream: BinaryIO, named: Sequence[str], where: str) -> Iterator[tuple[int, list[str]]]:
    """Yield number of the line and cells of each row, stripped of blanks; the header first, and no empty row.

    Parameters
    ----------
    stream : BinaryIO
        A table from its beginning, which can be read again.
    named : sequence of str
        Columns that are known; those that differ in case alone are taken for them.
    where : str
        What it is called in messages.

    Raises
    ------
    SightlineError
        It is no text in UTF-8 or UTF-16, a column stands there twice, a quote is left open, or a row has more cells
        than the header; the message names the line.
    """
    line = 0
    spelt = {name.lower(): name for name in named}
    text = io.TextIOWrapper(stream, encoding=_encoding(stream, where), newline="")
    try:
        delimiter, skipped = _find_delimiter(text.readline(), text.readline(), set(spelt))
        text.seek(0)
        rows = csv.reader(text, delimiter=delimiter, strict=True)
        for _ in range(skipped):
            next(rows)
        header: list[str] = []
        for row in rows:
            line = rows.line_num
            cells = [cell.strip() for cell in row]
            if not header:
                header = [spelt.get(cell.lower(), one_line(cell)) for cell in cells]
                _refuse_twice(header, where)
                yield line, header
            elif any(cells):
                yield line, _fit(cells, len(header), f"{where}: line {line}")
    except UnicodeDecodeError:
        raise SightlineError(_say_encoding(stream, where)) from None
    except csv.Error as error:
        raise SightlineError(f"{where}: behind line {line}: {error}: is a quote missing, or one too many?") from None


def _refuse_twice(columns: list[str], where: str) -> None:
    for name, times in Counter(filter(None, columns)).items():
        if times > 1:
            raise SightlineError(f"{where}: has the column {name!r} twice: keep one")


def _encoding(stream: BinaryIO, where: str) -> str:
    start = stream.read(1024)
    stream.seek(0)
    if start.startswith(UTF16):
        return "utf-16"
    if b"\0" in start:
        raise SightlineError(f"{where}: not a text in UTF-8 (UTF-16 without its mark?): save it as CSV in UTF-8")
    return "utf-8-sig"


def _find_delimiter(first: str, second: str, named: set[str]) -> tuple[str, int]:
    """Return the delimiter and how many lines stand before the header."""
    text = first.strip().strip('"')
    if text.lower().startswith(SEPARATOR_LINE):
        told = first.strip("\r\n").strip('"')[len(SEPARATOR_LINE) :]
        return (told if told and told in DELIMITERS else _guess(second, named)), 1
    return _guess(first, named), 0


def _guess(header: str, named: set[str]) -> str:
    """Return the delimiter that cuts most known columns out of a header."""

    def known(delimiter: str) -> int:
        return sum(cell.strip(' "\r\n').lower() in named for cell in header.split(delimiter))

    return max(DELIMITERS, key=known)


def _fit(cells: list[str], length: int, where: str) -> list[str]:
    """Return as many cells as the header has: missing ones are empty, empty ones too many are cut."""
    while len(cells) > length and not cells[-1]:
        cells.pop()
    if len(cells) > length:
        raise SightlineError(
            f"{where}: has {len(cells)} cells, the header {length}: put a text that holds the delimiter in quotes"
        )
    return cells + [""] * (length - len(cells))


def _say_encoding(stream: BinaryIO, where: str) -> str:
    stream.seek(0)
    if _encoding(stream, where) == "utf-16":
        return f"{where}: a damaged text in UTF-16: save the table as CSV in UTF-8"
    for number, line in enumerate(stream, start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            spoilt = line[max(0, error.start - 10) : error.end + 10]
            return f"{where}: line {number}: not UTF-8 ({spoilt!r}): save the table as CSV in UTF-8"
    return f"{where}: not UTF-8: save the table as CSV in UTF-8"
