"""Batch-norm statistics of averaged weights, which no training step has computed."""

import torch
from accelerate import Accelerator
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from sightline.networks.classifier import Classifier
from sightline.training.batches import Batches


@torch.no_grad()
def recompute_statistics(
    classifier: Classifier,
    learner: nn.Module,
    images: Batches,
    batch_size: int,
    generator: torch.Generator,
    accelerator: Accelerator,
) -> None:
    """Set the running statistics of batch norms to those of the images (Izmailov et al., 2018, section 3.2).

    As torch's `update_bn`, the mean over batches of each batch's statistics, but that nothing else is in training mode,
    so that no dropout widens them, and that the images are not augmented: these are statistics for prediction.

    Parameters
    ----------
    classifier : Classifier
        Of the averaged weights.
    learner : nn.Module
        The network whose weights were averaged, in training mode. What rests in it, being frozen, is left as it is.
    images : Batches
        Training images, taken in random order: a batch of one class would have too small a variance.
    """
    learning = {name for name, module in learner.named_modules() if isinstance(module, _BatchNorm) and module.training}
    norms = [module for name, module in classifier.network.named_modules() if name in learning]
    if not norms:
        return
    classifier.eval()
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over batches
        norm.train()
    for chosen in images.shuffled(batch_size, generator, 0.0):
        with accelerator.autocast():
            classifier(images.take(chosen)[0])
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
