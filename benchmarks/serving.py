"""How many requests the service answers and how fast, beside a plain handler and beside the bound.

Run    PYTHONPATH=stages python benchmarks/serving.py --photos photos.zip    digits and photos, about 20 minutes
       PYTHONPATH=stages python benchmarks/serving.py --cases digits --rounds 3 --seconds 2
Needs  wrk (`apt-get install wrk`) and the packages of requirements-dev.txt; for photos an archive of photos,
       <class>/image, and `make weights NAME=tf_efficientnet_lite0`
Writes benchmarks/results/serving/<case>.json, the tables on the standard output, and below that folder the models

Everything takes turns in short windows, so that what else the machine does meets all alike; ratios are of one round.
Clients share the processor with what they ask, so beside rates the table has the processor time of the server alone.
"""

import argparse
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

from serving_contenders import Contender, bound, measure_bound, plain_handler, service
from serving_load import closed_loop, open_loop
from serving_models import MODELS, Served
from serving_report import to_tables
from sightline.common.files import write_json
from sightline.serving.model import count_cores
from workspace import REPOSITORY

RESULTS = REPOSITORY / "benchmarks/results/serving"
CLIENTS = (1, 8, 64)
SHARES = (0.5, 2.0)  # of the rate that 64 clients reach, for the open loop
OPEN = 3  # times as long is a window of the open loop: its percentiles need more requests
WARM = 1  # s


def main() -> None:
    options = read_options()
    if not shutil.which("wrk"):
        sys.exit("wrk: not found: apt-get install wrk")
    for case in options.cases:
        served = MODELS[case](RESULTS / case, options.photos)
        rows = measure(served, options.rounds, options.seconds)
        write_json(RESULTS / f"{case}.json", rows)
        print(f"\n{case}\n\n{to_tables(rows)}", flush=True)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the service under load.")
    parser.add_argument("--cases", nargs="+", choices=MODELS, default=list(MODELS), help="default: %(default)s")
    parser.add_argument("--photos", type=Path, help="an archive of photos, for the case photos")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--seconds", type=int, default=4, help="of a window; default: %(default)s")
    return parser.parse_args()


def measure(served: Served, rounds: int, seconds: int) -> list[dict]:
    """Return a row for each window."""
    rows = []
    with ExitStack() as running:
        servers = {
            "service": running.enter_context(service(served)),
            "one by one": running.enter_context(service(served, batch=1)),
            "plain": running.enter_context(plain_handler(served)),
            "plain, one thread": running.enter_context(plain_handler(served, OMP_NUM_THREADS="1")),
        }
        loop = running.enter_context(bound(served, count_cores()))
        for server in servers.values():
            closed_loop(server, served.images, 8, WARM)
        for number in range(rounds):
            row = {"round": number, "loop": "closed", "clients": 0, "server": "bound"}
            rows.append(row | measure_bound(loop, seconds))
            for clients in CLIENTS:
                for name in sorted(servers, reverse=number % 2 == 1):
                    row = {"round": number, "loop": "closed", "clients": clients, "server": name}
                    rows.append(row | closed_loop(servers[name], served.images, clients, seconds))
            rows += measure_open(servers["service"], served, rows[-1], seconds)
            print(f"round {number + 1} of {rounds}", flush=True)
    return rows


def measure_open(server: Contender, served: Served, last: dict, seconds: int) -> list[dict]:
    """Return a row for each share of what the server can carry just now."""
    capacity = closed_loop(server, served.images, CLIENTS[-1], seconds)["rate"]
    rows = []
    for share in SHARES:
        row = {"round": last["round"], "loop": "open", "share": share, "server": "service"}
        rows.append(row | open_loop(server, served.images, share * capacity, OPEN * seconds))
    return rows


if __name__ == "__main__":
    main()
