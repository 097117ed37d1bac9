"""Kills, restarts, new models and malformed requests at random, while others ask: is an answer ever wrong?

Run    PYTHONPATH=stages python benchmarks/serving_faults.py model.onnx images/ --faults 1000 --seed 0
Reads  an exported model, and a folder of images of which it can use all
Writes what was counted, as JSON on the standard output; exit status 1 where an answer was wrong or missing

Every answer is compared with what the same model says here. A request may go without an answer only when the service
was ended while it was under way; a malformed one must be refused with a status from 400 to 499, or, where the image in
it can be used nevertheless, answered as that image.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

from serving_malformed import HEAD, KINDS, Malformed
from serving_watched import Truth, Watched, images_of, is_right, read_reply

CLIENTS = 4
ENDS = {"kill": signal.SIGKILL, "restart": signal.SIGTERM}
SHARES = {"kill": 0.04, "restart": 0.04, "replace": 0.02}  # of the faults; the others are malformed requests
PATIENCE = 60  # s for an answer
SILENCE = 0.2  # s to wait for an answer that need not come
BREATH = 0.005  # s between an answer and the next request
PAUSE = 0.2  # s before a client tries to connect again


def main() -> None:
    options = read_options()
    images = [file.read_bytes() for file in sorted(options.images.iterdir())]
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Watched(options.model, Path(folder)), Truth(options.model), images, options.seed)
        asyncio.run(trial.run(options.faults))
    print(json.dumps(trial.counted, indent=2, sort_keys=True))
    sys.exit(1 if trial.wrong else 0)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Look for wrong answers of a service that is maltreated.")
    parser.add_argument("model", type=Path, help="an exported model")
    parser.add_argument("images", type=Path, help="a folder of images")
    parser.add_argument("--faults", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    return parser.parse_args()


class Trial:
    """A service, those who ask it, and what is done to it.

    Attributes
    ----------
    counted : Counter
        Faults by kind, answers by what they were.
    wrong : list of str
        What should not have been.
    """

    def __init__(self, service: Watched, truth: Truth, images: list[bytes], seed: int):
        self.counted: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._service = service
        self._truth = truth
        self._images = images
        self._expected = [truth.of(image) for image in images]
        self._draw = random.Random(seed)

    async def run(self, faults: int, shares: dict[str, float] = SHARES) -> None:
        """Start the service, let so many faults happen while clients ask, and end it."""
        self._service.start()
        clients = [asyncio.create_task(self.ask_on(random.Random(number))) for number in range(CLIENTS)]
        kinds = [*shares, *KINDS]
        weights = [*shares.values(), *[(1 - sum(shares.values())) / len(KINDS)] * len(KINDS)]
        try:
            for kind in self._draw.choices(kinds, weights, k=faults):
                self.counted[f"fault: {kind}"] += 1
                await self._do(kind)
        finally:
            for client in clients:
                client.cancel()
            await asyncio.gather(*clients, return_exceptions=True)
            await asyncio.to_thread(self._service.end, signal.SIGTERM)

    async def _do(self, kind: str) -> None:
        if kind in ENDS:
            await asyncio.to_thread(self._service.end, ENDS[kind])
            await asyncio.to_thread(self._service.start)
        elif kind == "replace":
            self._service.replace_model()
        else:
            await self._send(kind, KINDS[kind](self._draw, self._draw.choice(self._images)))

    async def _send(self, kind: str, request: Malformed) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._service.port)
        writer.write(request.content)
        try:
            async with asyncio.timeout(PATIENCE if request.whole else SILENCE):
                status, body = await read_reply(reader)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
            if request.whole:
                self._blame(f"{kind}: {error!r}")
            return
        finally:
            writer.close()
        self.counted[f"malformed: {status}"] += 1
        self._judge_refusal(kind, request, status, body)

    def _judge_refusal(self, kind: str, request: Malformed, status: int, body: bytes) -> None:
        expected = self._truth.of(request.image)
        if status == 200:
            if expected is None or not is_right(images_of(body)[0], expected):
                self._blame(f"{kind}: answered with {body!r}")
        elif expected is not None or not 400 <= status < 500 or set(json.loads(body)) != {"error", "code"}:
            self._blame(f"{kind}: {status} {body!r}")

    async def ask_on(self, draw: random.Random) -> None:
        """Ask for ever, on one connection as long as it lasts."""
        while True:
            changes = self._service.changes
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._service.port)
            except ConnectionError:
                await asyncio.sleep(PAUSE)
                continue
            try:
                while True:
                    await self._ask(draw.randrange(len(self._images)), reader, writer)
                    await asyncio.sleep(BREATH)
            except (asyncio.IncompleteReadError, ConnectionError, TimeoutError) as error:
                self.counted["unanswered when it ended"] += 1
                if changes == self._service.changes and changes % 2 == 0:
                    self._blame(f"no answer, though the service ran: {error!r}")
            finally:
                writer.close()

    async def _ask(self, row: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        image = self._images[row]
        head = HEAD.format(query="", length=len(image), more="").replace("Connection: close\r\n", "")
        writer.write(head.encode() + image)
        async with asyncio.timeout(PATIENCE):  # Python 3.11's wait_for forgets a cancellation as the reply comes
            status, body = await read_reply(reader)
        self.counted[f"good: {status}"] += 1
        if status != 200 or not is_right(images_of(body)[0], self._expected[row]):
            self._blame(f"image {row}: {status} {body!r}")

    def _blame(self, what: str) -> None:
        self.counted["wrong"] += 1
        self.wrong.append(what)
        print(what[:500], file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
