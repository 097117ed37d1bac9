"""Windows of load on a server: closed loops by wrk, open ones by serving_open.py."""

import json
import resource
import subprocess
import sys
from pathlib import Path

from serving_contenders import Contender
from serving_models import IMAGES

BENCHMARKS = Path(__file__).parent
PATIENCE = "30s"  # of wrk for an answer


def closed_loop(contender: Contender, images: Path, clients: int, seconds: float) -> dict:
    """Let so many clients ask, each again as soon as it has its answer.

    Returns
    -------
    dict
        requests, rate (answers a second), p50, p95, p99 (ms), refused (other statuses than 2xx and 3xx), failed (no
        answer), server_us and client_us: processor time of either for a request.
    """
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", PATIENCE]
    script = ["-s", BENCHMARKS / "serving_wrk.lua", f"http://127.0.0.1:{contender.port}", "--"]
    before = contender.spent(), _children()
    out = subprocess.run([*command, *script, images, str(IMAGES), contender.asked], stdout=subprocess.PIPE, check=True)
    told = json.loads(out.stdout.splitlines()[-1])
    requests = max(1, told["requests"])
    server, client = contender.spent() - before[0], _children() - before[1]
    told["rate"] = requests / told.pop("seconds")
    return told | {"server_us": server / requests * 1e6, "client_us": client / requests * 1e6}


def open_loop(contender: Contender, images: Path, rate: float, seconds: float) -> dict:
    """Ask so often, however long answers take.

    Returns
    -------
    dict
        As `closed_loop`, with `answers` (how many had which status; `lost` and `none`: no answer) in place of refused
        and failed. Percentiles are of the answers with status 200, from when each request was to be sent.
    """
    command = [sys.executable, BENCHMARKS / "serving_open.py", str(contender.port), images, str(rate), str(seconds)]
    before = contender.spent()
    told = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    requests = max(1, told["requests"])
    told["rate"] = told["answers"].get("200", 0) / seconds
    told["client_us"] = told.pop("client_s") / requests * 1e6
    return told | {"server_us": (contender.spent() - before) / requests * 1e6}


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
