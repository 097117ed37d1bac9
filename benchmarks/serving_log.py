"""What the log of predictions costs the service: answers a second, and processor time, with it by those without it.

Run    PYTHONPATH=stages python benchmarks/serving_log.py --rounds 10 --seconds 4
       PYTHONPATH=stages python benchmarks/serving_log.py --case photos --photos photos.zip
Needs  what benchmarks/serving.py needs, whose models it takes

64 clients ask the one and the other in turns; ratios are of neighbouring windows.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from serving import CLIENTS, RESULTS, WARM
from serving_contenders import service
from serving_load import closed_loop
from serving_models import MODELS, Served

TOLD = {"rate": "answers a second", "server_us": "us of processor time a request", "p99": "ms for 99 % of them"}


def main() -> None:
    options = read_options()
    served = MODELS[options.case](RESULTS / options.case, options.photos)
    windows = measure(served, options.rounds, options.seconds)
    for key, unit in TOLD.items():
        without, logged = ([window[key] for window in windows[kind]] for kind in ("without", "with"))
        ratios = [one / other for one, other in zip(logged, without, strict=True)]
        print(f"{statistics.median(without):8.1f} and with the log {statistics.median(logged):8.1f} {unit}: ", end="")
        print(f"{statistics.median(ratios):.3f} times ({min(ratios):.3f} to {max(ratios):.3f})")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what the log of predictions costs.")
    parser.add_argument("--case", choices=MODELS, default="digits", help="default: %(default)s")
    parser.add_argument("--photos", type=Path, help="an archive of photos, for the case photos")
    parser.add_argument("--rounds", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--seconds", type=int, default=4, help="of a window; default: %(default)s")
    return parser.parse_args()


def measure(served: Served, rounds: int, seconds: int) -> dict[str, list[dict]]:
    """Return the windows of a service without and of one with a log."""
    windows = {"without": [], "with": []}
    with tempfile.TemporaryDirectory() as folder, service(served) as plain, service(served, log=folder) as logging:
        servers = {"without": plain, "with": logging}
        for server in servers.values():
            closed_loop(server, served.images, CLIENTS[-1], WARM)
        for number in range(rounds):
            for kind in sorted(servers, reverse=number % 2 == 1):
                windows[kind].append(closed_loop(servers[kind], served.images, CLIENTS[-1], seconds))
    return windows


if __name__ == "__main__":
    main()
