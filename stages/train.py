"""Train one network, or one a fold, and keep the weights of its best and its last epoch.

Reads   data/prepared, data/split      pixels, labels, who trains and who validates
Writes  models/trained/*.safetensors   weights of each member after its best and its last epoch
        models/trained/model.json      architecture, classes, preprocessing, which weights to use
        metrics/train.json             scores of the last epoch, and of the best
        plots/train/metrics/           train/loss, val/loss, val/accuracy, val/f1_macro and lr of each epoch
        plots/train/samples.png        training images as the network sees them

The parameters are those of `sightline.training.settings`; the loop is in `sightline.training.loop`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from accelerate import Accelerator

from sightline.common.allocator import keep_freed_memory
from sightline.common.device import use_deterministic_algorithms
from sightline.common.errors import SightlineError
from sightline.common.files import replacing
from sightline.common.live import StageLive
from sightline.common.stage import run_stage
from sightline.images.sheet import contact_sheet
from sightline.images.store import DatasetSpec, open_pixels, read_dataset, read_samples
from sightline.networks.build import build_network, network_normalization
from sightline.networks.classifier import Classifier
from sightline.networks.saved import Member, ModelSpec, Preprocessing, write_spec, write_weights
from sightline.training.augment import build_augmentation
from sightline.training.batches import Batches
from sightline.training.loop import Fitted, Run, fit
from sightline.training.losses import Loss, class_weights, logit_offsets
from sightline.training.mix import Mixing
from sightline.training.normalization import dataset_normalization
from sightline.training.settings import TrainParams

TRAINED = Path("models/trained")
MIXED_PRECISION = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}
INITIAL_IMAGES = 2048
SAMPLE_CLASSES, SAMPLES, SAMPLE_SIDE = 20, 8, 96  # classes at most, images a class, pixels


def main(params: TrainParams) -> None:
    keep_freed_memory()
    use_deterministic_algorithms(params.seed)
    dataset, samples, pixels = read_dataset(), read_samples(), open_pixels()
    accelerator = make_accelerator(params)
    spec = describe_model(dataset, samples, pixels, params)
    live, fits, members = StageLive("train"), [], []
    for fold, train_part, val_part in divide(samples):
        refuse_unusable(train_part, val_part, params)
        train, val = (make_batches(pixels, part, dataset, accelerator.device) for part in (train_part, val_part))
        run = make_run(params, accelerator, spec, train, fold, live)
        classifier = make_classifier(spec, train, run)
        if not fits:
            write_sample_sheet(train, dataset.classes, run)
        fits.append(fit(classifier, train, val, run))
        members.append(write_member(fits[-1], fold, params))
        accelerator.free_memory()
    write_spec(TRAINED, spec.model_copy(update={"members": members}))
    live.summary["best"] = summarize_best(fits)
    live.make_summary()


def make_accelerator(params: TrainParams) -> Accelerator:
    """Let accelerate choose the device and keep precision, accumulation and clipping.

    Raises
    ------
    SightlineError
        The device cannot do the precision.
    """
    try:
        return Accelerator(
            mixed_precision=MIXED_PRECISION[params.precision], gradient_accumulation_steps=params.accumulate
        )
    except ValueError as error:
        raise SightlineError(f"params.yaml: precision: {params.precision} does not work here: {error}") from None


def describe_model(dataset: DatasetSpec, samples: pd.DataFrame, pixels: np.ndarray, params: TrainParams) -> ModelSpec:
    """Return what model.json will say, before there are members."""
    train_rows = samples["row"][samples["subset"] == "train"].to_numpy()
    if params.normalization == "network":
        mean, std = network_normalization(params.model)
    else:
        mean, std = dataset_normalization(pixels, train_rows)
    return ModelSpec.model_construct(
        classes=dataset.classes,
        preprocessing=Preprocessing(
            image_size=dataset.image_size,
            fit=dataset.fit,
            resample=dataset.resample,
            background=dataset.background,
        ),
        input_size=params.input_size or dataset.image_size,
        mean=mean,
        std=std,
        members=[],
    )


def divide(samples: pd.DataFrame) -> Iterator[tuple[int | None, pd.DataFrame, pd.DataFrame]]:
    """Yield (fold, training images, validation images) of each member; fold is None without cross-validation."""
    folded = samples[samples["fold"] >= 0]
    if folded.empty:
        yield None, samples[samples["subset"] == "train"], samples[samples["subset"] == "val"]
    for fold in sorted(folded["fold"].unique().tolist()):
        yield fold, folded[folded["fold"] != fold], folded[folded["fold"] == fold]


def refuse_unusable(train: pd.DataFrame, val: pd.DataFrame, params: TrainParams) -> None:
    """Raise SightlineError when a member cannot be trained on these images with these parameters."""
    if len(train) < params.accumulate:
        raise SightlineError(
            f"params.yaml: accumulate: {params.accumulate} is more than the {len(train)} images of train"
        )
    if val.empty and params.keep == "best":
        raise SightlineError("params.yaml: keep: best needs validation images: set split.val above 0, or keep: last")


def make_batches(pixels: np.ndarray, part: pd.DataFrame, dataset: DatasetSpec, device: torch.device) -> Batches:
    return Batches(pixels, part["row"].to_numpy(), part["label"].to_numpy(), len(dataset.classes), device)


def make_run(
    params: TrainParams, accelerator: Accelerator, spec: ModelSpec, train: Batches, fold: int | None, live: StageLive
) -> Run:
    """Gather what stays the same while a member trains; its loss knows how many training images each class has."""
    counts = np.bincount(train.labels.cpu().numpy(), minlength=train.classes)
    weights = class_weights(params.class_weights, counts, params.effective_beta)
    offsets = logit_offsets(params.logit_adjustment, counts)
    return Run(
        params=params,
        accelerator=accelerator,
        member=fold or 0,
        loss=Loss(params.loss, params.label_smoothing, params.focal_gamma, weights, offsets),
        augmentation=build_augmentation(params, spec.input_size, spec.mean),
        mixing=Mixing(params.mixup, params.cutmix, params.mix_prob, params.mix_switch_prob),
        log=logger(live, fold),
    )


def make_classifier(spec: ModelSpec, train: Batches, run: Run) -> Classifier:
    """Build the member's network with its own initial weights, which some networks compute from training images."""
    params = run.params
    torch.manual_seed(run.seed("network"))
    network = build_network(params.model, len(spec.classes), spec.input_size, params.pretrained, params.drop_rate)
    classifier = Classifier(network, spec.mean, spec.std, spec.input_size)
    if hasattr(network, "initialize_from"):
        chosen = torch.linspace(0, len(train) - 1, min(len(train), INITIAL_IMAGES)).long()
        network.initialize_from(classifier.normalize(classifier.scale(train.take(chosen)[0].cpu())))
    return classifier


