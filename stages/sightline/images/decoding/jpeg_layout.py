"""Where the coded data of a JPEG file lie. Source: ITU-T T.81, annex B."""

import re
import struct
from itertools import islice
from typing import NamedTuple

SEGMENT = struct.Struct(">BBH")  # 255, what it is, its length
INTERVAL = struct.Struct(">H")
FRAMES = range(0xC0, 0xD0)
NO_FRAMES = (0xC4, 0xC8, 0xCC)
HUFFMAN = (0xC0, 0xC1, 0xC2)  # frames of 8 bits, sequential and progressive
RESTARTS = range(0xD0, 0xD8)
END = 0xD9
START_OF_SCAN = 0xDA
RESTART_INTERVAL = 0xDD
STUFFED = 0xFF
MOST_RESTARTS = 1 << 16  # of a scan; what lies between more of them is not told apart, lest a file be slow by intention
ANY_MARKER = re.compile(rb"\xff[^\x00\xff]")
OTHER_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
RESTART = re.compile(rb"\xff[\xd0-\xd7]")


class Layout(NamedTuple):
    """Stretches (start, end) of coded data between markers, and whether restart markers follow each other in turn."""

    stretches: list[tuple[int, int]]
    ordered: bool


def lay_out(data: bytes) -> Layout:
    """Find the coded data; none in a file that is coded arithmetically, or whose header is damaged."""
    stretches = []
    ordered = True
    marker = ANY_MARKER
    here = 2
    while here + SEGMENT.size <= len(data):
        begin, kind, length = SEGMENT.unpack_from(data, here)
        if begin != STUFFED or kind == END or (kind in FRAMES and kind not in (*HUFFMAN, *NO_FRAMES)):
            break
        if kind == STUFFED:
            here += 1
            continue
        here += 2 + length
        if kind == RESTART_INTERVAL and here <= len(data):
            (interval,) = INTERVAL.unpack_from(data, here - INTERVAL.size)
            marker = OTHER_MARKER if interval else ANY_MARKER
        if kind == START_OF_SCAN:
            found = marker.search(data, here)
            end = found.start() if found else len(data)
            scan, in_turn = _cut_at_restarts(data, here, end)
            stretches += scan
            ordered = ordered and in_turn
            here = end
    return Layout(stretches, ordered)


def _cut_at_restarts(data: bytes, start: int, end: int) -> tuple[list[tuple[int, int]], bool]:
    stretches = []
    ordered = True
    markers = list(islice(RESTART.finditer(data, start, end), MOST_RESTARTS + 1))
    if len(markers) > MOST_RESTARTS:
        return [(start, end)], True
    for number, found in enumerate(markers):
        stretches.append((start, found.start()))
        start = found.end()
        ordered = ordered and data[start - 1] == RESTARTS[number % len(RESTARTS)]
    return [*stretches, (start, end)], ordered
