"""What a second model costs those who are answered by the first: time of a request without it, and with a shadow.

Run    python benchmarks/serving_rollout.py photo.png --candidate next/model.onnx --rounds 10
Reads  models/exported/model.onnx, or what SIGHTLINE_MODEL names

In turns, requests one after the other go to the application in this process, without sockets: of a service alone, of
one whose shadow gets every image, and of one whose shadow gets none, so that its process alone is there.
"""

import argparse
import asyncio
import os
import statistics
import time
from pathlib import Path

from sightline.serving.application import Application
from sightline.serving.settings import Settings, read_settings

KINDS = {"alone": None, "shadow of none": 1e-9, "shadow of all": 1.0}
SETTLE = 5.0  # s, in which the shadows start


def main() -> None:
    options = read_options()
    image = Path(options.image).read_bytes()
    settings = read_settings(os.environ)
    kinds = {kind: with_shadow(settings, options.candidate, share) for kind, share in KINDS.items()}
    found, dropped = asyncio.run(measure(kinds, image, options.rounds, options.requests))
    for kind, rounds in found.items():
        middle, late = ([times[int(share * len(times))] for times in rounds] for share in (0.5, 0.99))
        told = f"p50 {statistics.median(middle):7.2f} ms  p99 {statistics.median(late):7.2f} ms"
        ratios = [time / alone[len(alone) // 2] for time, alone in zip(middle, found["alone"], strict=True)]
        print(f"{kind:<16} {told}  p50 by that alone {statistics.median(ratios):.3f}  dropped {dropped[kind]:.0f}")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what a shadow costs.")
    parser.add_argument("image", help="an image file, asked for again and again")
    parser.add_argument("--candidate", required=True, help="the shadow's model")
    parser.add_argument("--rounds", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--requests", type=int, default=300, help="in a round; default: %(default)s")
    return parser.parse_args()


def with_shadow(settings: Settings, candidate: str, share: float | None) -> Settings:
    shadow = {"candidate": candidate, "rollout": "shadow", "rollout_share": share}
    return settings.model_copy(update=shadow) if share else settings


async def measure(kinds: dict[str, Settings], image: bytes, rounds: int, requests: int) -> tuple[dict, dict]:
    """Return the sorted milliseconds of each round but the first, and how many images shadows had no time for."""
    applications = {kind: Application(settings) for kind, settings in kinds.items()}
    found = {kind: [] for kind in kinds}
    async with (
        applications["alone"].running(),
        applications["shadow of none"].running(),
        applications["shadow of all"].running(),
    ):
        await asyncio.sleep(SETTLE)
        for number in range(rounds + 1):
            for kind in sorted(kinds, reverse=number % 2 == 1):
                times = [await ask(applications[kind], image) for _ in range(requests)]
                if number:
                    found[kind].append(sorted(times))
        shadows = {kind: application.metrics.shadow.labels("dropped") for kind, application in applications.items()}
        return found, {kind: counter._value.get() for kind, counter in shadows.items()}


async def ask(application: Application, image: bytes) -> float:
    """Return the milliseconds of one request."""
    start = time.perf_counter()
    served = application.versions.current
    with application.accepted(served) as (room, _):
        await application.classify(served, [image], 3, room, explain=False)
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
