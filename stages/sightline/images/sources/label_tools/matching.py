"""Which file beside an export is meant by an image's name in it: a path, an address, or what a tool made of one."""

import base64
import binascii
import re
import unicodedata
from collections import defaultdict
from urllib.parse import parse_qs, unquote, urlsplit

from sightline.images.sources.layouts.subset_names import subset_of

UPLOADED = re.compile(r"(?:^|/)upload/")
UPLOAD_MARK = re.compile(r"^[0-9a-f]{8}-(?=.)")  # what Label Studio puts before the name of an uploaded file
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # of two letters or more: a single one is a drive
PATH_KEYS = ("d", "filepath")  # in Label Studio's addresses of files that it serves itself
ADDRESS_KEY = "fileuri"  # in its addresses of files in a cloud: an address in base64
LEFT_OUT = re.compile(r"[^\w.-]")


class Files:
    """Files by their name; a name matches the file whose path shares most of its last steps.

    Names match whatever their capitals, and where Label Studio replaced blanks and left out signs. A name without a
    suffix, as CVAT gives to frames of a video, matches files without theirs.
    """

    def __init__(self, paths: list[str]):
        self._paths = frozenset(paths)
        self._by_name = defaultdict(list)
        for path in paths:
            for spelling in _spellings(path.rpartition("/")[2]):
                self._by_name[spelling].append(path)

    def find(self, name: str, folder: str = "", subset: str = "") -> list[str]:
        """Return the file that a name means: none or several where it cannot be told.

        Parameters
        ----------
        folder, subset : str
            That of the export, from which paths may count, and that which the export tells: both decide between files
            that match as well.
        """
        for target in targets(name):
            beside = f"{folder}/{target}" if folder else target
            if beside in self._paths:
                return [beside]
            found = self._best(target.split("/"), subset)
            if found:
                return found
        return []

    def _best(self, steps: list[str], subset: str) -> list[str]:
        ranked = defaultdict(list)
        for path in self._by_name.get(_same(steps[-1]), ()):
            ranked[_likeness(path.split("/"), steps)].append(path)
        best = ranked[max(ranked)] if ranked else []
        return [path for path in best if len(best) > 1 and subset and _lies_in(path, subset)] or best


def targets(name: str) -> list[str]:
    """Return the paths that a name may mean, the most literal one first."""
    try:
        address = urlsplit(name)
        query = parse_qs(address.query)
    except ValueError:  # such as an unfinished [ of an IPv6 host
        return [_plain(name)]
    if ADDRESS_KEY in query:
        return targets(_decoded(query[ADDRESS_KEY][-1]))
    served = next((query[key][-1] for key in PATH_KEYS if key in query and name.startswith(("/", "http"))), "")
    if served:
        return _with_original(_plain(served))
    if not SCHEME.match(name):
        return _with_original(_plain(name)) + ([_plain(unquote(name))] if "%" in name else [])
    literal = _plain(name.partition(":")[2])
    return _different([literal, *_with_original(_plain(unquote(address.path)))])


def shown_name(name: str) -> str:
    """Return an image's name for a list: an address without the query, which may hold a key, and embedded bytes cut."""
    if name.startswith("data:"):
        return name.partition(",")[0]
    return name.partition("?")[0] if SCHEME.match(name) else name


def _plain(path: str) -> str:
    """Return a path with slashes, without what stands for the root, this folder or the one above."""
    return "/".join(step for step in path.replace("\\", "/").split("/") if step not in ("", ".", ".."))


def _with_original(path: str) -> list[str]:
    """Add the path as it was before an upload, which puts eight digits before the name."""
    folder, _, last = path.rpartition("/")
    bare = UPLOAD_MARK.sub("", last)
    return [path, bare] if UPLOADED.search(f"{folder}/") and bare != last else [path]


def _different(paths: list[str]) -> list[str]:
    return list(dict.fromkeys(paths))


def _decoded(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return text


def _same(step: str) -> str:
    return unicodedata.normalize("NFC", step).casefold()


def _spellings(step: str) -> set[str]:
    """Return a file's name as it is, as an upload to Label Studio leaves it, and without a suffix that is its only."""
    stem, _, _ = step.rpartition(".")
    spelt = {_same(step), _same(LEFT_OUT.sub("", step.replace(" ", "_")))}
    return spelt | {_same(stem)} if stem and "." not in stem else spelt


def _likeness(path: list[str], steps: list[str]) -> tuple[int, int]:
    """Return how many last steps are alike, and how many of them letter by letter."""
    alike = 0
    equal = 0
    for stored, named in zip(reversed(path), reversed(steps), strict=False):
        if _same(named) not in _spellings(stored):
            break
        alike += 1
        equal += stored == named
    return alike, equal


def _lies_in(path: str, subset: str) -> bool:
    """Tell whether a folder is called as a subset, or means the same one: ``valid`` and ``val2019`` are val."""
    folders = path.split("/")[:-1]
    kind = subset_of(subset)
    return any(_same(step) == _same(subset) or (kind and subset_of(step) == kind) for step in folders)
