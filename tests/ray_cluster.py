"""Two replicas of Ray Serve under load, one of which is killed; a script, so that it can run in a network of its own.

    python ray_cluster.py SERVE_YAML MODEL IMAGES

Prints JSON: answers, those asked for again, those whose bytes are not the uvicorn service's, those never given; and
the ids that one answer has.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARIES = Path(sys.executable).parent
RAY, UVICORN = 8000, 8123  # ports
CLIENTS = 8
SECONDS = 8  # of load; the kill comes at half of it
TRIES = 40
PATIENCE = 90  # s


def main(configuration: str, model: str, images: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.chdir(ROOT)
    files = [path.read_bytes() for path in sorted(Path(images).iterdir())]
    wanted = ask_uvicorn(model, files)
    subprocess.run([BINARIES / "ray", "start", "--head", "--num-cpus=4", "--disable-usage-stats"], check=True)
    subprocess.run([BINARIES / "serve", "deploy", configuration], check=True)
    wait_until_ready(RAY)
    time.sleep(3)  # the second replica, and HAProxy's word of it
    print(json.dumps(load(files, wanted) | {"ids": read_ids("asked-1")}))


def ask_uvicorn(model: str, files: list[bytes]) -> list[bytes]:
    """Return the answers of stages/serve.py."""
    settings = {"SIGHTLINE_MODEL": model, "SIGHTLINE_PORT": str(UVICORN), "SIGHTLINE_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "stages/serve.py"], env=os.environ | settings)
    wait_until_ready(UVICORN)
    answers = [ask(UVICORN, "POST", "/classify", file)[1] for file in files]
    process.terminate()
    process.wait()
    return answers


def wait_until_ready(port: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if ask(port, "GET", "/v2/health/ready")[0] == 200:
            return
        time.sleep(0.5)
    sys.exit(f"nothing is ready on {port}")


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Return status and body; 0 where the connection failed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def read_ids(number: str) -> list[str]:
    """Return the values of `X-Request-ID` in the answer to a request that has one."""
    connection = http.client.HTTPConnection("127.0.0.1", RAY, timeout=30)
    connection.request("GET", "/v2/health/live", headers={"X-Request-ID": number})
    return connection.getresponse().headers.get_all("X-Request-ID", [])


def load(files: list[bytes], wanted: list[bytes]) -> dict[str, int]:
    """Ask from several clients for a while, kill a replica meanwhile, and count what came."""
    counts = {"answers": 0, "again": 0, "wrong": 0, "lost": 0}
    lock = threading.Lock()
    until = time.monotonic() + SECONDS

    def client(row: int) -> None:
        while time.monotonic() < until:
            row = (row + 1) % len(files)
            tries, status, body = ask_again(files[row])
            with lock:
                counts["answers"] += 1
                counts["again"] += tries > 1
                counts["lost"] += status != 200
                counts["wrong"] += status == 200 and body != wanted[row]

    clients = [threading.Thread(target=client, args=(5 * number,)) for number in range(CLIENTS)]
    for thread in clients:
        thread.start()
    time.sleep(SECONDS / 2)
    replicas = find_replicas()
    os.kill(replicas[0], signal.SIGKILL)
    for thread in clients:
        thread.join()
    return counts | {"replicas": len(replicas)}


def ask_again(file: bytes) -> tuple[int, int, bytes]:
    """Ask until there is an answer; return the tries that it took too."""
    tries = 1
    status, body = ask(RAY, "POST", "/classify", file)
    while status != 200 and tries < TRIES:
        time.sleep(0.05)
        tries += 1
        status, body = ask(RAY, "POST", "/classify", file)
    return tries, status, body


def find_replicas() -> list[int]:
    told = subprocess.run(["ps", "axo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in told.splitlines() if "ray::ServeReplica" in line]


if __name__ == "__main__":
    main(*sys.argv[1:])
