"""The one exception for everything that a user can cause."""


class SightlineError(Exception):
    """A mistake in parameters, images or files that the user can mend.

    The message is one line: the file or the key, the value found, and what to do. A stage prints it without a
    traceback and exits with 1.
    """
