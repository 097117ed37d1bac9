"""Comet: an experiment, and one for each member of several; without a network, as an archive for `comet upload`."""

import hashlib
from io import BytesIO
from pathlib import Path

from comet_ml import OfflineExperiment
from PIL import Image

from sightline.tracking.record import MemberRecord, Record

PROJECT = "sightline"


def write_comet(record: Record, folder: Path) -> str:
    """Write a run in place of an earlier one of its name; return the command that uploads it."""
    experiment = start_experiment(record.name, record, folder)
    experiment.log_parameters({name: str(value) for name, value in record.params.items()})
    experiment.log_metrics(record.results)
    for name, content in record.pictures.items():
        experiment.log_image(Image.open(BytesIO(content)), name=name)
    if record.exported:
        experiment.log_model("classifier", str(record.exported))
    if len(record.members) == 1:
        log_member(record.members[0], experiment)
    experiment.end()
    if len(record.members) > 1:
        for member in record.members:
            experiment = start_experiment(f"{record.name}/{member.name}", record, folder)
            log_member(member, experiment)
            experiment.end()
    return f"comet upload {folder}/*.zip"


def start_experiment(name: str, record: Record, folder: Path) -> OfflineExperiment:
    """Start an experiment whose identity follows from its name, and remove the archive under it."""
    identity = hashlib.sha256(name.encode()).hexdigest()[:32]
    (folder / f"{identity}.zip").unlink(missing_ok=True)
    experiment = OfflineExperiment(
        project_name=PROJECT,
        experiment_key=identity,
        offline_directory=str(folder.resolve()),
        log_code=False,
        log_git_metadata=False,
        log_env_details=False,
        auto_output_logging=False,
        display_summary_level=0,
    )
    experiment.set_name(name)
    experiment.add_tags([record.name, record.revision])
    return experiment


def log_member(member: MemberRecord, experiment: OfflineExperiment) -> None:
    """Log the scores of each epoch, then histograms of weights and gradients."""
    for epoch, scores in member.epochs.items():
        experiment.log_metrics(scores, step=epoch, epoch=epoch)
    for spread in member.spreads:
        experiment.log_histogram_3d(spread.values, name=spread.name)
