"""A bound on what the service takes on, so that more is refused at once instead of waiting or filling memory."""

from sightline.serving.errors import ServiceError, busy


class Gate:
    """Room for `most` of something; who finds too little left is refused. For one event loop: it takes no lock."""

    def __init__(self, most: int):
        self.most = most
        self.taken = 0

    def visit(self) -> "Visit":
        """Return what holds room within a `with` block."""
        return Visit(self)


class Visit:
    """What one request holds of a gate, until the end of its `with` block."""

    def __init__(self, gate: Gate):
        self._gate = gate
        self._taken = 0

    def take(self, amount: int) -> None:
        """Take more.

        Raises
        ------
        ServiceError
            413: it would never fit; 503: it does not fit now.
        """
        if self._taken + amount > self._gate.most:
            raise ServiceError(413, "too_much", "more than the service takes at once: ask for less")
        if self._gate.taken + amount > self._gate.most:
            raise busy()
        self._gate.taken += amount
        self._taken += amount

    def __enter__(self) -> "Visit":
        return self

    def __exit__(self, *_: object) -> None:
        self._gate.taken -= self._taken
