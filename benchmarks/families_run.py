"""One network through the stages, each in a fork of this process, so that imports are paid once."""

import json
import os
import resource
import runpy
import signal
import sys
import tempfile
import traceback
from pathlib import Path

import accelerate  # noqa: F401  what stages import, too
import onnxruntime.quantization  # noqa: F401
import onnxscript  # noqa: F401
import pandas as pd  # noqa: F401
import sklearn.metrics  # noqa: F401
from PIL import Image
from sklearn.datasets import load_digits

from families_choice import Network
from families_report import METHODS, VARIANTS
from workspace import REPOSITORY, branch, prepare, write_params

PER_CLASS = 12  # images
STAGES = ("train", "evaluate", "gradcam", "export")  # prepare and split are the same for all networks of a side
CHANGES = {
    "epochs": 1,
    "batch_size": 6,
    "gradcam.method": list(METHODS),
    "gradcam.images": 2,
    "gradcam.class_images": 1,
    "gradcam.quality_images": 2,
    "gradcam.quality_steps": 4,
    "gradcam.cells": 4,
    "export.calibration_images": 12,
    "export.max_accuracy_drop": 1.0,  # random weights decide at random: only what cannot be made is left out
}


def prepare_digits(folder: Path, side: int) -> None:
    """Store twelve zeros and twelve ones of the side, in pixels: half of them train, the rest are val and test."""
    digits = load_digits(n_class=2)
    images = folder.with_name(f"{folder.name}_images")
    for label in (0, 1):
        (images / str(label)).mkdir(parents=True)
        for number, grey in enumerate(digits.images[digits.target == label][:PER_CLASS]):
            Image.fromarray((grey * 15).astype("uint8")).save(images / f"{label}/{number}.png")
    prepare(images, side, folder, {"split.val": 0.25, "split.test": 0.25})


def run_stages(network: Network, prepared: Path, stages: list[str], cpu_limit: int) -> dict[str, dict]:
    """Return what each stage cost with what it found, or its error; what needs a failed stage is missing."""
    with tempfile.TemporaryDirectory() as folder:
        changes = CHANGES | {"model": network.name, "export.quantize": list(VARIANTS)}
        work = branch(prepared, Path(folder, "work"), changes)
        found = {}
        for stage in stages:
            found[stage] = run_apart(stage, work, cpu_limit)
            if "error" in found[stage] and stage in ("train", "evaluate"):
                break
        if "error" in found.get("export", {}):
            write_params(work, changes | {"export.quantize": []})
            found["export without variants"] = run_apart("export", work, cpu_limit)
        return found


def run_apart(stage: str, work: Path, cpu_limit: int) -> dict:
    """Run a stage in a process of its own.

    Returns
    -------
    dict
        Its processor time in ``seconds``, its peak in ``mib``, and its ``metrics`` or its ``error``.
    """
    with tempfile.TemporaryFile("w+") as log:
        child = os.fork()
        if child == 0:
            be_stage(stage, work, log.fileno(), cpu_limit)
        _, status, used = os.wait4(child, 0)
        log.seek(0)
        printed = log.read()
    code = os.waitstatus_to_exitcode(status)
    cost = {"seconds": round(used.ru_utime + used.ru_stime, 1), "mib": used.ru_maxrss // 1024}
    if code:
        return cost | {"error": last_words(printed, code)}
    return cost | {"metrics": json.loads((work / f"metrics/{stage}.json").read_text())}


def be_stage(stage: str, work: Path, log: int, cpu_limit: int) -> None:
    """Be the stage's process, to its end."""
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(work)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_limit, cpu_limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    code = 1
    try:
        runpy.run_path(str(REPOSITORY / f"stages/{stage}.py"), run_name="__main__")
        code = 0
    except SystemExit as end:
        print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def last_words(printed: str, code: int) -> str:
    """Return the signal that ended a process, or the last line that it printed which tells of an error."""
    if code < 0:
        return signal.Signals(-code).name
    lines = [line for line in printed.splitlines() if line.strip() and not line.startswith((" ", "\t"))]
    telling = [line for line in lines if "Error" in line or line.startswith(("params.yaml", "models/", "data/"))]
    return (telling or lines or [f"exit status {code}"])[-1][:300]
