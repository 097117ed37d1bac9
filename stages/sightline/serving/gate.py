"""A bound on what the service takes on, so that more is refused at once instead of waiting or filling memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from sightline.serving.errors import busy


class Gate:
    """Room for `most` of something; who finds too little left is refused. For one event loop: it takes no lock."""

    def __init__(self, most: int):
        self._most = most
        self.taken = 0

    @contextmanager
    def visit(self) -> Iterator["Visit"]:
        """Hold what the visit takes within the `with` block."""
        visit = Visit(self)
        try:
            yield visit
        finally:
            self.taken -= visit.taken

    def take(self, amount: int) -> None:
        """Take an amount, or raise a ServiceError, status 503."""
        if self.taken + amount > self._most:
            raise busy()
        self.taken += amount


class Visit:
    """What one request holds of a gate."""

    def __init__(self, gate: Gate):
        self._gate = gate
        self.taken = 0

    def take(self, amount: int) -> None:
        """Take more, or raise a ServiceError, status 503."""
        self._gate.take(amount)
        self.taken += amount
