import asyncio

from sightline.serving.http.transport import Together


class Wire:
    """Notes what becomes of a transport."""

    def __init__(self):
        self.seen = []

    def write(self, data):
        self.seen.append(data)

    def close(self):
        self.seen.append("closed")

    def is_closing(self):
        return "closed" in self.seen


def test_what_is_written_in_one_go_goes_together_and_before_the_end():
    async def run():
        wire = Wire()
        together = Together(wire, asyncio.get_running_loop())
        together.write(b"head ")
        together.write(b"body")
        assert wire.seen == []
        await asyncio.sleep(0)
        together.write(b"next")
        await asyncio.sleep(0)
        together.write(b"last")
        assert not together.is_closing()
        together.close()
        await asyncio.sleep(0)
        assert together.is_closing()
        return wire.seen

    assert asyncio.run(run()) == [b"head body", b"next", b"last", "closed"]
