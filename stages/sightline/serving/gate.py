"""A bound on what the service takes on, so that more is refused at once instead of waiting or filling memory."""

from sightline.serving.errors import busy


class Gate:
    """Room for `most` of something; who finds too little left is refused. For one event loop: it takes no lock."""

    def __init__(self, most: int):
        self._most = most
        self.taken = 0

    def visit(self) -> "Visit":
        """Return what holds room within a `with` block."""
        return Visit(self)

    def take(self, amount: int) -> None:
        """Take an amount, or raise a ServiceError, status 503."""
        if self.taken + amount > self._most:
            raise busy()
        self.taken += amount


class Visit:
    """What one request holds of a gate, until the end of its `with` block."""

    def __init__(self, gate: Gate):
        self._gate = gate
        self.taken = 0

    def take(self, amount: int) -> None:
        """Take more, or raise a ServiceError, status 503."""
        self._gate.take(amount)
        self.taken += amount

    def __enter__(self) -> "Visit":
        return self

    def __exit__(self, *_: object) -> None:
        self._gate.taken -= self.taken
