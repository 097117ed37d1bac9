"""Weights & Biases: a run, and for several members a group of runs; without a network, for `wandb sync` later."""

import hashlib
import os
import shutil
from io import BytesIO
from pathlib import Path

import wandb
from PIL import Image

from sightline.tracking.record import MemberRecord, Record

PROJECT = "sightline"


def write_wandb(record: Record, folder: Path) -> str:
    """Write a run in place of an earlier one of its name; return the command that shows it.

    It stays on this machine unless WANDB_MODE says otherwise.
    """
    os.environ.setdefault("WANDB_DATA_DIR", str(folder.resolve()))  # copies of artifacts; else in the user's home
    os.environ.setdefault("WANDB_CACHE_DIR", str(folder.resolve()))
    with start_run(record.name, record, folder) as run:
        run.config.update(record.params)
        run.log({name: wandb.Image(Image.open(BytesIO(content))) for name, content in record.pictures.items()}, step=0)
        if record.exported:
            artifact = wandb.Artifact("classifier", type="model")
            for file in sorted(record.exported.iterdir()):
                artifact.add_file(str(file))
            run.log_artifact(artifact)
        if len(record.members) == 1:
            log_member(record.members[0], run)
        run.summary.update(record.results)
    if len(record.members) > 1:
        for member in record.members:
            with start_run(f"{record.name}/{member.name}", record, folder) as run:
                log_member(member, run)
    return f"wandb sync {folder}/wandb/offline-run-*"


def start_run(name: str, record: Record, folder: Path) -> "wandb.Run":
    """Start a run whose identity follows from its name, and forget what stands under it."""
    identity = hashlib.sha256(name.encode()).hexdigest()[:8]
    for earlier in folder.glob(f"wandb/*run-*-{identity}"):
        shutil.rmtree(earlier)
    return wandb.init(
        project=PROJECT,
        name=name,
        id=identity,
        group=record.name,
        tags=[record.revision],
        dir=folder,
        mode=os.environ.get("WANDB_MODE", "offline"),
        settings=wandb.Settings(silent=True, disable_git=True, disable_code=True),
    )


def log_member(member: MemberRecord, run: "wandb.Run") -> None:
    """Log the scores of each epoch, then histograms of weights and gradients."""
    for epoch, scores in member.epochs.items():
        run.log(scores, step=epoch)
    run.log({spread.name: wandb.Histogram(spread.values) for spread in member.spreads})
