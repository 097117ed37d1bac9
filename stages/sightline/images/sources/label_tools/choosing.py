"""Which of several controls, attributes or keys of an export tells the class."""

from collections.abc import Collection

from sightline.common.errors import SightlineError, quote_some
from sightline.images.sources.naming import Naming


def choose(found: Collection[str], naming: Naming, where: str, what: str, others: Collection[str]) -> str:
    """Return the name in `prepare.label`, or the only one that there is.

    Parameters
    ----------
    what : str
        What is chosen from, for messages.
    others : collection of str
        What else was found, said where nothing fits.

    Raises
    ------
    SightlineError
        There is none, none of that name, or several and none is named.
    """
    names = sorted(found)
    if naming.label in names:
        return naming.label
    if not names:
        instead = f" (found: {', '.join(others)})" if others else ""
        raise SightlineError(f"{where}: holds no {what}{instead}: one class an image is needed: export another project")
    if "label" in naming.changed():
        raise SightlineError(f"{where}: has no {what} {naming.label!r} (found: {quote_some(names)}): set prepare.label")
    if len(names) > 1:
        raise SightlineError(f"{where}: has the {what} {quote_some(names)}: name one of them by prepare.label")
    return names[0]
