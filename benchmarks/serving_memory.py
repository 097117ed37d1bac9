"""Does the service's memory stay as it is? Its resident memory while 64 clients ask 100,000 times and more.

Run    PYTHONPATH=stages python benchmarks/serving_memory.py [--requests 100000] [--log]
Needs  wrk
Writes a line for every 10,000 requests; the model is that of benchmarks/serving.py's case digits
"""

import argparse
import tempfile
from contextlib import ExitStack

from serving import RESULTS
from serving_contenders import service
from serving_load import closed_loop
from serving_models import make_digits

CLIENTS = 64
SECONDS = 3  # of a window
STEP = 10_000  # requests between two lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Watch the service's memory.")
    parser.add_argument("--requests", type=int, default=100_000, help="default: %(default)s")
    parser.add_argument("--log", action="store_true", help="with the log of predictions")
    options = parser.parse_args()
    served = make_digits(RESULTS / "digits", None)
    with ExitStack() as within:
        settings = {"log": within.enter_context(tempfile.TemporaryDirectory())} if options.log else {}
        server = within.enter_context(service(served, **settings))
        asked = failed = told = 0
        while told <= options.requests:
            window = closed_loop(server, served.images, CLIENTS, SECONDS)
            asked += window["requests"]
            failed += window["refused"] + window["failed"]
            if asked >= told:
                print(f"{asked:9,} requests, {failed} without an answer: {server.memory():.1f} MiB", flush=True)
                told += STEP


if __name__ == "__main__":
    main()
