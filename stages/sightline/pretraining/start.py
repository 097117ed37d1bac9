"""What pretraining starts from: a new network without its last layer, the images, and who judges it."""

from functools import partial

import numpy as np
import torch

from sightline.common.errors import SightlineError
from sightline.common.rows import evenly
from sightline.images.samples import Samples
from sightline.networks.architectures.build import build_network
from sightline.networks.architectures.handcrafted.network import is_handcrafted
from sightline.networks.architectures.head import Head, shape_head
from sightline.networks.classifier import Classifier
from sightline.networks.memory import images_at_once
from sightline.networks.saved import ModelSpec
from sightline.parameters.pretrain import PretrainSection
from sightline.pretraining.backbone import Backbone
from sightline.pretraining.images import UnlabelledImages
from sightline.pretraining.judge import knn_accuracy
from sightline.pretraining.learners import LEARNERS
from sightline.pretraining.loop import Judge
from sightline.pretraining.methods.learner import Learner
from sightline.pretraining.run import PretrainRun
from sightline.training.batches import Batches
from sightline.training.recipe.checkpointing import use_checkpoints
from sightline.training.recipe.layout import lay_out

FIRST_LOOK = 2048  # images at most that a network sees which looks at images before it learns
MOST_KNOWN = 5000  # labelled training images that vote, evenly chosen
MOST_ASKED = 2000  # validation images that are asked, evenly chosen


def refuse(architectures: list[str], method: str, processes: int) -> None:
    """Raise SightlineError for what cannot be pretrained: no method, several networks, none that learns, processes."""
    if method == "none":
        raise SightlineError(f"params.yaml: pretrain.method: none learns nothing: set it to {' or '.join(LEARNERS)}")
    if len(architectures) > 1:
        raise SightlineError("params.yaml: model: pretraining is of one network: name one, and each of several in turn")
    if is_handcrafted(architectures[0]):
        raise SightlineError(f"params.yaml: model: {architectures[0]} has no weights to pretrain: take a network")
    if processes > 1:
        raise SightlineError("pretrain: runs as one process: start it without torchrun")


def make_learner(
    spec: ModelSpec, images: UnlabelledImages, run: PretrainRun
) -> tuple[Learner, Classifier, torch.memory_format]:
    """Build the learner of `pretrain.method` on its device, what gives its backbone's features, and their layout."""
    params = run.params
    [architecture] = params.architectures
    torch.manual_seed(run.seed("network"))
    network = build_network(architecture, len(spec.classes), spec.input_size, pretrained=False, channels=spec.channels)
    plain = Head(hidden=0, pool=spec.head.pool)
    shape_head(network, plain, architecture, len(spec.classes), spec.input_size)
    look = Classifier(network, spec.mean, spec.std, spec.input_size)
    if hasattr(network, "initialize_from"):
        sample = torch.from_numpy(evenly(len(images), FIRST_LOOK))
        network.initialize_from(look.normalize(look.scale(images.take(sample).cpu())))
    if params.checkpointing:
        use_checkpoints(network, architecture)
    backbone = Backbone(network, architecture, spec.input_size)
    learner = LEARNERS[params.pretrain.method](backbone, params.pretrain)
    classifier = Classifier(backbone, spec.mean, spec.std, spec.input_size)
    layout, note = lay_out(classifier, params.channels_last, run.accelerator.device)
    for told in filter(None, (note, advise_queue(params.pretrain, len(images)))):
        print(f"pretrain: {told}")
    return learner.to(run.accelerator.device, memory_format=layout), classifier, layout


def advise_queue(chosen: PretrainSection, images: int) -> str:
    """Return a line of advice where MoCo's queue is so long that each image is told from itself, else ``""``."""
    if chosen.method != "moco" or chosen.queue <= 2 * images:
        return ""
    return (
        f"pretrain.queue: {chosen.queue:,} is more than both views of all {images:,} images, so that each is told from "
        f"itself: set it to {images:,} or less"
    )


def make_judge(classifier: Classifier, pixels: np.ndarray, samples: Samples, run: PretrainRun) -> Judge:
    """Return what measures how many validation images find their class among labelled training images."""
    device = run.accelerator.device
    classes = int(samples.label.max()) + 1
    known, asked = (_some(samples.of(subset), most) for subset, most in (("train", MOST_KNOWN), ("val", MOST_ASKED)))
    if not len(asked):
        return dict
    bank, questions = (Batches(pixels, part.row, part.label, classes, device) for part in (known, asked))
    at_once = images_at_once(classifier, pixels.shape[1], run.params.memory_mb)
    measure = partial(knn_accuracy, classifier, bank, questions, run.params.pretrain.neighbours, at_once)
    return lambda: {"knn_accuracy": measure()}


def _some(samples: Samples, most: int) -> Samples:
    chosen = np.zeros(len(samples), dtype=bool)
    chosen[evenly(len(samples), most)] = True
    return samples[chosen]
