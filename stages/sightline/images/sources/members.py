"""Paths inside archives: one spelling for each, links followed, and a reason for what is no file."""

import posixpath

from sightline.common.errors import SightlineError
from sightline.images.sources.names import is_litter, name_fault, shown

MOST_LINKS = 40  # one behind the other, as Linux follows them


def clean_member(name: str, archive: object) -> str:
    """Return a member's path without ``./`` and empty steps, ``""`` for the archive's own folder.

    Raises
    ------
    SightlineError
        It points outside the archive.
    """
    steps = name.replace("\\", "/").split("/")
    drive = len(steps[0]) == 2 and steps[0][1] == ":" and steps[0][0].isascii() and steps[0][0].isalpha()
    if name[:1] in ("/", "\\") or ".." in steps or drive:
        raise SightlineError(
            f"{archive}: member '{shown(name)}' points outside the archive: pack it again with plain paths"
        )
    if name.startswith("./") or "//" in name or "/./" in name:
        return "/".join(step for step in name.split("/") if step not in ("", "."))
    return name


def is_offered(name: str, archive: object, refused: list[tuple[str, str]]) -> bool:
    """Tell whether a member may be an image; note in `refused` what is none because of its name.

    Raises
    ------
    SightlineError
        The name of a folder cannot stand in a table: a class would be missing.
    """
    if not name or is_litter(name):
        return False
    fault = name_fault(name)
    if not fault:
        return True
    refuse_folder_name(name.rpartition("/")[0], archive)
    refused.append((shown(name), fault))
    return False


def refuse_folder_name(folder: str, source: object) -> None:
    """Raise SightlineError for a folder's path that cannot stand in a table, since a class would be missing."""
    fault = name_fault(folder)
    if fault:
        raise SightlineError(f"{source}: folder '{shown(folder)}': {fault}")


def follow_links(links: dict[str, str], files: dict[str, int], refused: list[tuple[str, str]]) -> None:
    """Add to `files` (path -> place) the links that lead to one of them; note in `refused` those that do not.

    Parameters
    ----------
    links : dict of str to str
        Path of a link -> path that it names, both from the archive's top.
    """
    reached = {}
    for name in links:
        target = name
        for _ in range(MOST_LINKS):
            if target not in links:
                break
            target = links[target]
        if target in files:
            reached[name] = files[target]
        else:
            refused.append((shown(name), f"a link to no file of the archive: {shown(target)}"))
    files.update(reached)


def link_target(name: str, target: str) -> str:
    """Return where a symbolic link leads, as a path from the archive's top; ``..`` is left where it leads out."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
