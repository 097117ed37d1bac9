"""What a member starts from: its description in model.json, and its network with the first weights."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator

from sightline.common.rows import evenly
from sightline.images.samples import Samples
from sightline.images.store import DatasetSpec
from sightline.networks.architectures.build import build_network
from sightline.networks.architectures.handcrafted.network import is_handcrafted
from sightline.networks.architectures.head import AS_BUILT, Head, shape_head
from sightline.networks.classifier import Classifier
from sightline.networks.saved import ModelSpec, read_spec
from sightline.parameters.train import TrainParams
from sightline.training.adversary import make_adversary
from sightline.training.augmentation.mixing import Mixing
from sightline.training.augmentation.pipeline import Augmentation
from sightline.training.batches import Batches
from sightline.training.first_head import start_head
from sightline.training.interrupt import StopRequest
from sightline.training.logs import Journal, make_log
from sightline.training.members import Plan
from sightline.training.recipe.checkpointing import use_checkpoints
from sightline.training.recipe.distillation import Distillation, load_teacher
from sightline.training.recipe.losses import Loss, class_weights, logit_offsets
from sightline.training.recipe.normalization import NORMALIZATIONS
from sightline.training.recipe.pretrained import load_weights, tracked_path
from sightline.training.recipe.published import in_channels
from sightline.training.recipe.schedules import ENDLESS
from sightline.training.recipe.wrong_labels.robust_losses import choose_loss
from sightline.training.resuming.folder import ResumeFolder
from sightline.training.run import Run

INITIAL_IMAGES = 2048  # that a network which looks at images first sees at most


@dataclass(frozen=True)
class Session:
    """What all members share; only the main process has saved states."""

    params: TrainParams
    accelerator: Accelerator
    spec: ModelSpec
    journal: Journal
    resume: ResumeFolder | None
    stop: StopRequest


def describe_model(dataset: DatasetSpec, samples: Samples, pixels: np.ndarray, params: TrainParams) -> ModelSpec:
    """Return what model.json will say, before there are members."""
    found = NORMALIZATIONS[params.normalization](params, pixels, samples.of("train").row)
    mean, std = (in_channels(levels, dataset.preprocessing.bands) for levels in found)
    return ModelSpec.model_construct(
        classes=dataset.classes,
        preprocessing=dataset.preprocessing,
        input_size=params.input_size or dataset.preprocessing.image_size,
        mean=mean,
        std=std,
        members=[],
        stack=None,
        head=Head(**params.head.model_dump()),
    )


def make_classifier(spec: ModelSpec, train: Batches, val: Batches, architecture: str, run: Run) -> Classifier:
    """Build a member's network with its first weights: random, published, from a file, or from training images.

    Then its head, as `head_init` says; a handcrafted model has none before it is fitted.
    """
    params = run.params
    torch.manual_seed(run.seed("network"))
    classifier, fresh = build_given(spec, architecture, params)
    network = classifier.network
    is_new = params.pretrained and (spec.head != AS_BUILT or network.pretrained_cfg["num_classes"] != len(spec.classes))
    if params.weights:
        run.say(f"train: weights of {params.weights}; new: {', '.join(fresh) or 'none'}")
        is_new = bool(fresh)
    elif hasattr(network, "initialize_from"):
        sample = torch.from_numpy(evenly(len(train), INITIAL_IMAGES))
        network.initialize_from(classifier.normalize(classifier.scale(train.take(sample)[0].cpu())))
    if params.checkpointing:
        use_checkpoints(network, architecture)
    if not is_handcrafted(architecture):
        start_head(classifier, is_new, train, val, run)
    return classifier


def build_given(spec: ModelSpec, architecture: str, params: TrainParams) -> tuple[Classifier, list[str]]:
    """Build a network, initialised by torch's global stream, with the weights that are given, if any.

    Returns
    -------
    Classifier, list of str
        And the tensors of its head that `weights` has none for.
    """
    rates = params.drop_rate, params.drop_path_rate
    network = build_network(architecture, len(spec.classes), spec.input_size, params.pretrained, rates, spec.channels)
    shape_head(network, spec.head, architecture, len(spec.classes), spec.input_size, params.drop_rate)
    fresh = load_weights(network, tracked_path("weights", params.weights)) if params.weights else []
    return Classifier(network, spec.mean, spec.std, spec.input_size), fresh


def make_distillation(params: TrainParams, spec: ModelSpec, accelerator: Accelerator) -> Distillation | None:
    """Load the teacher that `distill.teacher` names, or none."""
    chosen = params.distill
    if not chosen.teacher:
        return None
    folder = tracked_path("distill.teacher", chosen.teacher)
    teacher = load_teacher(folder, spec.classes, spec.channels).to(accelerator.device)

    def taught(images: torch.Tensor) -> torch.Tensor:
        with accelerator.autocast():
            return teacher(images)

    known = read_spec(folder).classes
    places = None if known == spec.classes else [spec.classes.index(name) for name in known]
    return Distillation(taught, chosen.temperature, chosen.weight, places)


def input_files(params: TrainParams) -> list[Path]:
    """Return the files that the parameters name besides the data."""
    named = {"weights": params.weights, "distill.teacher": params.distill.teacher}
    paths = [tracked_path(key, name) for key, name in named.items() if name]
    return [file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]


def why_not_longer(params: TrainParams) -> str:
    """Return why a longer run is not the beginning of this one gone on with; empty where it is."""
    if params.schedule not in ENDLESS:
        return f"schedule: {params.schedule} depends on the length of the run"
    if params.noise == "reweight":
        return "noise: reweight trusts the labels for a share of the run"
    return "average.swa_start is a share of the run" if params.average.method == "swa" else ""


def make_batches(session: Session, samples: Samples, pixels: np.ndarray) -> Batches:
    """Put the samples' pixels and labels where batches are taken from."""
    device = session.accelerator.device
    return Batches(pixels, samples.row, samples.label, len(session.spec.classes), device)


def make_run(session: Session, train: Batches, plan: Plan) -> Run:
    """Gather what stays the same while a member trains; its loss knows how many training images each class has."""
    params = session.params
    accelerator = session.accelerator
    spec = session.spec
    counts = np.bincount(train.labels.cpu().numpy(), minlength=train.classes)
    weights = class_weights(params.class_weights, counts, params.effective_beta)
    offsets = logit_offsets(params.logit_adjustment, counts)
    loss = Loss(choose_loss(params.noise, params.loss), params.label_smoothing, params.focal_gamma, weights, offsets)
    return Run(
        params=params,
        accelerator=accelerator,
        member=plan.number,
        names=spec.classes,
        loss=loss,
        augmentation=Augmentation(params.augment, spec.input_size, spec.mean),
        mixing=Mixing(params.mixup, params.cutmix, params.augment.mix_prob, params.augment.mix_switch_prob),
        distillation=make_distillation(params, spec, accelerator),
        adversary=make_adversary(params.adversarial, loss),
        log=make_log(session.journal, accelerator, plan.prefix),
        resume=session.resume,
        stop=session.stop,
    )
