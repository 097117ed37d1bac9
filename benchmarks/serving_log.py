"""What the log of predictions costs the service: processor time of a request with and without it, in turns.

Run    python benchmarks/serving_log.py photo.png --rounds 10 --requests 2000
Reads  models/exported/model.onnx, or what SIGHTLINE_MODEL names

The application is asked in this process, without sockets, so that of a request no more is counted than the service's
own work without HTTP's: over HTTP the log's share is smaller.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

from sightline.serving.application import Application
from sightline.serving.settings import Settings, read_settings

AT_ONCE = 16  # requests
SETTLE = 0.5  # s, in which the log is written


def main() -> None:
    options = read_options()
    image = Path(options.image).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings(os.environ)
        kinds = {"without": settings, "with": settings.model_copy(update={"log": folder})}
        spent = asyncio.run(measure(kinds, image, options.rounds, options.requests))
    for kind, times in spent.items():
        print(f"{kind:<8} {statistics.median(times):7.1f} us a request ({min(times):.1f} to {max(times):.1f})")
    ratios = [logged / plain for plain, logged in zip(spent["without"], spent["with"], strict=True)]
    print(f"ratio    {statistics.median(ratios):7.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what the log of predictions costs.")
    parser.add_argument("image", help="an image file, asked for again and again")
    parser.add_argument("--rounds", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--requests", type=int, default=2000, help="in a round; default: %(default)s")
    return parser.parse_args()


async def measure(kinds: dict[str, Settings], image: bytes, rounds: int, requests: int) -> dict[str, list[float]]:
    """Return microseconds of processor time a request, of all threads, for each round but the first."""
    applications = {kind: Application(settings) for kind, settings in kinds.items()}
    spent = {kind: [] for kind in kinds}
    async with applications["without"].running(), applications["with"].running():
        for number in range(rounds + 1):
            for kind in sorted(kinds, reverse=number % 2 == 1):
                start = time.process_time()
                await ask(applications[kind], image, requests)
                await asyncio.sleep(SETTLE)
                if number:
                    spent[kind].append((time.process_time() - start) / requests * 1e6)
    return spent


async def ask(application: Application, image: bytes, requests: int) -> None:
    """Ask so often, so many at once."""
    served = application.versions.current

    async def ask_in_turn() -> None:
        for _ in range(requests // AT_ONCE):
            with application.accepted(served) as (room, _):
                await application.classify(served, [image], 3, room, explain=False)

    await asyncio.gather(*[ask_in_turn() for _ in range(AT_ONCE)])


if __name__ == "__main__":
    main()
