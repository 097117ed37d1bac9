"""TensorBoard: a folder a run, and in it one for each member of several."""

import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from sightline.tracking.record import MemberRecord, Record


def write_tensorboard(record: Record, folder: Path) -> str:
    """Write a run in place of an earlier one of its name; return the command that shows it.

    TensorBoard keeps no files: of what was exported it gets the model card.
    """
    own = folder / record.name
    shutil.rmtree(own, ignore_errors=True)
    plain = {
        name: value if isinstance(value, int | float | str) else str(value) for name, value in record.params.items()
    }
    with SummaryWriter(own) as writer:
        for name, content in record.pictures.items():
            writer.add_image(name, np.asarray(Image.open(BytesIO(content)).convert("RGB")), dataformats="HWC")
        if record.exported:
            writer.add_text("model_card", (record.exported / "MODEL_CARD.md").read_text(encoding="utf-8"))
        writer.add_hparams(plain, record.results, run_name=".")
    for member in record.members:
        write_member(member, own / member.name)
    return f"tensorboard --logdir {folder}"


def write_member(member: MemberRecord, folder: Path) -> None:
    """Write the scores of each epoch, and histograms of weights and gradients."""
    with SummaryWriter(folder) as writer:
        for epoch, scores in member.epochs.items():
            for name, value in scores.items():
                writer.add_scalar(name, value, epoch)
        for spread in member.spreads:
            writer.add_histogram(spread.name, spread.values)
