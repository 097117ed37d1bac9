"""Which part of the machine each of several jobs gets: threads, and a GPU of its own where there are several."""

import os
import subprocess

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def share(slot: int, jobs: int, threads: int, gpus: list[str]) -> dict[str, str]:
    """Return the environment of a job.

    With `arithmetic: portable` a stage computes with two threads whatever this says, since bytes depend on them; they
    sleep while they wait, so jobs share the cores all the same.

    Parameters
    ----------
    slot : int
        0..jobs - 1: a number that no other running job has.
    jobs : int
        How many run side by side.
    threads : int
        Of each job; 0: its share of the cores.
    gpus : list of str
        What `find_gpus` returned.
    """
    count = str(threads or max(1, count_cores() // jobs))
    environment = dict.fromkeys(THREADS, count) | {"OMP_WAIT_POLICY": "PASSIVE"}
    if gpus:
        environment["CUDA_VISIBLE_DEVICES"] = gpus[slot % len(gpus)]
    return environment


def count_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def find_gpus() -> list[str]:
    """Return the names of NVIDIA's GPUs for CUDA_VISIBLE_DEVICES: those that it already allows, else all."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return [name for name in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if name.strip()]
    command = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
    try:
        listed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return listed.split()
