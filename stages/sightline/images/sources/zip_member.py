"""One member of a zip: found by its place, unpacked, checked.

Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7, 4.4.4, 4.4.5 and 5.8.8.
"""

import bz2
import lzma
import os
import struct
import zlib
from typing import NamedTuple
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, BadZipFile

LOCAL, LOCAL_SIGNATURE = struct.Struct("<4s22xHH"), b"PK\3\4"  # lengths of name and extra fields
LZMA = struct.Struct("<4xBL")
SMALLEST_DICTIONARY = 4096  # of LZMA
ENCRYPTED = 1 << 0  # flag


class Member(NamedTuple):
    """Where a member lies and what it must turn out to be."""

    offset: int
    packed: int
    size: int
    crc: int
    method: int
    flags: int


def read_member(file: int, member: Member) -> bytes:
    """Return a member's bytes, checked by length and CRC-32.

    Threads may call this at the same time, since it moves no file position.

    Parameters
    ----------
    file : int
        Descriptor of the open zip.
    member : Member
        Without password.

    Raises
    ------
    zipfile.BadZipFile
        The member is damaged, or packed by a method that Python cannot read.
    """
    if member.method not in UNPACK:
        raise BadZipFile(f"compression method {member.method} is not supported")
    try:
        # one byte more than promised is enough to tell a decompression bomb
        data = UNPACK[member.method](_packed(file, member), member.size + 1)
    except (zlib.error, lzma.LZMAError, struct.error, OSError, OverflowError, EOFError) as error:
        raise BadZipFile(str(error)) from None
    if len(data) != member.size:
        raise BadZipFile("truncated" if len(data) < member.size else "longer than its directory says")
    if zlib.crc32(data) != member.crc:
        raise BadZipFile("bad CRC-32")
    return data


def _packed(file: int, member: Member) -> bytes:
    header = os.pread(file, LOCAL.size, member.offset)
    if len(header) < LOCAL.size:
        raise BadZipFile("truncated file header")
    signature, name_length, extra_length = LOCAL.unpack(header)
    if signature != LOCAL_SIGNATURE:
        raise BadZipFile("bad magic number for file header")
    return os.pread(file, member.packed, member.offset + LOCAL.size + name_length + extra_length)


def _stored(data: bytes, _most: int) -> bytes:
    return data


def _inflate(data: bytes, most: int) -> bytes:
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, most)


def _unpack_bzip2(data: bytes, most: int) -> bytes:
    return bz2.BZ2Decompressor().decompress(data, most)


def _unpack_lzma(data: bytes, most: int) -> bytes:
    properties, dictionary = LZMA.unpack_from(data)
    rest, context_bits = divmod(properties, 9)
    position_bits, literal_bits = divmod(rest, 5)
    needed = min(dictionary, max(most, SMALLEST_DICTIONARY))  # a damaged number might ask for 4 GB
    settings = {"lc": context_bits, "lp": literal_bits, "pb": position_bits, "dict_size": needed}
    filters = [{"id": lzma.FILTER_LZMA1, **settings}]
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters).decompress(data[LZMA.size :], most)


UNPACK = {ZIP_STORED: _stored, ZIP_DEFLATED: _inflate, ZIP_BZIP2: _unpack_bzip2, ZIP_LZMA: _unpack_lzma}
