"""The files of a zip: listed by Python's zipfile, then read by their offset, unpacked and checked.

zipfile itself reads for one thread at a time, and keeps 700 bytes for each file where 48 and a name are enough.
Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7, 4.4.2, 4.4.4, 4.4.5 and 5.8.8.
"""

import lzma
import os
import struct
import zlib
from array import array
from typing import BinaryIO, NamedTuple
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np

from sightline.images.sources.zips.methods import UNPACK
from sightline.images.sources.zips.names import member_name

LOCAL = struct.Struct("<4s22xHH")  # signature, lengths of name and extra fields
LOCAL_SIGNATURE = b"PK\3\4"
ENCRYPTED = 1 << 0  # flag
UNIX = (3, 19)
WRAP = np.uint64(1 << 32)  # bytes
LAST_OFFSET = (1 << 63) - 1  # that a file can have


class ZipEntry(NamedTuple):
    """Where a file lies in the zip and what it must turn out to be."""

    offset: int
    packed: int
    size: int
    crc: int
    method: int
    flags: int
    mode: int  # as Unix has it, 0 where the zip was made elsewhere


def list_entries(file: BinaryIO) -> tuple[list[str], np.ndarray]:
    """List a zip's files in the order of its directory.

    Parameters
    ----------
    file : BinaryIO
        The open zip; whatever stands before the zip in the file is passed over.

    Returns
    -------
    names : list of str, length N
        Folders, which end with a slash, included.
    entries : ndarray of uint64 [N, 7]
        The fields of `ZipEntry`.

    Raises
    ------
    zipfile.BadZipFile
        The file is not a zip, or its directory is damaged.
    """
    names = []
    fields = array("Q")
    try:
        with ZipFile(file) as archive:
            for info in archive.infolist():
                names.append(member_name(info))
                fields.extend(_entry(info))
    except UnicodeDecodeError as error:
        raise BadZipFile(f"the name {error.object!r} is not UTF-8") from None
    except NotImplementedError as error:  # made for a later version of the format
        raise BadZipFile(str(error)) from None
    entries = np.frombuffer(fields, dtype=np.uint64).reshape(-1, len(ZipEntry._fields)).copy()
    entries[:, 0] = _unwrap(file, entries[:, 0])
    return names, entries


def _unwrap(file: BinaryIO, offsets: np.ndarray) -> np.ndarray:
    """Return where members begin, uint64 [N], also behind 4 GiB of a zip whose maker counted in 32 bits, as macOS does.

    zipfile then takes what it misses for something before the zip, and adds it to every offset.
    """
    if not len(offsets) or offsets.min() < WRAP or _starts(file, offsets[0]) or not _starts(file, offsets[0] % WRAP):
        return offsets
    counted = offsets % WRAP
    rounds = np.cumsum(np.diff(counted.astype(np.int64), prepend=0) < 0)
    return counted + rounds.astype(np.uint64) * WRAP


def _starts(file: BinaryIO, offset: np.uint64) -> bool:
    return os.pread(file.fileno(), len(LOCAL_SIGNATURE), int(offset)) == LOCAL_SIGNATURE


def _entry(info: ZipInfo) -> ZipEntry:
    if info.header_offset < 0:
        raise BadZipFile("its beginning is missing")
    offset = min(info.header_offset, LAST_OFFSET)
    mode = info.external_attr >> 16 if info.create_system in UNIX else 0
    return ZipEntry(offset, info.compress_size, info.file_size, info.CRC, info.compress_type, info.flag_bits, mode)


def read_entry(file: int, entry: ZipEntry) -> bytes:
    """Return a file's bytes, checked by length and CRC-32.

    Threads may call this at the same time, since it moves no file position.

    Parameters
    ----------
    file : int
        Descriptor of the open zip.
    entry : ZipEntry
        Without password.

    Raises
    ------
    zipfile.BadZipFile
        It is damaged.
    ImportError
        Its method of compression needs a package that is not installed, or is not known at all.
    """
    if entry.method not in UNPACK:
        raise ImportError(f"compression method {entry.method}")
    try:
        # one byte more than promised is enough to tell a decompression bomb
        data = UNPACK[entry.method](_packed(file, entry), entry.size + 1)
    except (zlib.error, lzma.LZMAError, struct.error, OSError, OverflowError, EOFError, ValueError) as error:
        raise BadZipFile(str(error)) from None
    if len(data) != entry.size:
        raise BadZipFile("truncated" if len(data) < entry.size else "longer than its directory says")
    if zlib.crc32(data) != entry.crc:
        raise BadZipFile("bad CRC-32")
    return data


def _packed(file: int, entry: ZipEntry) -> bytes:
    header = os.pread(file, LOCAL.size, entry.offset)
    if len(header) < LOCAL.size:
        raise BadZipFile("truncated file header")
    signature, name_length, extra_length = LOCAL.unpack(header)
    if signature != LOCAL_SIGNATURE:
        raise BadZipFile("bad magic number for file header")
    return os.pread(file, entry.packed, entry.offset + LOCAL.size + name_length + extra_length)
