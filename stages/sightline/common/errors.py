"""The one exception for everything that a user can cause, and what others say, in one line."""


class SightlineError(Exception):
    """A mistake in parameters, images or files that the user can mend.

    The message is one line: the file or the key, the value found, and what to do. A stage prints it without a
    traceback and exits with 1.
    """


def in_one_line(error: Exception) -> str:
    """Return an error's message in one line, or its type where it has none."""
    return " ".join(str(error).split()) or type(error).__name__
