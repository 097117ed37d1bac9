"""How a member of a zip is unpacked, never further than one byte beyond what its directory promises.

Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.4.5 and 5.8.8.
"""

import bz2
import lzma
import struct
import zlib
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, BadZipFile

LZMA = struct.Struct("<4xBL")
SMALLEST_DICTIONARY = 4096  # of LZMA
LARGEST_XZ = 1 << 28  # bytes that unpacking may take
PIECE = 1 << 12  # bytes of Deflate64 unpacked at once


def _stored(data: bytes, _most: int) -> bytes:
    return data


def _inflate(data: bytes, most: int) -> bytes:
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, most)


def _unpack_bzip2(data: bytes, most: int) -> bytes:
    return bz2.BZ2Decompressor().decompress(data, most)


def _unpack_lzma(data: bytes, most: int) -> bytes:
    properties, dictionary = LZMA.unpack_from(data)
    remainder, context_bits = divmod(properties, 9)
    position_bits, literal_bits = divmod(remainder, 5)
    needed = min(dictionary, max(most, SMALLEST_DICTIONARY))  # a damaged number might ask for 4 GB
    settings = {"lc": context_bits, "lp": literal_bits, "pb": position_bits, "dict_size": needed}
    filters = [{"id": lzma.FILTER_LZMA1, **settings}]
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters).decompress(data[LZMA.size :], most)


def _unpack_xz(data: bytes, most: int) -> bytes:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=LARGEST_XZ).decompress(data, most)


def _inflate64(data: bytes, most: int) -> bytes:
    """Unpack what Windows' Explorer packs where a file has 2 GB or more."""
    from inflate64 import Inflater

    inflater = Inflater()
    unpacked = b""
    for start in range(0, len(data), PIECE):
        unpacked += inflater.inflate(data[start : start + PIECE])
        if len(unpacked) >= most:
            break
    return unpacked[:most]


def _unpack_zstd(data: bytes, most: int) -> bytes:
    from backports.zstd import ZstdDecompressor, ZstdError

    try:
        return ZstdDecompressor().decompress(data, most)
    except ZstdError as error:
        raise BadZipFile(str(error)) from None


METHODS = {9: "Deflate64", 20: "Zstandard", 93: "Zstandard", 98: "PPMd"}  # not of Python's own library
UNPACK = {
    ZIP_STORED: _stored,
    ZIP_DEFLATED: _inflate,
    ZIP_BZIP2: _unpack_bzip2,
    ZIP_LZMA: _unpack_lzma,
    95: _unpack_xz,
    9: _inflate64,
    20: _unpack_zstd,
    93: _unpack_zstd,
}
