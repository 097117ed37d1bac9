"""What the files of a zip are called, in whatever code page their names are written.

Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.4.2, 4.4.4, 4.6.9 and appendix D.
"""

import re
import struct
import zlib
from zipfile import BadZipFile, ZipInfo

UTF8 = 1 << 11  # flag
UNICODE_PATH = 0x7075  # extra field
EXTRA = struct.Struct("<HH")  # kind and length of an extra field
WINDOWS = (0, 10, 11, 14)  # systems that made a zip: their old programs wrote backslashes
FIRST_LETTER = 0x80  # beyond ASCII
NOT_DOS = re.compile(rb"[\x9b-\x9f\xa6-\xe0\xe2-\xff]")  # signs and Greek in code page 437, letters in most others


def member_name(info: ZipInfo) -> str:
    """Return a path; Linux's zip writes UTF-8 without saying so, and code page 437 is next to never valid UTF-8.

    Raises
    ------
    zipfile.BadZipFile
        A folder's name is in another code page, which nothing tells: a class would have a wrong name.
    """
    name = info.orig_filename
    if not info.flag_bits & UTF8:
        stored = name.encode("cp437")
        utf8 = _unicode_path(info.extra, stored) or stored
        try:
            name = utf8.decode("utf-8")
        except UnicodeDecodeError:
            _refuse_code_page(stored)
    name = name.partition("\0")[0]
    return name.replace("\\", "/") if info.create_system in WINDOWS else name


def _refuse_code_page(stored: bytes) -> None:
    folder = stored.rpartition(b"/")[0]
    if NOT_DOS.search(folder) or any(map(_may_be_japanese, folder.split(b"/"))):
        raise BadZipFile(f"the folder {folder!r} is in an unknown code page: pack it again with names in UTF-8")


def _may_be_japanese(name: bytes) -> bool:
    """Tell whether a name may be Shift-JIS, whose bytes are letters of code page 437 too, but hardly any others."""
    if 2 * sum(byte >= FIRST_LETTER for byte in name) < max(1, len(name)):
        return False
    try:
        name.decode("shift_jis")
    except UnicodeDecodeError:
        return False
    return True


def _unicode_path(extra: bytes, stored: bytes) -> bytes:
    """Return the name in UTF-8 that stands in an extra field, ``b""`` where there is none or it is of another name."""
    while len(extra) >= EXTRA.size:
        kind, length = EXTRA.unpack_from(extra)
        field = extra[EXTRA.size : EXTRA.size + length]
        if kind == UNICODE_PATH and field[:5] == b"\1" + zlib.crc32(stored).to_bytes(4, "little"):
            return field[5:]
        extra = extra[EXTRA.size + length :]
    return b""
