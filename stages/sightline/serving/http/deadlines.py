"""One time limit for all requests, kept by one timer: what `asyncio.timeout` sets up for each takes several us."""

import asyncio


class Deadlines:
    """Gives each `with` block `seconds`."""

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._running: dict[Deadline, float] = {}  # until when, in the loop's time: the first ends first
        self._timer: asyncio.TimerHandle | None = None

    def limit(self) -> "Deadline":
        """Return what ends a `with` block of the running task in time."""
        return Deadline(self)

    def begin(self, deadline: "Deadline") -> None:
        """Let the time of one run."""
        loop = asyncio.get_running_loop()
        self._running[deadline] = loop.time() + self._seconds
        if not self._timer:
            self._timer = loop.call_later(self._seconds, self._look)

    def end(self, deadline: "Deadline") -> None:
        """Forget one."""
        self._running.pop(deadline, None)

    def _look(self) -> None:
        """End those whose time is over, and look again when that of the next is."""
        self._timer = None
        loop = asyncio.get_running_loop()
        for deadline, until in list(self._running.items()):
            if until > loop.time():
                self._timer = loop.call_at(until, self._look)
                return
            self.end(deadline)
            deadline.expire()


class Deadline:
    """A block's; raises TimeoutError at its end where the time was over before."""

    def __init__(self, deadlines: Deadlines):
        self._deadlines = deadlines
        self._expired = False

    def expire(self) -> None:
        """Cancel the task."""
        self._expired = True
        self._task.cancel()

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        self._cancelling = self._task.cancelling()
        self._deadlines.begin(self)

    def __exit__(self, kind: type | None, error: BaseException | None, _: object) -> None:
        self._deadlines.end(self)
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
