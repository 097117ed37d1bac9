"""A zip's table of contents in one array.

Python's zipfile keeps 700 bytes for each member, 400 MB for 600,000 images; here it is 48 bytes and a name.
Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3.
"""

import os
import struct
from array import array
from collections.abc import Iterator
from zipfile import BadZipFile

import numpy as np

from sightline.images.sources.zip_member import Member

END, END_SIGNATURE = struct.Struct("<4s8xLLH"), b"PK\5\6"  # size and place of the directory, length of a comment
LOCATOR, LOCATOR_SIGNATURE = struct.Struct("<4s16x"), b"PK\6\7"
END64, END64_SIGNATURE = struct.Struct("<4s36xQQ"), b"PK\6\6"
BEFORE_END = END64.size + LOCATOR.size
ENTRY, ENTRY_SIGNATURE = struct.Struct("<4s4xHH4xLLLHHH8xL"), b"PK\1\2"
LONGEST_COMMENT = 65535
ZIP64_FIELD, IN_ZIP64_FIELD = 1, 0xFFFFFFFF
LAST_PLACE = (1 << 63) - 1  # that a file can have
UTF8 = 1 << 11  # flag


def read_directory(file: int) -> tuple[list[str], np.ndarray]:
    """List a zip's members in the order of its directory.

    Parameters
    ----------
    file : int
        Descriptor of the open zip; whatever stands before the zip in the file is passed over.

    Returns
    -------
    names : list of str, length N
        Folders, which end with a slash, included.
    members : ndarray of uint64 [N, 6]
        The fields of `Member`.

    Raises
    ------
    zipfile.BadZipFile
        The file is not a zip, or its directory is damaged.
    """
    start, size, shift = _find_directory(file)
    directory = os.pread(file, size, start)
    names, fields = [], array("Q")
    for name, member in _entries(directory, shift):
        names.append(name)
        fields.extend(member)
    return names, np.frombuffer(fields, dtype=np.uint64).reshape(-1, len(Member._fields))


def _find_directory(file: int) -> tuple[int, int, int]:
    """Return the directory's place and length, and what must be added to the offsets that it holds."""
    length = os.fstat(file).st_size
    tail_start = max(0, length - LONGEST_COMMENT - END.size)
    tail = os.pread(file, length - tail_start, tail_start)
    place = tail.rfind(END_SIGNATURE, 0, max(0, len(tail) - END.size + len(END_SIGNATURE)))
    if place < 0:
        raise BadZipFile("File is not a zip file")
    _, size, offset, _ = END.unpack_from(tail, place)
    end = tail_start + place
    before = os.pread(file, BEFORE_END, end - BEFORE_END) if end >= BEFORE_END else b""
    if before[END64.size :].startswith(LOCATOR_SIGNATURE) and before.startswith(END64_SIGNATURE):
        _, size, offset = END64.unpack_from(before)
        end -= len(before)
    start = end - size
    if start < 0 or start < offset:
        raise BadZipFile("its beginning is missing")
    return start, size, start - offset


def _entries(directory: bytes, shift: int) -> Iterator[tuple[str, Member]]:
    place = 0
    while place < len(directory):
        if len(directory) - place < ENTRY.size:
            raise BadZipFile("truncated central directory")
        entry = ENTRY.unpack_from(directory, place)
        signature, flags, method, crc, packed, size, name_length, extra_length, comment_length, offset = entry
        if signature != ENTRY_SIGNATURE:
            raise BadZipFile("bad magic number for central directory")
        name_end = place + ENTRY.size + name_length
        following = name_end + extra_length + comment_length
        if following > len(directory):
            raise BadZipFile("truncated central directory")
        name = directory[place + ENTRY.size : name_end]
        if IN_ZIP64_FIELD in (size, packed, offset):
            size, packed, offset = _large(directory[name_end : name_end + extra_length], size, packed, offset)
        yield _decode_name(name, flags), Member(min(offset + shift, LAST_PLACE), packed, size, crc, method, flags)
        place = following


def _large(extra: bytes, *numbers: int) -> list[int]:
    """Replace the numbers that need more than 32 bits by those of the zip64 field, which holds them in this order."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == ZIP64_FIELD:
            body = extra[4 : 4 + length]
            large = iter(struct.unpack_from(f"<{len(body) // 8}Q", body))
            return [next(large, number) if number == IN_ZIP64_FIELD else number for number in numbers]
        extra = extra[4 + length :]
    return list(numbers)


def _decode_name(name: bytes, flags: int) -> str:
    """Decode a path; Linux's zip writes UTF-8 without saying so, and code page 437 is next to never valid UTF-8."""
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        if flags & UTF8:
            raise BadZipFile(f"the name {name!r} is not UTF-8") from None
        text = name.decode("cp437")
    return text.partition("\0")[0]
