"""The one exception for everything that a user can cause, and what others say, in one line."""

NAMED = 5  # in a line


class SightlineError(Exception):
    """A mistake in parameters, images or files that the user can mend.

    The message is one line: the file or the key, the value found, and what to do. A stage prints it without a
    traceback and exits with 1.
    """


def in_one_line(error: Exception) -> str:
    """Return an error's message in one line, or its type where it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def name_some(names: list[str]) -> str:
    """Return the first names, and how many more there are; what would break the line or show nothing is escaped."""
    shown = ", ".join(name if name.isprintable() else ascii(name)[1:-1] for name in names[:NAMED])
    return f"{shown} and {len(names) - NAMED} more" if len(names) > NAMED else shown


def quote_some(names: list[str]) -> str:
    """Return the same with each name in quotes, as names of files and folders are shown."""
    return name_some([repr(name) for name in names])