def logger(live: StageLive, fold: int | None):
    """Return a function that streams an epoch's scores to DVCLive, under the fold's name where there is one."""
    prefix = "" if fold is None else f"fold_{fold}/"

    def log(epoch: int, scores: dict[str, float]) -> None:
        live.step = epoch
        for name, value in scores.items():
            live.log_metric(f"{prefix}{name}", value)
        live.make_summary()

    return log


def write_sample_sheet(train: Batches, classes: list[str], run: Run) -> None:
    """Draw training images of the first classes as augmentation makes them."""
    generator = torch.Generator().manual_seed(run.seed("augment", 0))
    labels, rows = train.labels.cpu(), []
    for label, name in enumerate(classes[:SAMPLE_CLASSES]):
        chosen = torch.nonzero(labels == label).flatten()[:SAMPLES]
        if len(chosen):
            images = run.augmentation(train.take(chosen)[0].cpu(), generator, 0, chosen)
            rows.append((name, (images.permute(0, 2, 3, 1) * 255).round().clamp(0, 255).byte().numpy()))
    with replacing("plots/train/samples.png") as beside:
        contact_sheet(rows, "training images, augmented", SAMPLE_SIDE).save(beside, "PNG")


def write_member(fitted: Fitted, fold: int | None, params: TrainParams) -> Member:
    """Write a member's weights after its best and its last epoch; `keep` says which ones the later stages use."""
    stem = f"member_{fold or 0}"
    write_weights(TRAINED / f"{stem}_best.safetensors", fitted.best_weights)
    write_weights(TRAINED / f"{stem}_last.safetensors", fitted.last_weights)
    return Member(architecture=params.model, file=f"{stem}_{params.keep}.safetensors", fold=fold)


def summarize_best(fits: list[Fitted]) -> dict[str, Any]:
    """Return the scores of the best epoch: those of the only member, or mean and standard deviation over folds."""
    if len(fits) == 1:
        return {"epoch": fits[0].best_epoch, **nest(fits[0].best_scores)}
    values = {name: [fitted.best_scores[name] for fitted in fits] for name in fits[0].best_scores}
    return {
        "mean": nest({name: float(np.mean(numbers)) for name, numbers in values.items()}),
        "std": nest({name: float(np.std(numbers, ddof=1)) for name, numbers in values.items()}),
    }


def nest(scores: dict[str, float]) -> dict[str, Any]:
    """Turn ``val/loss`` into a `val` with a `loss`, as DVCLive does."""
    nested: dict[str, Any] = {}
    for name, value in scores.items():
        subset, _, metric = name.rpartition("/")
        (nested.setdefault(subset, {}) if subset else nested)[metric] = value
    return nested


if __name__ == "__main__":
    run_stage(main, TrainParams)
